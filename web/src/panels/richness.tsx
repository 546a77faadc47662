import { sentence } from "../legend/legend";
import { Busy, Wrong } from "../parts/ui";
import { attempt, busy, map, mapWrong } from "../store";
import { strings } from "../strings";
import { ModelSelect } from "./model_select";
import { Downloads } from "./species";
import s from "./panel.module.css";

export function RichnessPanel() {
  const loaded = map.value;
  return (
    <>
      <header>
        <h1 class={s["title"]}>{strings.richness.title}</h1>
        <p class={s["p"]}>{strings.richness.text}</p>
      </header>
      <ModelSelect />
      {mapWrong.value && <Wrong message={mapWrong.value} onAgain={() => attempt.value++} />}
      {busy.value && <Busy what={strings.loading} />}
      {loaded && (loaded.info.notes?.length ?? 0) > 0 && <ul class={s["notes"]}>{loaded.info.notes?.map((note) => <li key={note}>{sentence(note)}</li>)}</ul>}
      {loaded && <Downloads info={loaded.info} />}
    </>
  );
}
