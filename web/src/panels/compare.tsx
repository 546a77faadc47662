/** Two maps: months, models, or prediction and truth; under a swipe, side by side, or what changes. */
import { area, score } from "../format";
import { sameCells } from "../map/look";
import { monthName, sides } from "../map/swipe";
import { Busy, Button, Segments, Select, Wrong } from "../parts/ui";
import { go, type Manner, state } from "../state";
import { busy, type LoadedMap, map, mapWrong, model, modelOf, models, other, otherWrong, rightMonth, threshold } from "../store";
import { strings } from "../strings";
import { ModelSelect } from "./model_select";
import { Search } from "./search";
import { shareAbove, Threshold, Truth, useFirst } from "./species";
import s from "./panel.module.css";

const t = strings.compare;

function figure(loaded: LoadedMap | null, key: string): string {
  const one = loaded?.info.figures?.[key];
  return one && typeof one === "object" ? score(one.value) : "–";
}

export function ComparePanel() {
  const now = state.value;
  const [left, right] = [map.value, other.value];
  void left?.version.value;
  void right?.version.value;
  const id = model.value?.id ?? "";
  const first = useFirst(id || undefined);
  const otherGone = now.pair === "models" && now.other !== "" && models.value !== null && modelOf(now.other) === null;
  const others = (models.value ?? []).filter((one) => one.id !== id);
  const monthOptions = Array.from({ length: 13 }, (_, month) => [String(month), monthName(month)] as const);
  const apart = left && right && !sameCells(left, right);
  const manners: (readonly [Manner, string])[] = apart ? [["side", t.side]] : [["swipe", t.swipe], ["side", t.side], ["change", t.change]];
  const limit = threshold.value;
  return (
    <>
      <h1 class={s["title"]}>{t.title}</h1>
      {id && <Search model={id} value={now.taxon} label={strings.species.search} onChoose={(one) => go({ taxon: one.taxon })} />}
      {!now.taxon && <p class={s["p"]}>{t.needSpecies}</p>}
      {!now.taxon && first && (
        <div class={s["wrap"]}>
          <Button onClick={() => go({ taxon: first.taxon, pair: "months", month: 1, otherMonth: 7 })}>{t.begin(first.common_name || first.taxon, monthName(1), monthName(7))}</Button>
        </div>
      )}
      <div class={s["stack"]}>
        <Segments label={t.what} value={now.pair} options={[["months", t.months], ["models", t.models], ["truth", strings.layers.truth]]} onChange={(pair) => go({ pair, ...(pair === "models" && !now.other ? { other: others[0]?.id ?? "" } : {}) })} />
        {now.pair !== "truth" && <Segments label={t.how} value={apart ? "side" : now.manner} options={manners} onChange={(manner) => go({ manner })} />}
        {now.pair === "months" && (
          <>
            <Select label={t.leftMonth} value={String(now.month)} options={monthOptions} onChange={(month) => go({ month: Number(month) })} />
            <Select label={t.rightMonth} value={String(now.otherMonth)} options={monthOptions} onChange={(month) => go({ otherMonth: Number(month) })} />
          </>
        )}
        {now.pair === "months" && model.value?.months === 1 && <p class={s["p"]}>{strings.time.undated}</p>}
        {now.pair === "models" && (
          <>
            <ModelSelect />
            {others.length ? <Select label={t.rightModel} value={otherGone ? "" : now.other} options={[...(otherGone || !now.other ? [["", t.choose] as const] : []), ...others.map((one) => [one.id, one.name] as const)]} onChange={(to) => go({ other: to })} /> : <p class={s["p"]}>{t.noOther}</p>}
          </>
        )}
      </div>
      {otherGone && <Wrong message={strings.errors.noModel(now.other)} />}
      {(busy.value || (now.taxon && now.pair === "models" && now.other && !otherGone && !right && !otherWrong.value)) && <Busy what={strings.loading} />}
      {mapWrong.value && <Wrong message={mapWrong.value} />}
      {otherWrong.value && now.pair === "models" && <Wrong message={otherWrong.value} />}
      {apart && <p class={s["small"]}>{t.otherGrid}</p>}
      {now.pair === "truth" && left && !left.has("truth") && <p class={s["p"]}>{t.noTruth}</p>}
      {now.pair === "truth" && left?.has("truth") && (
        <>
          <Threshold loaded={left} />
          <Truth loaded={left} />
        </>
      )}
      {left && right && now.pair !== "truth" && <Threshold loaded={left} />}
      {left && right && (now.pair === "models" || limit !== null) && now.pair !== "truth" && (
        <section class={s["section"]}>
          <h2 class={s["h"]}>{t.figures}</h2>
          <table class={s["table"]}>
            <thead><tr><td />{sides().map((name, i) => <th key={i} scope="col">{name}</th>)}</tr></thead>
            <tbody>
              {now.pair === "models" && ["auc", "auc_even", "boyce"].map((key) => (
                <tr key={key}><td>{strings.species.figure[key]}</td><td>{figure(left, key)}</td><td>{figure(right, key)}</td></tr>
              ))}
              {limit !== null && <tr><td>{strings.species.area}</td><td>{area(shareAbove(left, limit)?.km2 ?? 0)}</td><td>{area(shareAbove(right, limit, rightMonth.value)?.km2 ?? 0)}</td></tr>}
            </tbody>
          </table>
        </section>
      )}
    </>
  );
}
