/** Zoom, the whole map, where I am, and how the map looks. */
import { useEffect, useRef, useState } from "preact/hooks";
import { kilometres } from "../format";
import { Button, Segments, Select, Slider, Switch } from "../parts/ui";
import { percent } from "../format";
import { go, RAMPS, state } from "../state";
import { dark, grid, narrow, theme, tight, tiles, view } from "../store";
import { strings } from "../strings";
import { mapView } from "./map_pane";
import s from "./pane.module.css";
import { gradient, ramp } from "./ramps";
import { scaleBar } from "./scale";
import { stop } from "../sheet";
import { whereIAm } from "./where";

function Scale() {
  void view.value;
  const made = mapView.value;
  if (!made || tight.value) return null;
  const { lat } = made.map.getCenter();
  const { km, width } = scaleBar((40075 * Math.cos((lat * Math.PI) / 180)) / (512 * 2 ** made.map.getZoom()));
  if (!Number.isFinite(width)) return null;
  return <div class={s["scale"]} style={{ width: `${width}px` }}>{kilometres(km)}</div>;
}

function Display({ onClose }: { onClose: (byKey: boolean) => void }) {
  const box = useRef<HTMLDivElement>(null);
  useEffect(() => {
    box.current?.focus();
    const key = (event: KeyboardEvent): void => { if (event.key === "Escape") onClose(true); };
    const away = (event: PointerEvent): void => { if (!box.current?.parentElement?.contains(event.target as Node)) onClose(false); };
    addEventListener("keydown", key);
    addEventListener("pointerdown", away);
    return () => {
      removeEventListener("keydown", key);
      removeEventListener("pointerdown", away);
    };
  }, []);
  const now = state.value;
  const t = strings.display;
  return (
    <div class={s["popover"]} ref={box} tabIndex={-1} role="dialog" aria-label={t.label}>
      <h2>{t.label}</h2>
      {tiles.value.length ? (
        <Select label={t.base} value={now.base} options={[["plain", t.plain], ["marble", t.marble], ...tiles.value.map((one) => [one.name, one.title] as const)]} onChange={(base) => go({ base })} />
      ) : (
        <Segments label={t.base} value={now.base} options={[["plain", t.plain], ["marble", t.marble]]} onChange={(base) => go({ base })} />
      )}
      <Segments label={t.projection} value={now.globe ? "globe" : "flat"} options={[["flat", t.flat], ["globe", t.globe]]} onChange={(to) => go({ globe: to === "globe" })} />
      <div>
        <div class={s["label"]}>{t.ramp}</div>
        <div class={s["ramps"]} role="group" aria-label={t.ramp}>
          {RAMPS.map((name) => (
            <button type="button" key={name} aria-pressed={name === now.ramp} onClick={() => go({ ramp: name })}>
              <i style={{ background: gradient(ramp(name, dark.value)) }} />
              {t.ramps[name]}
            </button>
          ))}
        </div>
      </div>
      <Slider label={t.opacity} value={now.opacity} text={percent(now.opacity)} min={0.1} step={0.05} onChange={(opacity) => go({ opacity })} />
      <div>
        <Switch label={t.names} on={now.names} onChange={(names) => go({ names })} />
        <Switch label={t.borders} on={now.borders} onChange={(borders) => go({ borders })} />
        <Switch label={t.graticule} on={now.graticule} onChange={(graticule) => go({ graticule })} />
      </div>
      <div>
        <div class={s["label"]}>{t.theme}</div>
        <Segments label={t.theme} value={theme.value} options={[["auto", t.auto], ["light", t.light], ["dark", t.dark]]} onChange={(to) => (theme.value = to)} />
      </div>
    </div>
  );
}

export function MapControls() {
  const [open, setOpen] = useState(false);
  const [lost, setLost] = useState<string | null>(null);
  const opener = useRef<HTMLDivElement>(null);
  useEffect(() => {
    if (!lost) return;
    const timer = setTimeout(() => setLost(null), 8000);
    return () => clearTimeout(timer);
  }, [lost]);
  const made = mapView.value;
  const t = strings.display;
  const zoom = (by: number): void => { if (made) made.map.easeTo({ zoom: made.map.getZoom() + by, duration: 200 }); };
  return (
    <section class={s["controls"]} aria-label={t.controls}>
      {lost && <div class={s["told"]} role="alert">{lost}</div>}
      {!(narrow.value && stop.value === 2) && (
        <div class={s["stack"]} role="group" aria-label={t.zoom}>
          {!narrow.value && <Button round icon="plus" label={t.zoomIn} onClick={() => zoom(1)} />}
          {!narrow.value && <Button round icon="minus" label={t.zoomOut} onClick={() => zoom(-1)} />}
          <Button round icon="home" label={t.home} onClick={() => { if (grid.value && made) { go({ at: null }); made.frame(grid.value, true); } }} />
          <Button round icon="here" label={t.locate} onClick={() => whereIAm((lon, lat) => { setLost(null); made?.fly(lon, lat, 6); }, setLost)} />
        </div>
      )}
      <div style={{ position: "relative" }}>
        <div class={s["stack"]} ref={opener}>
          <Button round icon="layers" label={t.label} expanded={open} onClick={() => setOpen(!open)} />
        </div>
        {open && <Display onClose={(byKey) => { setOpen(false); if (byKey) opener.current?.querySelector("button")?.focus(); }} />}
      </div>
      <Scale />
    </section>
  );
}
