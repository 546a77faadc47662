/** The map, or two of them side by side, kept as the state says. */
import { computed, effect, signal } from "@preact/signals";
import { useEffect, useRef, useState } from "preact/hooks";
import { join } from "../parts/ui";
import { Wrong } from "../parts/ui";
import { go, state } from "../state";
import { dark, given, grid, layerName, map, model, narrow, other, spot, threshold, tiles, view } from "../store";
import { type Bounds, boxOf } from "./cells";
import { stop } from "../sheet";
import { strings } from "../strings";
import { Hover, type Point } from "./hover";
import { show } from "./look";
import { MapView } from "./map";
import s from "./pane.module.css";
import { Sides, Swipe } from "./swipe";

export const mapView = signal<MapView | null>(null);
const RAIL = 72;
const PANEL = 360;

/** Width that the rail and the panel cover. */
export const covered = (): number => (narrow.value ? 0 : RAIL + (innerWidth <= 1000 ? 320 : PANEL));

const isSide = (): boolean => {
  const { view: of, manner, pair, taxon } = state.value;
  return of === "compare" && manner === "side" && pair !== "truth" && taxon !== "" && other.value !== null;
};

/** The place that a pin stands on: the one that is asked for, or where the photo that is looked at was taken. */
const pinned = computed(() => {
  const { view: of, place } = state.value;
  return of === "place" ? place : of === "photos" || of === "data" ? spot.value : null;
});

function openPlace(lon: number, lat: number): void {
  if (narrow.value && stop.value === 0) stop.value = 1;
  go({ view: "place", place: [Number(lon.toFixed(4)), Number(lat.toFixed(4))] });
}

/** Keep a map as the state says it; `right` is the right one of two. */
function keep(made: MapView, right: boolean): () => void {
  const ends = [
    effect(() => {
      const { base, globe, names, borders, graticule } = state.value;
      const ground = { base, globe, names, borders, graticule, dark: dark.value, raster: tiles.value.find((one) => one.name === base) ?? null };
      void made.ready.then(() => made.setGround(ground));
    }),
    effect(() => {
      const left = map.value;
      const second = other.value;
      void left?.version.value;
      void second?.version.value;
      const now = state.value;
      const [layer, limit, night] = [layerName.value, threshold.value, dark.value];
      const canvas = made.map.getCanvas();
      const from = covered();
      const share = canvas.width / (canvas.clientWidth || 1);
      const swipe = (from + (now.split / 100) * (canvas.clientWidth - from)) * share;
      void made.ready.then(() => {
        const main = right ? second : left;
        const of = right ? { ...now, month: now.pair === "months" ? now.otherMonth : now.month } : now;
        if (!main) {
          made.cells.setValues("a", null);
          made.map.triggerRepaint();
          return;
        }
        const shown = show(of, main, layer, right ? null : second, limit, night, swipe);
        made.cells.setGrid(main.grid);
        made.cells.setRamp(shown.ramp);
        made.cells.setValues("b", shown.b);
        made.cells.setValues("applicable", shown.applicable);
        made.cells.setValues("a", shown.a);
        made.cells.setLook(shown.look);
      });
    }),
    effect(() => {
      const loaded = (right ? other : map).value;
      void loaded?.version.value;
      const { records, month, view: of } = state.value;
      const points = of === "records" && given.value ? given.value : records && loaded ? loaded.records : null;
      void made.ready.then(() => made.setRecords(points, month));
    }),
    effect(() => {
      const at = pinned.value;
      void made.ready.then(() => made.setPin(at));
    }),
  ];
  return () => ends.forEach((end) => end());
}

export function MapPane() {
  const box = useRef<HTMLDivElement>(null);
  const second = useRef<HTMLDivElement>(null);
  const [point, setPoint] = useState<Point | null>(null);
  const [unable, setUnable] = useState(false);
  const side = isSide();

  useEffect(() => {
    if (!box.current) return;
    let made: MapView;
    try {
      made = new MapView(
        box.current,
        strings.map,
        {
          moved(camera, bounds, byHand) {
            view.value = bounds;
            if (byHand || state.peek().at) go({ at: camera });
          },
          pointed: (at) => setPoint(at),
          clicked: (at) => openPlace(at.lon, at.lat),
        },
        state.peek().at,
        null,
      );
    } catch {
      setUnable(true);
      return;
    }
    mapView.value = made;
    made.map.getCanvas().addEventListener("keydown", (event) => {
      if (event.key !== "Enter") return;
      const { lng, lat } = made.map.getCenter();
      openPlace(lng, lat);
    });
    const end = keep(made, false);
    let framedFor = "";
    const bring = (): void => {
      const at = pinned.peek();
      if (at && !made.sees(at[0], at[1])) made.fly(at[0], at[1], Math.max(3, made.map.getZoom()));
    };
    const framed = effect(() => {
      // A model that comes into view is shown whole, unless the address says where to look.
      const shown = grid.value;
      if (shown && !state.peek().at)
        void made.ready.then(() => {
          pad(made);
          made.frame(shown, false);
          bring();
        });
    });
    const found = effect(() => {
      // What is looked at may be a small part of its cells: own records, or where a photo may have been taken.
      const [own, shown, kind] = [given.value, map.value, model.value?.kind];
      const to = (of: { readonly lon: readonly number[]; readonly lat: readonly number[] } | null): boolean => {
        const box = of && boxOf(of.lon, of.lat);
        if (box) void made.ready.then(() => made.frame(box, true));
        return box !== null;
      };
      if (state.value.view === "records") to(own);
      else if (kind === "project" && shown && shown.model !== framedFor && !state.peek().at)
        void shown.readRecords().then(() => { if (map.peek() === shown && !state.peek().at && !pinned.peek() && to(shown.records)) framedFor = shown.model; });
    });
    const shownPlace = effect(() => {
      // A place that is asked for comes into view.
      if (pinned.value) void made.ready.then(bring);
    });
    const padded = effect(() => {
      void [narrow.value, stop.value, state.value.manner];
      pad(made);
    });
    const back = (): void => {
      const { at } = state.peek();
      if (at) made.map.jumpTo({ center: [at.lon, at.lat], zoom: at.zoom });
    };
    addEventListener("popstate", back);
    return () => {
      removeEventListener("popstate", back);
      padded();
      found();
      shownPlace();
      framed();
      end();
      made.end();
    };
  }, []);

  useEffect(() => {
    const first = mapView.value;
    if (!side || !second.current || !first) return;
    const made = new MapView(second.current, strings.rightMap, { clicked: (at) => openPlace(at.lon, at.lat) }, { lon: 0, lat: 0, zoom: 1 }, null);
    const end = keep(made, true);
    let following = false;
    const follow = (from: MapView, to: MapView) => () => {
      if (following) return;
      following = true;
      to.map.jumpTo({ center: from.map.getCenter(), zoom: from.map.getZoom() });
      following = false;
    };
    const [there, back] = [follow(first, made), follow(made, first)];
    first.map.resize();
    pad(first);
    pad(made, true);
    const whole = (): void => { if (grid.peek() && !state.peek().at) first.frame(grid.peek() as Bounds, false); };
    whole(); // in the half that is left of it
    there();
    first.map.on("move", there);
    made.map.on("move", back);
    return () => {
      first.map.off("move", there);
      end();
      made.end();
      setTimeout(() => {
        first.map.resize();
        pad(first);
        whole();
      });
    };
  }, [side]);

  return (
    <div class={s["pane"]} style={{ bottom: narrow.value ? (stop.value === 0 ? "176px" : "calc(45% + 44px)") : "" }} role="region" aria-label={strings.mapName}>
      <div ref={box} class={join(s["main"], side && s["left"])} />
      {side && <div ref={second} class={s["right"]} />}
      {unable && <div class={s["unable"]}><Wrong message={strings.errors.webgl} /></div>}
      {side ? <Sides /> : <Swipe />}
      {point && !narrow.value && <Hover point={point} />}
    </div>
  );
}

function pad(made: MapView, right = false): void {
  // The time bar and the legend lie over the map; the right map of two has no panel over it.
  made.pad({ top: narrow.value ? 104 : 16, left: right ? 16 : covered() + 16, right: !narrow.value && innerWidth > 1200 && !isSide() ? 332 : 16, bottom: narrow.value ? 84 : 96 });
}
