/** Photos of the data set that were taken in places most like this one. */
import { useEffect, useRef, useState } from "preact/hooks";
import { getMade, inWords, wasStopped } from "../api";
import { place as placeText, score } from "../format";
import { Busy, Picture, Wrong } from "../parts/ui";
import { saying } from "../parts/work";
import type { Job, PlacePhotos } from "../records";
import { go } from "../state";
import { strings } from "../strings";
import s from "./panel.module.css";

const t = strings.place;

export function LikePlace({ lon, lat, month }: { lon: number; lat: number; month: number }) {
  const [found, setFound] = useState<PlacePhotos | null>(null);
  const [making, setMaking] = useState<Job<unknown> | null>(null);
  const [wrong, setWrong] = useState<string | null>(null);
  const [again, setAgain] = useState(0);
  const stopping = useRef<AbortController>();
  useEffect(() => {
    let here = true;
    const stop = (stopping.current = new AbortController());
    setFound(null);
    setWrong(null);
    getMade<PlacePhotos>(`v1/place/photos?lon=${lon}&lat=${lat}${month > 0 ? `&month=${month - 1}` : ""}&most=9`, setMaking, stop.signal)
      .then(setFound, (error) => { if (!here) return; setMaking(null); setWrong(wasStopped(error) ? strings.data.stopped : inWords(error)); });
    return () => {
      here = false; // another place is asked for: nobody stopped this one
      stop.abort();
    };
  }, [lon, lat, month, again]);
  return (
    <section class={s["section"]}>
      <h2 class={s["h"]}>{t.photos}</h2>
      {wrong && <Wrong message={wrong} onAgain={() => setAgain(again + 1)} />}
      {!found && !wrong && <Busy what={making ? saying(t.photosMaking, making.doing) : strings.loading} share={making?.done ?? null} {...(making ? { onStop: () => stopping.current?.abort() } : {})} />}
      {found && (
        <ul class={s["grid"]}>
          {found.photos.map((one) => {
            const [lon, lat] = [one.lon, one.lat];
            const where = typeof lon === "number" && typeof lat === "number" ? ([lon, lat] as const) : null;
            const said = [one.common_name || one.taxon, where && placeText(...where), typeof one.similarity === "number" ? t.similar(score(one.similarity)) : ""].filter(Boolean).join(", ");
            return (
              <li key={one.row}>
                <button type="button" class={s["tile"]} aria-label={said} title={[said, one.attribution, one.licence].filter(Boolean).join(" · ")} onClick={() => where && go({ place: where })}>
                  {one.photo_url ? <Picture src={one.photo_url} alt="" /> : <span />}
                  <i>{one.common_name || one.taxon}</i>
                </button>
              </li>
            );
          })}
        </ul>
      )}
      {found && <p class={s["small"]}>{t.likeText}</p>}
    </section>
  );
}
