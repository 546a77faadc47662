import { number, score } from "../format";
import type { CellValues } from "../map/cells";
import { strings } from "../strings";

/** A value of a layer in words: its name, its number, its unit. */
export function amount(values: CellValues | undefined, name: string, value: number): string {
  const said = strings.layers[name as "suitability"] ?? strings.legend.value;
  return `${said} ${name === "richness" || name === "gaps" || name === "effort" ? number(value) : score(value)}${values?.unit ? ` ${values.unit}` : ""}`;
}
