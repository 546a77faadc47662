"""Taxa, and the list of them that gives each its label."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from birdsat.errors import InputError, UnknownTaxonError


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

    def label(self, name: str, *, listing: str = "birdsat data info DATASET") -> int:
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
