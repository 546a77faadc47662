"""Taxa, and the list of them that gives each its label."""

import difflib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from birdsat.errors import InputError, UnknownTaxonError
from birdsat.observations.scientific_names import find_name, parse_name
from birdsat.observations.taxonomies.spelling import folded


@dataclass(frozen=True, kw_only=True, slots=True)
class Taxon:
    """A taxon by its scientific name, with its place in the tree of life where known ("" where not)."""

    name: str  # scientific name, unique in a taxonomy
    genus: str = ""  # first word of the name unless given
    family: str = ""
    order: str = ""
    common_name: str = ""

    def __post_init__(self) -> None:
        if not self.name.strip():
            raise InputError("a taxon needs a name; give its scientific name, such as 'Setophaga citrina'.")
        if not self.genus:
            object.__setattr__(self, "genus", self.name.split()[0])


def known_taxon(
    asked: str,
    known: Iterable[str],
    *,
    listing: str | None = None,
    among: str = "labels",
    common_names: Mapping[str, str] | None = None,
) -> str:
    """The one of the known taxa that a name means, with or without its authors, a subspecies, or capitals; or that has
    it for its common name.

    Raises UnknownTaxonError, with the nearest names of both kinds, where there is none. listing: the command that
    prints all of them; among: what they are; common_names: of the taxa that have one.
    """
    names = tuple(known)
    found = find_name(asked, names)
    if found is not None:
        return found
    by_common_name: dict[str, list[str]] = {}
    for name, common in (common_names or {}).items():
        by_common_name.setdefault(folded(common), []).append(name)
    if len(called := by_common_name.get(folded(asked), [])) == 1:
        return called[0]
    if not common_names:
        raise UnknownTaxonError(asked, names, listing=listing, among=among)
    near = difflib.get_close_matches(asked, names, n=3, cutoff=0.5)
    for like in difflib.get_close_matches(folded(asked), by_common_name, n=3, cutoff=0.5):
        near += [f"{common_names[name]} ({name})" for name in by_common_name[like]]
    raise UnknownTaxonError(asked, names, listing=listing, among=among, near=near)


def recorded_taxon(asked: str, recorded: Iterable[str], common_names: Mapping[str, str] | None = None) -> str:
    """As `known_taxon`, of the taxa of tables. Raises InputError where these are not named by scientific names."""
    names = tuple(sorted(recorded))
    own = [name for name in names if not parse_name(name).is_scientific]
    if 2 * len(own) > len(names) and parse_name(asked).is_scientific and find_name(asked, names) is None:
        raise InputError(
            f"taxon {asked!r} is not recorded: the tables have names such as {own[0]!r}, which are not scientific; "
            "name the column that holds scientific names (columns taxon=COLUMN), or ask for a taxon by its name there.",
            settings=("columns",),
        )
    return known_taxon(asked, names, among="taxa recorded", common_names=common_names)


class Taxonomy:
    """Taxa sorted by name. The label of a taxon is its index in that order."""

    def __init__(self, taxa: Iterable[Taxon]) -> None:
        """Raises InputError when two taxa share a name."""
        self.taxa: tuple[Taxon, ...] = tuple(sorted(taxa, key=lambda taxon: taxon.name))
        self._labels: dict[str, int] = {}
        for label, taxon in enumerate(self.taxa):
            if taxon.name in self._labels:
                raise InputError(f"taxon {taxon.name!r} is in the taxonomy twice; keep one of the two.")
            self._labels[taxon.name] = label

    @property
    def names(self) -> tuple[str, ...]:
        """Scientific names in the order of the labels."""
        return tuple(taxon.name for taxon in self.taxa)

    def label(self, name: str, *, listing: str = "`birdsat data info DATASET`") -> int:
        """The label of a taxon.

        Raises UnknownTaxonError with the nearest names; `listing` is the command that prints all of them.
        """
        try:
            return self._labels[name]
        except KeyError:
            raise UnknownTaxonError(name, self.names, listing=listing) from None

    def filled_from(self, other: "Taxonomy | None") -> "Taxonomy":
        """The same names; what `other` says of a taxon that it knows takes the place of what is said here."""
        return self if other is None else Taxonomy(other[name] if name in other else self[name] for name in self.names)

    def __getitem__(self, name: str) -> Taxon:
        return self.taxa[self.label(name)]

    def __contains__(self, name: object) -> bool:
        return name in self._labels

    def __iter__(self) -> Iterator[Taxon]:
        return iter(self.taxa)

    def __len__(self) -> int:
        return len(self.taxa)
