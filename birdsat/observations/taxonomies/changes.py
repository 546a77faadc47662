"""What became of every taxon of one list in another: moved, renamed, lumped, split."""

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from birdsat.observations.taxonomies.checklist import Checklist, ListedTaxon
from birdsat.observations.taxonomies.ebird_codes import code_of_name, code_stem
from birdsat.observations.taxonomies.lookup import RAISED, Asked, Claim, Lookup
from birdsat.observations.taxonomies.spelling import folded, folded_tails, gender_stem, is_one_letter_off

Kind = Literal["same", "genus", "spelling", "epithet", "lump", "split", "unknown", "not one species"]
KINDS: dict[Kind, str] = {
    "same": "the same name",
    "genus": "in another genus",
    "spelling": "its epithet spelled otherwise",
    "epithet": "another name",
    "lump": "now a part of another species",
    "split": "now several species",
    "unknown": "not found",
    "not one species": "a hybrid, a genus, or birds that were not named to the species",
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Match:
    """What a name means in a list."""

    kind: Kind
    new: ListedTaxon | None = None  # the accepted species; None where it is not known which, or there is none
    evidence: str = ""
    candidates: tuple[str, ...] = ()  # species of which it may be any, where `new` is None


@dataclass(frozen=True, kw_only=True, slots=True)
class Changes:
    """Two lists compared."""

    matches: Mapping[str, Match]  # by the name of each taxon of the old list: species, subspecies and synonyms
    added: tuple[str, ...]  # species of the new list that no taxon of the old one leads to


def compare(
    old: Checklist, new: Checklist, *, mapping: Mapping[str, str] | None = None, through: Sequence[Checklist] = ()
) -> Changes:
    """What became of every taxon of `old` in `new`.

    mapping: old name -> name in `new`, believed before all else. through: lists that may know what neither does, such
    as of which species another is a subspecies. Where id, name and common name lead to different species of the new
    list that the old one did not have, the old one was split; so it was where species that the new list adds are its
    former subspecies, bear its common name with another word before it, or have codes made from its code.
    """
    return _Comparison(old, new, mapping or {}, through).changes()


class _Comparison:
    def __init__(
        self, old: Checklist, new: Checklist, mapping: Mapping[str, str], through: Sequence[Checklist]
    ) -> None:
        self.old, self.new, self.mapping = old, new, mapping
        families = {genus: family for one in (old, *through) for genus, family in one.family_of_genus.items()}
        self.lookup = Lookup(new, families)
        self.bridges = [Lookup(one, families) for one in through]
        self.shared_ids = old.id_kinds & new.id_kinds
        # New species that are known to be those of the same name, and are not looked at for others.
        self.taken = frozenset(old.species.keys() & new.species.keys())

    def changes(self) -> Changes:
        matches = {name: self._match(taxon) for name, taxon in self.old.species.items()}
        below = {
            taxon.name: self._below(taxon)
            for taxon in self.old.taxa
            if taxon.rank != "species" and taxon.name not in matches
        }
        claimed = {name for match in matches.values() for name in _named(match)}
        daughters = self._daughters(matches, below, [name for name in self.new.species if name not in claimed])
        daughters = {parent: found for parent, found in daughters.items() if parent not in self.mapping}
        for parent, found in daughters.items():
            matches[parent] = self._split(matches[parent], found)
        claimed |= {name for found in daughters.values() for name in found}
        claimed |= {name for match in below.values() for name in _named(match)}
        self._mark_lumps(matches)
        for taxon in self.old.taxa:
            if taxon.name in below:
                below[taxon.name] = self._of_species(taxon, below[taxon.name], matches)
        return Changes(
            matches={**below, **matches},
            added=tuple(name for name in self.new.species if name not in claimed),
        )

    def _match(self, taxon: ListedTaxon) -> Match:
        asked = Asked.of(taxon)
        if taxon.name in self.mapping:
            return self._settled(taxon, Claim(species=(self.mapping[taxon.name],), evidence="mapping given"))
        by_id, by_name = self.lookup.by_id(asked), self.lookup.by_name(asked)
        if by_name is not None and by_name.evidence != "name":
            by_name = None if by_id is not None else by_name
        common = self.lookup.by_common_name(asked)
        if common is not None and common.only in self.taken:
            common = None
        if by_id is not None and by_name is not None and by_id.species == by_name.species:
            common = None  # another bird has been given its common name
        others = [by_name, common]
        if by_id is not None or by_name is not None:
            first = by_id or by_name
            assert first is not None
            if by_id is not None and by_name is None and not _is_renamed_alike(taxon.name, by_id.only or ""):
                # As of the goshawks: the id went with one part, the epithet into another genus with the other.
                others.append(self.lookup.by_epithet(asked, lambda name: name not in self.taken))
            apart = {claim.only: claim.evidence for claim in (first, *others) if claim is not None and claim.only}
            if len(apart) > 1:
                return Match(
                    kind="split",
                    evidence="; ".join(f"{evidence}: {name}" for name, evidence in apart.items()),
                    candidates=tuple(name for name in apart if name),
                )
            return self._settled(taxon, first)
        claim = self.lookup.find(asked, self.taken) or self.lookup.find_through(asked, self.bridges)
        return Match(kind="unknown") if claim is None else self._settled(taxon, claim)

    def _settled(self, taxon: ListedTaxon, claim: Claim) -> Match:
        if claim.only is None:
            return Match(kind="unknown", evidence=claim.evidence, candidates=claim.species)
        kind = kind_of_change(taxon.species, claim.only)
        return Match(kind=kind, new=self.new.species[claim.only], evidence=claim.evidence)

    def _below(self, taxon: ListedTaxon) -> Match:
        """A subspecies or a synonym by itself; of kind unknown where only its species can tell."""
        asked = Asked(name=taxon.name, ids=taxon.ids, family=taxon.family)
        claim = self.lookup.by_id(asked) or self.lookup.by_name(asked)
        if claim is None and taxon.rank == "subspecies":
            claim = self.lookup.by_subspecies_name(asked)
            if claim is not None and not claim.evidence.startswith((RAISED, "subspecies")):
                claim = None  # only its species was found
        if claim is None or claim.only is None:
            return Match(kind="unknown")
        return Match(kind="same", new=self.new.species[claim.only], evidence=claim.evidence)

    def _of_species(self, taxon: ListedTaxon, found: Match, matches: Mapping[str, Match]) -> Match:
        """What became of a subspecies or synonym, where that of its species is known."""
        of_species = matches.get(taxon.species, Match(kind="unknown"))
        if found.new is None:
            nominate = taxon.name.split()[1:2] == taxon.name.split()[2:3]
            stays = next((name for name in of_species.candidates if _is_renamed_alike(taxon.species, name)), None)
            if nominate and stays is not None:
                new = self.new.species[stays]
                return Match(kind="split", new=new, evidence="the nominate subspecies stays with the name")
            return of_species
        if of_species.new is not None and of_species.new.name == found.new.name:
            return replace(found, kind=of_species.kind)
        return replace(found, kind="split")

    def _daughters(
        self, matches: Mapping[str, Match], below: Mapping[str, Match], orphans: Sequence[str]
    ) -> dict[str, dict[str, str]]:
        """Old species -> species that the new list adds and that were parts of it -> by what evidence."""
        found: dict[str, dict[str, str]] = defaultdict(dict)
        for taxon in self.old.taxa:
            match = below.get(taxon.name)
            if match is None or match.new is None or taxon.rank != "subspecies" or taxon.species not in matches:
                continue
            if match.new.name not in _named(matches[taxon.species]):
                found[taxon.species].setdefault(match.new.name, f"its subspecies {taxon.name}")
        known = {name for some in found.values() for name in some}
        divided = {name for name, match in matches.items() if match.kind == "split"} | found.keys()
        # A name whose id is gone means another bird than it did: more, where another was lumped with it; else less.
        grown = {match.new.name for match in matches.values() if match.new and "subspecies" in match.evidence}
        divided |= {
            name
            for name, match in matches.items()
            if match.new is not None and match.new.name not in grown and self._id_is_gone(name)
        }
        parents = _Parents(self.old, matches, divided)
        later: list[ListedTaxon] = []
        for orphan in (self.new.species[name] for name in orphans if name not in known):
            parent, evidence = parents.of(orphan)
            if parent is None:
                later.append(orphan)
            else:
                found[parent][orphan.name] = evidence
        divided |= found.keys()
        if not self.shared_ids:
            later = []  # without ids of one kind nobody knows that one was divided and others were not
        for orphan in later:
            of_genus = [
                name for name in divided if any(one.split()[0] == orphan.genus for one in _named(matches[name]))
            ]
            if len(of_genus) == 1:
                found[of_genus[0]][orphan.name] = "the only one of its genus that was divided"
        return dict(found)

    def _id_is_gone(self, name: str) -> bool:
        """Whether the new list has ids of this kind, and no longer this one: it means another bird by the name."""
        ids = [id for id in self.old.species[name].ids if id.partition(":")[0] in self.shared_ids]
        return bool(ids) and not any(id in self.new.by_id for id in ids)

    @staticmethod
    def _split(match: Match, daughters: Mapping[str, str]) -> Match:
        candidates = tuple(dict.fromkeys((*_named(match), *daughters)))
        evidence = "; ".join(filter(None, [match.evidence, *(f"{why}: {name}" for name, why in daughters.items())]))
        return Match(kind="split", evidence=evidence, candidates=candidates)

    def _mark_lumps(self, matches: dict[str, Match]) -> None:
        """Of several old species that are one new one, all but the one that gave it its name or id."""
        by_new: dict[str, list[str]] = defaultdict(list)
        for name, match in matches.items():
            if match.new is not None:
                by_new[match.new.name].append(name)
        for new, olds in by_new.items():
            heads = [name for name in olds if name == new] or [
                name for name in olds if "subspecies" not in matches[name].evidence
            ]
            if len(olds) > 1:
                for name in olds:
                    if name not in heads[:1]:
                        matches[name] = replace(matches[name], kind="lump")
            elif matches[olds[0]].kind == "epithet" and matches[olds[0]].evidence.startswith("subspecies"):
                matches[olds[0]] = replace(matches[olds[0]], kind="lump")


class _Parents:
    """From which species of the old list one that the new list adds was split."""

    def __init__(self, old: Checklist, matches: Mapping[str, Match], divided: Collection[str]) -> None:
        """divided: those that are known to mean less than they did; of several possible parents they are it."""
        self._divided = divided
        self._by_common_name: dict[tuple[str, str], list[str]] = defaultdict(list)
        self._by_code: dict[tuple[str, str], list[str]] = defaultdict(list)
        self._by_code_of_name: dict[tuple[str, str], list[str]] = defaultdict(list)
        for name, match in matches.items():
            taxon = old.species[name]
            for genus in {one.split()[0] for one in (*_named(match), name)}:
                for _, common in taxon.common_names:
                    self._by_common_name[genus, folded(common)].append(name)
                    self._by_code_of_name[genus, code_of_name(common)].append(name)
                for id in taxon.ids:
                    self._by_code[genus, code_stem(id)].append(name)

    def of(self, orphan: ListedTaxon) -> tuple[str | None, str]:
        """The old species, and by what evidence."""
        tails = [tail for _, common in orphan.common_names for tail in folded_tails(common)]
        stems = list(filter(None, map(code_stem, orphan.ids)))
        for evidence, found in (
            (
                "its common name with a word before it",
                (self._by_common_name.get((orphan.genus, tail)) for tail in tails),
            ),
            ("a code made from its common name", (self._by_code_of_name.get((orphan.genus, stem)) for stem in stems)),
            ("a code made from its code", (self._by_code.get((orphan.genus, stem)) for stem in stems)),
        ):
            for parents in filter(None, found):
                likely = [name for name in dict.fromkeys(parents) if name in self._divided] or list(
                    dict.fromkeys(parents)
                )
                if len(likely) == 1:
                    return likely[0], evidence
        return None, ""


def kind_of_change(old: str, new: str) -> Kind:
    """How the names of one species differ."""
    if old == new:
        return "same"
    (old_genus, *_, old_epithet), (new_genus, *_, new_epithet) = old.split(), new.split()
    alike = gender_stem(old_epithet) == gender_stem(new_epithet) or is_one_letter_off(old_epithet, new_epithet)
    if old_genus == new_genus:
        return "spelling" if alike else "epithet"
    return "genus" if alike else "epithet"


def count_kinds(matches: Iterable[Match]) -> dict[str, int]:
    """How many of each kind, in the order of `KINDS`."""
    counted = Counter(match.kind for match in matches)
    return {kind: counted[kind] for kind in KINDS if counted[kind]}


def _named(match: Match) -> tuple[str, ...]:
    """The new species that a match leads to."""
    return (match.new.name,) if match.new is not None else match.candidates


def _is_renamed_alike(old: str, new: str) -> bool:
    return bool(new) and kind_of_change(old, new) in ("same", "genus", "spelling")
