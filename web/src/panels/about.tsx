import { count } from "../format";
import { about, models } from "../store";
import { strings } from "../strings";
import s from "./panel.module.css";

const t = strings.about;

export function AboutPanel() {
  const said = about.value;
  return (
    <>
      <header>
        <h1 class={s["title"]}>{t.title}</h1>
        <p class={s["p"]}>{t.text}</p>
      </header>
      <dl class={s["dl"]}>
        <dt>{t.version}</dt><dd>{said?.version ?? "–"}</dd>
        {said?.world?.source && <><dt>{t.world}</dt><dd>{said.world.source}</dd></>}
        {said?.world?.licence && <><dt>{t.licence}</dt><dd>{said.world.licence}</dd></>}
        {typeof said?.world?.cell_deg === "number" && <><dt>{t.cell}</dt><dd>{t.degrees(said.world.cell_deg)}</dd></>}
      </dl>
      {said?.command && <section class={s["section"]}><h2 class={s["h"]}>{t.command}</h2><pre class={s["pre"]} tabIndex={0}>{said.command}</pre></section>}
      <section class={s["section"]}>
        <h2 class={s["h"]}>{t.models}</h2>
        <ul class={s["list"]}>
          {(models.value ?? []).map((one) => (
            <li key={one.id} style={{ padding: "8px 0" }}>
              <b>{one.name}</b>
              <div class={s["small"]}>{[t.taxa(one.taxa), `${count(one.cells)} ${strings.compare.cells}`, one.months > 1 ? t.months : t.undated, one.evaluated ? t.evaluated : t.notEvaluated, one.calibrated ? t.calibrated : t.notCalibrated, one.authority].filter(Boolean).join(" · ")}</div>
            </li>
          ))}
        </ul>
      </section>
      <section class={s["section"]}>
        <h2 class={s["h"]}>{t.keys}</h2>
        <dl class={s["dl"]}>{t.keyList.map(([key, text]) => <><dt><span class={s["kbd"]}>{key}</span></dt><dd>{text}</dd></>)}</dl>
      </section>
      <p class={s["small"]}>{t.credits}</p>
    </>
  );
}
