"""The genus and family of each taxon, so that names can be rolled up."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from birdsat.observations.scientific_names import parse_name, species_name
from birdsat.observations.taxonomies.checklist import Checklist
from birdsat.observations.taxonomies.families import family_of_genus
from birdsat.observations.taxonomies.open_checklist import open_checklist
from birdsat.observations.taxonomies.spelling import folded
from birdsat.observations.taxonomy import Taxon
from birdsat.tasks.naming import same_taxa

GroupRank = Literal["species", "genus", "family"]
GROUP_RANKS: tuple[GroupRank, ...] = ("species", "genus", "family")  # from fine to coarse


@dataclass(frozen=True, kw_only=True, slots=True)
class TaxonGroups:
    """Where t taxa stand in the tree of life; "" where that is not known, and a taxon is then alone."""

    taxa: tuple[str, ...]  # t
    genus: tuple[str, ...]  # t
    family: tuple[str, ...]  # t
    common_name: tuple[str, ...]  # t

    def names(self, rank: GroupRank) -> tuple[str, ...]:
        """(t) name of the group of each taxon."""
        return {"species": self.taxa, "genus": self.genus, "family": self.family}[rank]

    def numbers(self, rank: GroupRank) -> tuple[NDArray[np.int64], tuple[str, ...]]:
        """(t) number of the group of each taxon, and the groups' names; taxa of unknown group have one each, of no
        name."""
        keys = [name or f"\0{number}" for number, name in enumerate(self.names(rank))]
        known = {key: number for number, key in enumerate(dict.fromkeys(keys))}
        labels = np.array([known[key] for key in keys], dtype=np.int64)
        return labels, tuple("" if key.startswith("\0") else key for key in known)


def taxon_groups(taxa: Sequence[str], described: Sequence[Taxon] = ()) -> TaxonGroups:
    """Of names, scientific or English. described: what a dataset's manifest says of them, which comes first.

    A scientific name has its genus in it, and families go by genus; an English name is looked up in the list of the
    package (AviList).
    """
    told = {taxon.name: taxon for taxon in described}
    genus, family, common = [], [], []
    for name in taxa:
        known = told.get(name)
        scientific = name if parse_name(name).is_scientific else scientific_name(name)
        of_genus = species_name(scientific).split()[0] if scientific else ""
        genus.append(of_genus)
        family.append((known.family if known else "") or family_of_genus().get(of_genus, ""))
        common.append(known.common_name if known else "")
    return TaxonGroups(taxa=tuple(taxa), genus=tuple(genus), family=tuple(family), common_name=tuple(common))


def scientific_name(english: str) -> str:
    """Of the one species that is called so in the list of the package (AviList); "" where there is none."""
    found = _avilist().by_common_name.get(folded(english), ())
    return found[0] if len(found) == 1 else ""


def meant_species(name: str) -> str:
    """The species that a name means, scientific or English; what the list does not know stays as it is."""
    return species_name(in_science(name))


def same_birds(
    asked: Sequence[str], known: Sequence[str], common_names: Mapping[str, str] | None = None
) -> list[str | None]:
    """`same_taxa`, of names that are scientific in one of the two and English in the other as well."""
    found = same_taxa(asked, known, common_names)
    missing = [name for name, same in zip(asked, found, strict=True) if same is None]
    if not missing:
        return found
    scientific: dict[str, list[str]] = {}
    for name in known:
        scientific.setdefault(in_science(name), []).append(name)
    once = {name: names[0] for name, names in scientific.items() if len(names) == 1}
    meant = same_taxa([in_science(name) for name in missing], tuple(once))
    also = {name: once[same] for name, same in zip(missing, meant, strict=True) if same is not None}
    return [also.get(name) if same is None else same for name, same in zip(asked, found, strict=True)]


def in_science(name: str) -> str:
    """A name, or the scientific name of the species that is called so in English; what is neither stays as it is."""
    return name if parse_name(name).is_scientific else scientific_name(name) or name


def english_name(scientific: str) -> str:
    """What a species is called in the list of the package; "" where it is not in it."""
    found = _avilist().species.get(species_name(scientific))
    return "" if found is None else found.common_name("en")


@lru_cache(maxsize=1)
def _avilist() -> Checklist:
    return open_checklist("avilist")
