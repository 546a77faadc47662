import { Segments } from "../parts/ui";
import { go, state, type View } from "../state";
import { canWork } from "../store";
import { strings } from "../strings";

export function MapTabs() {
  const t = strings.tabs;
  const tabs: (readonly [View, string])[] = [["species", t.species], ["richness", t.richness], ["taxa", t.taxa], ...(canWork() ? [["records", t.records] as const] : [])];
  return <Segments label={t.label} value={state.value.view} options={tabs} onChange={(view) => go({ view })} />;
}
