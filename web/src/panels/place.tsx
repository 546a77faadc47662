/** One place: which species are expected there, over the year, and what it looks like from above. */
import { useEffect, useState } from "preact/hooks";
import { inWords, isStatic, wasStopped } from "../api";
import { kilometres, number, place as placeText, readPlace, score } from "../format";
import { sentence } from "../legend/legend";
import { mapView } from "../map/map_pane";
import { whereIAm } from "../map/where";
import { monthName } from "../map/swipe";
import { Busy, Button, Download, join, Name, Picture, Segments, Text, Wrong, YearBars } from "../parts/ui";
import type { PlaceInfo } from "../records";
import { go, state } from "../state";
import { about, model } from "../store";
import { strings } from "../strings";
import { LikePlace } from "./like_place";
import { ModelSelect } from "./model_select";
import { readPlaceInfo } from "./place_info";
import s from "./panel.module.css";

const t = strings.place;
const SIZES = [25, 100, 400, 1600] as const; // km across; those that the imagery at hand is sharp enough for
const FIRST = 12;

export function PlacePanel() {
  const { place, month } = state.value;
  const id = model.value?.id ?? "";
  const [text, setText] = useState("");
  const [bad, setBad] = useState<string | null>(null);
  const [info, setInfo] = useState<PlaceInfo | null>(null);
  const [wrong, setWrong] = useState<string | null>(null);
  const [busy, setBusy] = useState(false);
  const [again, setAgain] = useState(0);
  const sizes = SIZES.filter((km) => km >= (about.value?.has.sharpest_km ?? 0));
  // Coarse imagery has nothing to show of 25 km: a wider square is the better first look.
  const size = String(sizes.find((km) => km === state.value.km) ?? sizes.find((km) => km >= 100) ?? 1600);
  const [all, setAll] = useState(false);
  const months = model.value?.months ?? 1;
  const key = place ? place.join(",") : "";
  useEffect(() => {
    if (!place || !id) {
      setInfo(null);
      return;
    }
    const stop = new AbortController();
    setBusy(true);
    setWrong(null);
    readPlaceInfo(id, place[0], place[1], months > 1 ? month : 0, stop.signal)
      .then(setInfo, (error) => {
        if (wasStopped(error)) return;
        setInfo(null);
        setWrong(inWords(error));
      })
      .finally(() => { if (!stop.signal.aborted) setBusy(false); });
    return () => stop.abort();
  }, [key, id, month, months, again]);
  const show = (): void => {
    const found = readPlace(text);
    setBad(found ? null : strings.errors.noPlace(text));
    if (!found) return;
    go({ place: found });
    mapView.value?.fly(found[0], found[1], Math.max(4, mapView.value.map.getZoom()));
  };
  const listed = (info?.taxa ?? []).filter((one) => one.value >= 0.02 || (one.recorded ?? 0) > 0);
  const top = Math.max(0.01, ...listed.flatMap((one) => one.year.map((value) => value ?? 0)));
  const missing = new Set(info?.unrecorded ?? []);
  const unrecorded = listed.filter((one) => missing.has(one.key ?? one.taxon) || missing.has(one.taxon));
  const month_query = months > 1 && month > 0 ? `&month=${month - 1}` : "";
  return (
    <>
      <header>
        <h1 class={s["title"]}>{place ? placeText(place[0], place[1]) : t.title}</h1>
        {!place && <p class={s["p"]}>{t.ask}.</p>}
      </header>
      <form onSubmit={(event) => { event.preventDefault(); show(); }} class={s["stack"]}>
        <Text label={t.coordinates} value={text} placeholder="48.1, 11.6" onInput={setText} onEnter={show} />
        {bad && <Wrong message={bad} />}
        <div class={s["wrap"]}>
          <Button main onClick={show} disabled={text.trim() === ""}>{t.show}</Button>
          <Button icon="here" onClick={() => whereIAm((lon, lat) => { setBad(null); go({ place: [Number(lon.toFixed(4)), Number(lat.toFixed(4))] }); }, setBad)}>{strings.display.locate}</Button>
        </div>
      </form>
      <ModelSelect />
      {busy && !info && <Busy what={strings.loading} />}
      {wrong && <Wrong message={wrong} onAgain={() => setAgain(again + 1)} />}
      {info && (
        <>
          {typeof info.effort === "number" && (
            <p class={s["small"]}>{info.effort > 0 ? t.effort(number(info.effort)) : t.noEffort}</p>
          )}
          <section class={s["section"]}>
            <h2 class={s["h"]}>{t.expected} {months > 1 && month > 0 ? t.inMonth(monthName(month)) : months > 1 ? t.year : ""}</h2>
            {listed.length === 0 ? <p class={s["p"]}>{t.none}</p> : <p class={s["small"]}>{t.values(typeof listed[0]?.low === "number")}</p>}
            <ul class={s["list"]}>
              {(all ? listed : listed.slice(0, FIRST)).map((one) => (
                <li key={one.taxon}>
                  <button type="button" class={s["item"]} onClick={() => go({ view: "species", taxon: one.taxon })}>
                    <span>
                      <Name taxon={one.taxon} common={one.common_name} />
                      {(one.recorded ?? 0) > 0 && <span class={join(s["tag"], s["good"])}>{t.seen(one.recorded ?? 0)}</span>}
                      {one.applicable === false && <span class={join(s["tag"], s["warn"])}>{t.beyond}</span>}
                    </span>
                    {one.year.length === 12 && <YearBars name={one.common_name || one.taxon} values={one.year} month={month} top={top} />}
                    <span class={s["value"]}>
                      {score(one.value)}
                      {typeof one.low === "number" && typeof one.high === "number" && <small>{score(one.low)}–{score(one.high)}</small>}
                    </span>
                  </button>
                </li>
              ))}
            </ul>
            {listed.length > FIRST && <Button onClick={() => setAll(!all)}>{all ? t.fewer : t.more(listed.length - FIRST)}</Button>}
          </section>
          {unrecorded.length > 0 && (
            <section class={s["section"]}>
              <h2 class={s["h"]}>{t.unrecorded}</h2>
              <p class={s["small"]}>{t.unrecordedText}</p>
              <div class={s["tags"]}>{unrecorded.slice(0, 40).map((one) => <span class={s["tag"]} key={one.taxon}>{one.common_name || one.taxon}</span>)}</div>
            </section>
          )}
          {(info.notes?.length ?? 0) > 0 && <ul class={s["notes"]}>{info.notes?.map((note) => <li key={note}>{sentence(note)}</li>)}</ul>}
          {!isStatic() && place && (
            <Download href={`v1/models/${encodeURIComponent(id)}/place.csv?lon=${place[0]}&lat=${place[1]}${month_query}`} onWrong={(error) => setWrong(inWords(error))}>
              {t.csv}
            </Download>
          )}
        </>
      )}
      {place && !isStatic() && about.value && (
        <section class={s["section"]}>
          <h2 class={s["h"]}>{t.picture}</h2>
          <Picture class={join(s["chip"], s["wide"])} src={`v1/chip.png?lon=${place[0]}&lat=${place[1]}&km=${size}&px=512`} alt={`${t.picture}, ${t.size(kilometres(Number(size)))}`} />
          <Segments label={t.picture} value={size} options={sizes.map((km) => [String(km), kilometres(km)] as const)} onChange={(km) => go({ km: Number(km) })} />
        </section>
      )}
      {place && !busy && about.value?.has.place_photos && !isStatic() && <LikePlace lon={place[0]} lat={place[1]} month={months > 1 ? month : 0} />}
    </>
  );
}
