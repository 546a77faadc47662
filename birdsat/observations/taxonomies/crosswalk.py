"""What the names and ids of any table mean in one authority's list."""

import difflib
import re
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from birdsat.errors import InputError, UnknownTaxonError, nearest
from birdsat.observations.readers.column_names import plain
from birdsat.observations.scientific_names import NO_TAXON, NameReading, parse_name
from birdsat.observations.taxonomies.changes import Changes, Kind, Match, compare, kind_of_change
from birdsat.observations.taxonomies.checklist import Checklist
from birdsat.observations.taxonomies.layout import IDS, id_of
from birdsat.observations.taxonomies.lookup import RAISED, Asked, Claim, Lookup
from birdsat.observations.taxonomies.places import BY_PLACE, SpeciesRanges, tell_apart
from birdsat.observations.taxonomies.spelling import folded
from birdsat.observations.taxonomy import Taxon


class Crosswalk:
    """Names and ids to the accepted species of one list, each looked up once."""

    def __init__(
        self,
        new: Checklist,
        *,
        follows: Checklist | None = None,
        through: Sequence[Checklist] = (),
        mapping: Mapping[str, str] | None = None,
        ranges: SpeciesRanges | None = None,
    ) -> None:
        """follows: the list whose names the tables use, by which names that mean less now are known.

        through: lists that may know of names what neither does. mapping: name -> name in `new`, believed before all
        else; raises InputError where it leads to a name that `new` does not accept. ranges: of species of `new`, by
        which the records of one that is several there are told apart.
        """
        self.new, self.follows, self.ranges = new, follows, ranges
        self.through = tuple(one for one in through if one.name not in (new.name, follows.name if follows else ""))
        self.mapping = dict(mapping or {})
        for name, to in self.mapping.items():
            if to not in new.species:
                raise InputError(
                    f"the mapping given leads from {name!r} to {to!r}, which {new.name} does not accept"
                    f"{nearest(to, new.species)}; lead it to one of its species."
                )
        self.unresolved: dict[str, tuple[str, ...]] = {}  # what `read_name` kept apart -> which species it may be
        self._written: dict[str, dict[str, Kind]] = defaultdict(dict)  # species -> the names it was read under
        self._families = {
            genus: family
            for one in (*((follows,) if follows else ()), *self.through)
            for genus, family in one.family_of_genus.items()
        }
        self._lookup = Lookup(new, self._families)
        self._bridges = [Lookup(one, self._families) for one in self.through]
        self._followed = None if follows is None else Lookup(follows, self._families)
        self._changes: Changes | None = None
        self._matches: dict[tuple[str, tuple[str, ...], tuple[str, ...]], Match] = {}

    @property
    def stamp(self) -> dict[str, str]:
        """The list that names are brought to, and the one they follow."""
        followed = (
            {} if self.follows is None else {f"follows_{key}": value for key, value in self.follows.stamp.items()}
        )
        return {**self.new.stamp, **followed}

    @property
    def described_as(self) -> str:
        """The stamp in words: avilist 2025, from ebird 2021."""
        follows = "" if self.follows is None else f", from {' '.join(self.follows.stamp.values())}"
        return f"{' '.join(self.new.stamp.values())}{follows}"

    @property
    def changes(self) -> Changes | None:
        """The two lists compared; None where the tables follow none."""
        if self._changes is None and self.follows is not None:
            self._changes = compare(self.follows, self.new, mapping=self.mapping, through=self.through)
        return self._changes

    def match(self, name: str, *, ids: Sequence[str] = (), common_names: Sequence[str] = (), rank: str = "") -> Match:
        """What a name means, scientific or common, in whatever way tables write it."""
        key = (f"{rank}\t{name}", tuple(ids), tuple(common_names))
        if key not in self._matches:
            self._matches[key] = self._match(name, tuple(ids), tuple(common_names), rank)
        return self._matches[key]

    def id_columns(self, columns: Sequence[str]) -> dict[str, str]:
        """Those of a table's columns that hold ids of a kind that the list, or the one that is followed, has."""
        kinds = self.new.id_kinds | (self.follows.id_kinds if self.follows else frozenset())
        present = {plain(column): column for column in reversed(columns)}
        return {
            kind: present[name] for kind, names in IDS.items() if kind in kinds for name in names if name in present
        }

    def read_name(
        self, text: str, rank: str = "", *, ids: Sequence[str] = (), common_names: Sequence[str] = ()
    ) -> NameReading:
        """As `parse_name`, with the accepted species in place of the name.

        What is not in the list is kept as it is written, and a name that is several species now is kept apart under
        its name "sensu" the list that the tables follow; both are noted.
        """
        known = [f"{kind}:{id}" for kind, _, cell in (one.partition(":") for one in ids) if (id := id_of(kind, cell))]
        read, match = parse_name(text, rank), self.match(text, ids=known, common_names=common_names, rank=rank)
        if match.new is not None:
            self._written[match.new.name][read.species or text] = match.kind
            note = read.note if match.new.name == read.species else f"named otherwise in {self.new.name}: {match.kind}"
            return NameReading(species=match.new.name, full=match.new.name, note=note, is_scientific=True)
        if read.species is None:
            return read
        if not match.candidates:
            return replace(read, note=f"not in {self.new.name}: kept as it is written")
        apart = self.kept_apart(read.species)
        self.unresolved[apart] = match.candidates
        return replace(read, species=apart, note=f"one of several species in {self.new.name}: kept apart")

    def is_several(self, species: str) -> bool:
        """Whether it was kept apart, and there are ranges that may tell which part a record is of."""
        return self.ranges is not None and species in self.unresolved

    def tell_apart(self, species: str, lon_lat: NDArray[np.float64]) -> list[NameReading | None]:
        """What was kept apart as `species` is at places (n, 2), by the ranges of its parts; None where not told."""
        told = tell_apart(lon_lat, self.unresolved[species], {}, self.ranges)
        return [
            None if part is None else NameReading(species=part, full=part, note=BY_PLACE, is_scientific=True)
            for part in told
        ]

    def two_names(self) -> dict[str, list[str]]:
        """Species that have been read under names of two authorities -> these names."""
        renamed = ("same", "genus", "spelling", "epithet")
        found = {
            species: sorted(name for name, kind in names.items() if kind in renamed and parse_name(name).is_scientific)
            for species, names in sorted(self._written.items())
        }
        return {species: names for species, names in found.items() if len(names) > 1}

    def asked(self, name: str) -> str:
        """The accepted species that a user means by a scientific or a common name; what is not known as it is written.

        Raises InputError for a name of several species.
        """
        if name in self.new.species:
            return name
        match = self.match(name)
        if match.new is not None:
            return match.new.name
        if match.candidates:
            raise InputError(
                f"{name!r} may be any of {', '.join(match.candidates)} in {self.new.name}; name the one that is meant."
            )
        return name

    def name_of(self, name: str) -> str:
        """The accepted species that a name means; the name itself where it means none, or several."""
        new = self.match(name).new
        return name if new is None else new.name

    def find(self, asked: str) -> str:
        """As `asked`; raises UnknownTaxonError with the nearest names of both kinds for what is not in the list."""
        name = self.asked(asked)
        if name not in self.new.species:
            among = f"species of {self.new.name}, nor is it a common name of one"
            raise UnknownTaxonError(asked, self.new.species, among=among, near=self.nearest(asked))
        return name

    def nearest(self, asked: str, most: int = 3) -> list[str]:
        """Scientific names like one that is not there, and the species of common names like it."""
        scientific = difflib.get_close_matches(asked, self.new.species, n=most, cutoff=0.6)
        key, by_common_name = folded(asked), self.new.by_common_name
        longer = sorted(
            name for name in by_common_name if len(key) > 3 and name.endswith(key)
        )  # Barn Owl: American ...
        common = longer[: 2 * most] or difflib.get_close_matches(key, by_common_name, n=most, cutoff=0.6)
        named = []
        for name in common:
            for species in by_common_name[name]:
                written = next(one for _, one in self.new.species[species].common_names if folded(one) == name)
                named.append(f"{written} ({species})")
        return [*named, *scientific] if longer else [*scientific, *named]

    def kept_apart(self, name: str) -> str:
        """What a taxon is called whose name means more than the species that has it now."""
        if self.follows is None:
            return name
        authority = re.sub(r"[^a-z]+", "_", self.follows.authority.casefold())
        return f"{name} sensu {authority} {self.follows.version.replace(' ', '_')}"

    def described(self, language: str = "en") -> dict[str, Taxon]:
        """The accepted species as a dataset describes its taxa."""
        return {
            name: Taxon(name=name, family=one.family, order=one.order, common_name=one.common_name(language))
            for name, one in self.new.species.items()
        }

    def common_name(self, species: str, language: str = "en") -> str:
        """Of an accepted species; "" where there is none."""
        taxon = self.new.species.get(species)
        return "" if taxon is None else taxon.common_name(language)

    def _match(self, name: str, ids: tuple[str, ...], common_names: tuple[str, ...], rank: str) -> Match:
        if name in self.mapping:
            return self._settled(name, Claim(species=(self.mapping[name],), evidence="mapping given"))
        read = parse_name(name, rank)
        if read.species is None and read.dropped != NO_TAXON:
            claim = self._lookup.by_id(Asked(name=name, ids=ids))  # the name itself tells, whatever stands beside it
            return Match(kind="not one species", evidence=read.dropped) if claim is None else self._settled(name, claim)
        full, species = read.full or "", read.species or ""
        if (given := self.mapping.get(full) or self.mapping.get(species)) is not None:
            return self._settled(species, Claim(species=(given,), evidence="mapping given"))
        asked = Asked(name=full or name, ids=ids, common_names=common_names)
        if self._followed is not None and (match := self._by_changes(asked, species)) is not None:
            return match
        claim = self._lookup.find(asked) or self._lookup.find_through(asked, self._bridges)
        if claim is None and full != species:
            asked = replace(asked, name=species)
            claim = self._lookup.find(asked) or self._lookup.find_through(asked, self._bridges)
        if claim is None:
            return (
                Match(kind="unknown")
                if species or ids or common_names
                else Match(kind="not one species", evidence=read.dropped)
            )
        return self._settled(species or name, claim)

    def _by_changes(self, asked: Asked, species: str) -> Match | None:
        """By what became of the taxon of that name, or with that id, in the list that tables follow."""
        assert self._followed is not None and self.follows is not None and self.changes is not None
        there = self.follows.by_name.get(asked.name)
        if there is None and asked.ids:
            there = next((self.follows.by_id[id] for id in asked.ids if id in self.follows.by_id), None)
        if there is not None:
            return self.changes.matches.get(there.name)
        if asked.name in self.new.species:  # the table has names of both lists
            return None
        below = asked.name != species
        part = self._lookup.by_name(asked) or self._lookup.by_subspecies_name(asked) if below else None
        if part is not None and part.only is not None and part.evidence.startswith((RAISED, "subspecies")):
            return self._settled(species, part)
        found = self._followed.find(replace(asked, name=species or asked.name))
        if found is None or found.only is None:
            return None
        match = self.changes.matches[found.only]
        if below and match.candidates and asked.name.split()[1] == asked.name.split()[2]:
            alike = [
                name for name in match.candidates if kind_of_change(found.only, name) in ("same", "genus", "spelling")
            ]
            if len(alike) == 1:
                new = self.new.species[alike[0]]
                return Match(kind="split", new=new, evidence="the nominate subspecies stays with the name")
        if found.evidence == "name" or match.kind not in ("same", "unknown"):
            return match
        return replace(match, evidence=f"{found.evidence} in {self.follows.name}, then {match.evidence}")

    def _settled(self, name: str, claim: Claim) -> Match:
        if claim.only is None:
            return Match(kind="unknown", evidence=claim.evidence, candidates=claim.species)
        new = self.new.species[claim.only]
        is_scientific = parse_name(name).is_scientific and len(name.split()) == 2
        kind = kind_of_change(name, new.name) if is_scientific else "same"
        if claim.evidence == RAISED:
            kind = "split"
        elif kind == "epithet" and claim.evidence.startswith("subspecies"):
            kind = "lump"
        return Match(kind=kind, new=new, evidence=claim.evidence)
