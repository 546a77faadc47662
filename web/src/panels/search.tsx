/** Find a species by common or scientific name: a combobox that keyboard and screen reader know. */
import { useEffect, useRef, useState } from "preact/hooks";
import { getJson, isStatic } from "../api";
import { count } from "../format";
import { Icon } from "../parts/icons";
import { Name } from "../parts/ui";
import type { Taxon } from "../records";
import { narrow, taxaOf } from "../store";
import { strings } from "../strings";
import s from "./panel.module.css";
import u from "../parts/ui.module.css";

/** Without accents and case, so that "gruen" is not needed for "Grün" and "e" finds "é". */
export const plain = (text: string): string => text.normalize("NFD").replace(/\p{M}/gu, "").toLowerCase();

/** Species whose names have all words that were typed, those that begin with them first. */
export function matches(taxa: readonly Taxon[], query: string, most = 30): Taxon[] {
  const words = plain(query).split(/\s+/).filter(Boolean);
  const rank = (one: Taxon): number => {
    const names = [plain(one.common_name || ""), plain(one.taxon)];
    if (!words.every((word) => names.some((name) => name.includes(word)))) return 9;
    return names.some((name) => name.startsWith(words.join(" "))) ? 0 : names.some((name) => name.split(/[\s-]/).some((part) => part.startsWith(words[0] ?? ""))) ? 1 : 2;
  };
  return taxa.map((one) => [rank(one), one] as const).filter(([of]) => of < 9).sort((a, b) => a[0] - b[0]).slice(0, most).map(([, one]) => one);
}

export function Search({ model, value, label, onChoose }: { model: string; value: string; label: string; onChoose: (taxon: Taxon) => void }) {
  const [taxa, setTaxa] = useState<readonly Taxon[]>([]);
  const [query, setQuery] = useState<string | null>(null);
  const [near, setNear] = useState<readonly Taxon[]>([]);
  const [active, setActive] = useState(0);
  const input = useRef<HTMLInputElement>(null);
  useEffect(() => {
    let here = true;
    taxaOf(model).then((read) => { if (here) setTaxa(read); }, () => undefined);
    return () => { here = false; };
  }, [model]);
  const chosen = taxa.find((one) => one.taxon === value);
  const found = query === null ? [] : query.trim() === "" ? taxa.slice(0, 60) : matches(taxa, query);
  useEffect(() => {
    setNear([]);
    if (query === null || query.trim().length < 3 || found.length || isStatic()) return;
    const stop = new AbortController();
    const timer = setTimeout(() => {
      getJson<readonly Taxon[]>(`v1/models/${encodeURIComponent(model)}/taxa?q=${encodeURIComponent(query)}&limit=8`, stop.signal).then(setNear, () => undefined);
    }, 250);
    return () => {
      clearTimeout(timer);
      stop.abort();
    };
  }, [query, found.length, model]);
  const options = found.length ? found : near;
  const open = query !== null;
  const choose = (taxon: Taxon | undefined): void => {
    if (!taxon) return;
    setQuery(null);
    if (narrow.peek()) input.current?.blur(); // a phone's keyboard goes; elsewhere the focus stays where it was
    onChoose(taxon);
  };
  return (
    <div class={s["search"]}>
      <Icon name="search" />
      <input
        ref={input}
        type="text"
        role="combobox"
        aria-label={label}
        aria-expanded={open}
        aria-controls="species-found"
        aria-autocomplete="list"
        aria-activedescendant={open && options[active] ? `species-${active}` : undefined}
        placeholder={strings.species.placeholder}
        autocomplete="off"
        spellcheck={false}
        value={query ?? (chosen ? (chosen.common_name || chosen.taxon) : value)}
        onFocus={(event) => {
          setQuery("");
          setActive(0);
          event.currentTarget.select();
        }}
        onClick={() => { if (query === null) setQuery(""); }}
        onBlur={() => setTimeout(() => setQuery(null), 150)}
        onInput={(event) => {
          setQuery(event.currentTarget.value);
          setActive(0);
        }}
        onKeyDown={(event) => {
          if (query === null && (event.key === "ArrowDown" || event.key === "Enter")) setQuery("");
          else if (event.key === "ArrowDown") setActive(Math.min(options.length - 1, active + 1));
          else if (event.key === "ArrowUp") setActive(Math.max(0, active - 1));
          else if (event.key === "Enter") choose(options[active]);
          else if (event.key === "Escape") setQuery(null);
          else return;
          event.preventDefault();
          document.getElementById(`species-${active}`)?.scrollIntoView({ block: "nearest" });
        }}
      />
      <ul id="species-found" class={s["options"]} role="listbox" aria-label={label} hidden={!open || (options.length === 0 && !query?.trim())}>
        {open && options.map((one, i) => (
          <li key={one.taxon} id={`species-${i}`} role="option" aria-selected={i === active} onPointerDown={(event) => { event.preventDefault(); choose(one); }}>
            <Name taxon={one.taxon} common={one.common_name} />
            {typeof one.records === "number" && <span>{strings.species.records(one.records)}</span>}
          </li>
        ))}
        {open && options.length === 0 && <li role="option" aria-selected={false} aria-disabled>{strings.species.none(query ?? "")}</li>}
      </ul>
      <span class={u["hidden"]} role="status">{open && query?.trim() ? `${count(options.length)} ${strings.species.results(options.length).replace(/^[\d.,\s]+/, "")}` : ""}</span>
    </div>
  );
}
