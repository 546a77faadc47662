import { Select } from "../parts/ui";
import { go, state } from "../state";
import { model, models, taxaOf } from "../store";
import { strings } from "../strings";

/** Go to another model; the species stays where that one has it, else none is chosen. */
async function choose(id: string): Promise<void> {
  const { taxon } = state.peek();
  const kept = taxon !== "" && (await taxaOf(id).catch(() => [])).some((one) => one.taxon === taxon);
  go({ model: id, at: null, taxon: kept ? taxon : "" });
}

/** Which model is looked at, where there are several. */
export function ModelSelect() {
  const all = models.value ?? [];
  if (all.length < 2) return null;
  return <Select label={strings.species.model} value={model.value?.id ?? ""} options={all.map((one) => [one.id, one.name] as const)} onChange={(id) => void choose(id)} />;
}
