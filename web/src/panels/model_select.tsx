import { Select } from "../parts/ui";
import { go } from "../state";
import { model, models } from "../store";
import { strings } from "../strings";

/** Which model is looked at, where there are several. */
export function ModelSelect() {
  const all = models.value ?? [];
  if (all.length < 2) return null;
  return <Select label={strings.species.model} value={model.value?.id ?? ""} options={all.map((one) => [one.id, one.name] as const)} onChange={(id) => go({ model: id, at: null })} />;
}
