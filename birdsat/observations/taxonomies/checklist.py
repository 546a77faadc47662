"""What an authority lists: species, their subspecies and synonyms, with ids and common names."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Literal, get_args

from birdsat.errors import InputError
from birdsat.observations.taxonomies.spelling import folded, gender_stem

Rank = Literal["species", "subspecies", "synonym"]  # a group of subspecies counts as one
RANKS: tuple[Rank, ...] = get_args(Rank)


@dataclass(frozen=True, kw_only=True, slots=True)
class ListedTaxon:
    """A row of an authority's list."""

    name: str  # scientific, without authors
    species: str  # the accepted species that it is, is a part of, or is another name for
    rank: Rank = "species"
    ids: tuple[str, ...] = ()  # "avibase:40329BB6", "ebird:ostric3"; the list's own first
    common_names: tuple[tuple[str, str], ...] = ()  # (language by its ISO 639 code, "" where not known; name)
    family: str = ""
    order: str = ""

    @property
    def genus(self) -> str:
        """First word of the name."""
        return self.name.split()[0]

    @property
    def epithet(self) -> str:
        """Last word of the name."""
        return self.name.split()[-1]

    def common_name(self, language: str = "en") -> str:
        """In a language, or else the first that there is; "" where there is none."""
        return dict(reversed(self.common_names)).get(language) or next((name for _, name in self.common_names), "")


class Checklist:
    """A version of an authority's list."""

    def __init__(
        self,
        taxa: Iterable[ListedTaxon],
        *,
        authority: str,
        version: str,
        title: str = "",
        left_out: Mapping[str, int] | None = None,
    ) -> None:
        """authority: "ebird"; title: as it is called in sentences; left_out: reason -> rows that are not in it.

        Raises InputError where there is no species.
        """
        self.taxa = tuple(taxa)
        self.authority, self.version = authority, version
        self.name = f"{title or authority} {version}".strip()
        self.left_out = dict(left_out or {})
        if not self.species:
            raise InputError(f"{self.name} lists no species; give a table with scientific names of species.")

    def __repr__(self) -> str:
        return f"<{self.name}: {len(self.species):,} species>"

    @property
    def stamp(self) -> dict[str, str]:
        """Authority and version, for whatever is made with it."""
        return {"authority": self.authority, "version": self.version}

    @cached_property
    def species(self) -> dict[str, ListedTaxon]:
        """The accepted species by name; the first of two rows of one name counts."""
        found: dict[str, ListedTaxon] = {}
        for taxon in self.taxa:
            if taxon.rank == "species":
                found.setdefault(taxon.name, taxon)
        return found

    @cached_property
    def by_name(self) -> dict[str, ListedTaxon]:
        """Species, subspecies and synonyms by name: a species before a subspecies before a synonym of one species."""
        found: dict[str, ListedTaxon] = {}
        for rank in RANKS:
            several: set[str] = set()
            for taxon in self.taxa:
                if taxon.rank == rank:
                    before = found.setdefault(taxon.name, taxon)
                    if before.rank == rank and before.species != taxon.species:
                        several.add(taxon.name)
            if rank == "synonym":  # one that stands for two species tells neither
                for name in several:
                    del found[name]
        return found

    @cached_property
    def by_id(self) -> dict[str, ListedTaxon]:
        """Taxa by each of their ids; accepted ones before synonyms."""
        found: dict[str, ListedTaxon] = {}
        for taxon in sorted(self.taxa, key=lambda taxon: taxon.rank == "synonym"):
            for id in taxon.ids:
                found.setdefault(id, taxon)
        return found

    @cached_property
    def id_kinds(self) -> frozenset[str]:
        """What ids its species have: avibase, ebird, ..."""
        return frozenset(id.partition(":")[0] for taxon in self.species.values() for id in taxon.ids)

    @cached_property
    def by_common_name(self) -> dict[str, tuple[str, ...]]:
        """Species by their common names in every language, folded (see `folded`)."""
        found: dict[str, dict[str, None]] = defaultdict(dict)
        for taxon in self.taxa:
            if taxon.rank != "subspecies" and taxon.species in self.species:
                for _, name in taxon.common_names:
                    found[folded(name)][taxon.species] = None
        return {name: tuple(species) for name, species in found.items() if name}

    @cached_property
    def by_epithet(self) -> dict[str, tuple[ListedTaxon, ...]]:
        """Species and subspecies by the stem of their last epithet (see `gender_stem`)."""
        found: dict[str, list[ListedTaxon]] = defaultdict(list)
        for taxon in self.taxa:
            if taxon.rank != "synonym":
                found[gender_stem(taxon.epithet)].append(taxon)
        return {stem: tuple(taxa) for stem, taxa in found.items()}

    @cached_property
    def by_genus(self) -> dict[str, tuple[ListedTaxon, ...]]:
        """The species of each genus."""
        found: dict[str, list[ListedTaxon]] = defaultdict(list)
        for taxon in self.species.values():
            found[taxon.genus].append(taxon)
        return {genus: tuple(taxa) for genus, taxa in found.items()}

    @cached_property
    def family_of_genus(self) -> dict[str, str]:
        """Family by genus, where the list has families."""
        return {taxon.genus: taxon.family for taxon in self.taxa if taxon.family and taxon.rank != "synonym"}
