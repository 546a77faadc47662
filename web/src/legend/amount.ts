import { number, score } from "../format";
import type { CellValues } from "../map/cells";
import { strings } from "../strings";

/** What a number of a layer counts, after a space; "" where it has no unit. */
export const unitOf = (name: string, unit: string | undefined): string => {
  const said = unit || (name === "richness" || name === "gaps" || name === "std" ? strings.layers.unit : name === "effort" ? strings.layers.effortUnit : "");
  return said && ` ${said}`;
};

/** A value of a layer in words: its name, its number, its unit. */
export function amount(values: CellValues | undefined, name: string, value: number): string {
  const said = strings.layers[name as "suitability"] ?? strings.legend.value;
  return `${said} ${name === "richness" || name === "gaps" || name === "std" || name === "effort" ? number(value) : score(value)}${unitOf(name, values?.unit)}`;
}
