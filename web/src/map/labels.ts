/** Names of countries as HTML: in the page's own font and language, read by its zoom, with no glyph files to ship. */
import type { Map as MapLibre } from "maplibre-gl";
import { halfWidth } from "./countries";
import type { Name } from "./earth";
import styles from "./map.module.css";

export class Labels {
  private readonly box = document.createElement("div");
  private readonly made = new Map<Name, HTMLSpanElement>();
  private shown = true;

  constructor(
    private readonly map: MapLibre,
    private readonly names: readonly Name[],
  ) {
    this.box.className = styles["labels"] ?? "";
    this.box.setAttribute("aria-hidden", "true");
    map.getCanvasContainer().appendChild(this.box);
    map.on("render", () => this.place());
  }

  show(shown: boolean): void {
    this.shown = shown;
    this.box.hidden = !shown;
    if (shown) this.place();
  }

  private place(): void {
    if (!this.shown) return;
    const { map } = this;
    const zoom = map.getZoom();
    const { width, height } = map.getCanvas().getBoundingClientRect();
    const least = 600 / 4 ** (zoom - 0.6); // a country that is large enough to carry its name
    const taken: [number, number, number, number][] = [];
    const seen = new Set<Name>();
    for (const name of this.names) {
      if (name.area < least) continue;
      const { x, y } = map.project([name.lon, name.lat]);
      if (x < 0 || y < 0 || x > width || y > height || this.isBehind(name, x, y)) continue;
      const half = halfWidth(name.name);
      const box: [number, number, number, number] = [x - half, y - 10, x + half, y + 10];
      if (taken.some(([w, n, e, s]) => box[0] < e && box[2] > w && box[1] < s && box[3] > n)) continue;
      taken.push(box);
      seen.add(name);
      let label = this.made.get(name);
      if (!label) {
        label = document.createElement("span");
        label.textContent = name.name;
        this.made.set(name, label);
        this.box.appendChild(label);
      }
      label.hidden = false;
      label.style.transform = `translate(${x.toFixed(1)}px, ${y.toFixed(1)}px) translate(-50%, -50%)`;
    }
    for (const [name, label] of this.made) if (!seen.has(name)) label.hidden = true;
  }

  /** Whether a place lies on the globe's far side: what its point on the screen stands for is then elsewhere. */
  private isBehind(name: Name, x: number, y: number): boolean {
    if (this.map.getProjection()?.type !== "globe" || this.map.getZoom() > 6) return false;
    const back = this.map.unproject([x, y]);
    const turn = ((((back.lng - name.lon + 180) % 360) + 360) % 360) - 180;
    return Math.abs(turn) > 2 || Math.abs(back.lat - name.lat) > 2;
  }
}
