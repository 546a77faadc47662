/** The screen: map, rail, panel, legend, time. */
import type { ComponentChildren } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import icon from "./assets/icon.svg?url";
import s from "./app.module.css";
import { Legend } from "./legend/legend";
import { MapControls } from "./map/controls";
import { MapPane } from "./map/map_pane";
import { AboutPanel } from "./panels/about";
import { ComparePanel } from "./panels/compare";
import { DataPanel } from "./panels/data";
import { PhotosPanel } from "./panels/photos";
import { PlacePanel } from "./panels/place";
import { RecordsPanel } from "./panels/records";
import { RichnessPanel } from "./panels/richness";
import { SpeciesPanel } from "./panels/species";
import { TaxaPanel } from "./panels/taxa";
import { MapTabs } from "./panels/map_tabs";
import { Icon, type IconName } from "./parts/icons";
import { Button, join, Wrong } from "./parts/ui";
import { go, linkTo, state, type View } from "./state";
import { attempt, busy, modelGone, models, narrow, wrong } from "./store";
import { strings } from "./strings";
import { TimeBar } from "./time/time";
import { stop } from "./sheet";

const RAIL: readonly (readonly [View, IconName])[] = [["species", "bird"], ["place", "pin"], ["photos", "photo"], ["data", "data"], ["compare", "compare"], ["about", "about"]];
const OF_MODEL: readonly View[] = ["species", "richness", "taxa", "place", "compare"];
const MAPS: readonly View[] = ["species", "richness", "taxa", "records"];

function Rail() {
  const { view } = state.value;
  return (
    <nav class={s["rail"]} aria-label={strings.rail}>
      <img class={s["logo"]} src={new URL(icon, document.baseURI).href} alt="" />
      {RAIL.map(([of, name]) => {
        const current = of === view || (of === "species" && MAPS.includes(view));
        return (
          <a
            key={of}
            href={linkTo({ view: of })}
            aria-current={current ? "page" : undefined}
            class={of === "about" ? s["last"] : undefined}
            onClick={(event) => {
              if (event.metaKey || event.ctrlKey) return;
              event.preventDefault();
              if (current && narrow.value) stop.value = stop.value === 1 ? 0 : 1;
              else if (narrow.value && stop.value === 0) stop.value = 1;
              go({ view: of });
            }}
          >
            <Icon name={name} size={22} />
            {strings.views[of as keyof typeof strings.views]}
          </a>
        );
      })}
    </nav>
  );
}

function Sheet({ children }: { children: ComponentChildren }) {
  const [height, setHeight] = useState<number | null>(null);
  const box = useRef<HTMLElement>(null);
  const from = useRef<{ y: number; height: number; moved: boolean } | null>(null);
  const phone = narrow.value;
  const region = useRef<HTMLDivElement>(null);
  const inside = useRef(false); // whether the focus is in the panel
  const { view, taxon, model } = state.value;
  useEffect(() => {
    const watch = (event: FocusEvent): void => { inside.current = Boolean(box.current?.contains(event.target as Node)); };
    addEventListener("focusin", watch);
    return () => removeEventListener("focusin", watch);
  }, []);
  useEffect(() => region.current?.scrollTo(0, 0), [view]);
  useEffect(() => {
    // What had the focus may have gone with the view before: the next key is then to go on in the panel.
    if (inside.current && document.activeElement === document.body) region.current?.focus({ preventScroll: true });
  }, [view, taxon, model]);
  return (
    <main id="panel" ref={box} tabIndex={-1} data-stop={stop.value} class={join(s["panel"], height !== null && s["dragged"])} style={{ height: phone && height !== null ? `${height}px` : "" }} aria-label={strings.views[(MAPS.includes(state.value.view) ? "species" : state.value.view) as keyof typeof strings.views]}>
      {phone && (
        <button
          type="button"
          class={s["grip"]}
          aria-label={`${strings.sheet}: ${strings.stops[stop.value] ?? ""}`}
          onKeyDown={(event) => {
            if (event.key === "ArrowUp") stop.value = Math.min(2, stop.value + 1);
            if (event.key === "ArrowDown") stop.value = Math.max(0, stop.value - 1);
          }}
          onPointerDown={(event) => {
            event.currentTarget.setPointerCapture(event.pointerId);
            from.current = { y: event.clientY, height: box.current?.offsetHeight ?? 0, moved: false };
          }}
          onPointerMove={(event) => {
            if (!from.current) return;
            const by = from.current.y - event.clientY;
            if (Math.abs(by) > 4) from.current.moved = true;
            if (from.current.moved) setHeight(Math.min(innerHeight - 72, Math.max(80, from.current.height + by)));
          }}
          onPointerUp={() => {
            const { current } = from;
            from.current = null;
            if (current?.moved && height !== null) {
              const share = height / innerHeight;
              stop.value = share < 0.3 ? 0 : share < 0.65 ? 1 : 2;
            } else stop.value = (stop.value + 1) % 3;
            setHeight(null);
          }}
        />
      )}
      <div ref={region} class={s["scroll"]} tabIndex={0} role="region" aria-label={strings.views[(MAPS.includes(state.value.view) ? "species" : state.value.view) as keyof typeof strings.views]}>{children}</div>
    </main>
  );
}

const PANELS: Record<View, () => ComponentChildren> = {
  species: () => <SpeciesPanel />, richness: () => <RichnessPanel />, taxa: () => <TaxaPanel />, records: () => <RecordsPanel />, place: () => <PlacePanel />,
  photos: () => <PhotosPanel />, data: () => <DataPanel />, compare: () => <ComparePanel />, about: () => <AboutPanel />,
};

export function App() {
  const { view } = state.value;
  if (wrong.value)
    return (
      <div class={s["fatal"]}>
        <div>
          <Wrong message={wrong.value} onAgain={() => attempt.value++} />
        </div>
      </div>
    );
  return (
    <div class={s["app"]} aria-busy={models.value === null || busy.value} data-stop={narrow.value ? stop.value : undefined}>
      <a class={s["skip"]} href="#panel" onClick={(event) => { event.preventDefault(); document.getElementById("panel")?.focus(); }}>
        {strings.skip}
      </a>
      <MapPane />
      <Rail />
      <Sheet>
        {MAPS.includes(view) && <MapTabs />}
        {modelGone.value && OF_MODEL.includes(view) ? (
          <Wrong message={strings.errors.noModel(state.value.model)}>
            <div><Button onClick={() => go({ model: "", at: null })}>{strings.errors.firstModel}</Button></div>
          </Wrong>
        ) : PANELS[view]()}
      </Sheet>
      <div class={s["legend"]}><Legend /></div>
      <div class={s["bottom"]}>
        <TimeBar />
        <MapControls />
      </div>
    </div>
  );
}
