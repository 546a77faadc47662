"""One name looked up in one list, by one kind of evidence after another."""

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass

from birdsat.observations.taxonomies.checklist import Checklist, ListedTaxon
from birdsat.observations.taxonomies.families import family_of_genus
from birdsat.observations.taxonomies.spelling import folded, gender_stem, is_one_letter_off

RAISED = "a subspecies that is a species now"  # an evidence


@dataclass(frozen=True, kw_only=True, slots=True)
class Asked:
    """What is known of a taxon that is looked for."""

    name: str  # scientific, of two words or of three; or a common name
    ids: tuple[str, ...] = ()
    common_names: tuple[str, ...] = ()
    family: str = ""

    @classmethod
    def of(cls, taxon: ListedTaxon) -> "Asked":
        """A taxon of another list."""
        return cls(
            name=taxon.name,
            ids=taxon.ids,
            common_names=tuple(name for _, name in taxon.common_names),
            family=taxon.family,
        )

    @property
    def genus(self) -> str:
        """First word of the name; "" where there is none."""
        return self.name.partition(" ")[0]

    @property
    def epithet(self) -> str:
        """Last word of the name; "" where there is none."""
        return self.name.rpartition(" ")[2]


@dataclass(frozen=True, kw_only=True, slots=True)
class Claim:
    """What a kind of evidence says: the accepted species; several where it cannot tell which of them."""

    species: tuple[str, ...]
    evidence: str

    @property
    def only(self) -> str | None:
        """The one species; None where there are several."""
        return self.species[0] if len(self.species) == 1 else None


class Lookup:
    """A list that names are looked up in."""

    def __init__(self, checklist: Checklist, families: Mapping[str, str] | None = None) -> None:
        """families: of genera that the list may not have, by genus."""
        self.checklist = checklist
        self._families = {**family_of_genus(), **(families or {}), **checklist.family_of_genus}

    def find(self, asked: Asked, taken: Collection[str] = ()) -> Claim | None:
        """The first claim, in the order of certainty; taken: species that are known to be others, by name or id.

        Where a subspecies of its genus and a common name lead to two species, the claim is both.
        """
        for step in (self.by_id, self.by_name, self.by_subspecies_name):
            if (claim := step(asked)) is not None:
                return claim
        if " " not in asked.name or len(asked.name.split()) > 3:
            return self.by_common_name(asked)
        free = self._others(taken)
        gender = self._among(self._of_genus(asked), asked, gender_stem, "gender ending", free)
        if gender is not None:
            return gender
        part, common = self.by_subspecies(asked), self.by_common_name(asked)
        if part is not None and common is not None and part.species != common.species:
            several = tuple(dict.fromkeys((*part.species, *common.species)))
            return Claim(species=several, evidence=f"{part.evidence} or {common.evidence}")
        return (
            part
            or common
            or self.by_epithet(asked, free)
            or self.by_subspecies_of_family(asked)
            or self.by_letter(asked, free)
        )

    def find_through(self, asked: Asked, bridges: Iterable["Lookup"]) -> Claim | None:
        """By what other lists say of it: which species it is, or is a part of, there, and what that one is here."""
        for bridge in bridges:
            for step in bridge.steps_of_bridges:
                if (there := step(asked)) is not None:
                    break
            else:
                continue
            if there.only is None:
                continue
            here = self.find(Asked.of(bridge.checklist.species[there.only]))
            if here is not None:
                way = "" if there.only in here.species else f", there {there.only}, then {here.evidence}"
                return Claim(species=here.species, evidence=f"{there.evidence} in {bridge.checklist.name}{way}")
        return None

    @property
    def steps_of_bridges(self) -> tuple[Callable[[Asked], Claim | None], ...]:
        """The kinds of evidence that are believed of a list between two others."""
        return self.by_id, self.by_name, self.by_subspecies, self.by_common_name, self.by_subspecies_of_family

    def by_id(self, asked: Asked) -> Claim | None:
        """By an id that both have."""
        found = {id: self.checklist.by_id[id].species for id in asked.ids if id in self.checklist.by_id}
        known = [id for id, species in found.items() if species in self.checklist.species]
        return _claim([found[id] for id in known], f"id {known[0]}" if known else "")

    def by_name(self, asked: Asked) -> Claim | None:
        """By the whole name: of a species, of a subspecies, or a synonym."""
        taxon = self.checklist.by_name.get(asked.name)
        if taxon is None or taxon.species not in self.checklist.species:
            return None
        evidence = {"species": "name", "subspecies": "subspecies", "synonym": "synonym"}[taxon.rank]
        return Claim(species=(taxon.species,), evidence=evidence)

    def by_subspecies_name(self, asked: Asked) -> Claim | None:
        """By the third word: a subspecies that is a species now, or one whose species has another name now."""
        words = asked.name.split()
        if len(words) != 3:
            return None
        genus, epithet, below = words
        whole = self.find(
            Asked(name=f"{genus} {epithet}", common_names=asked.common_names, family=asked.family), taken=()
        )
        if gender_stem(below) == gender_stem(epithet):  # by the Code it stays with the name of the species
            return whole
        genera = {genus, *((whole.only or "").split()[:1] if whole else ())}
        listed = self.checklist.by_epithet.get(gender_stem(below), ())
        raised = [taxon.name for taxon in listed if taxon.rank == "species" and taxon.genus in genera]
        if raised:
            return _claim(raised, RAISED)
        stem, family = gender_stem(epithet), self._family(asked)
        same = [
            taxon.species
            for taxon in listed
            if taxon.rank == "subspecies"
            and gender_stem(taxon.species.split()[-1]) == stem
            and (taxon.genus in genera or (family and taxon.family == family))
        ]
        return _claim(same, "subspecies") or whole

    def by_subspecies(self, asked: Asked) -> Claim | None:
        """By a subspecies of its genus that has its epithet."""
        listed = self.checklist.by_epithet.get(gender_stem(asked.epithet), ())
        return _claim(
            [taxon.species for taxon in listed if taxon.rank == "subspecies" and taxon.genus == asked.genus],
            "subspecies",
        )

    def by_subspecies_of_family(self, asked: Asked) -> Claim | None:
        """By a subspecies of another genus of its family that has its epithet."""
        family = self._family(asked)
        listed = self.checklist.by_epithet.get(gender_stem(asked.epithet), ())
        return _claim(
            [taxon.species for taxon in listed if taxon.rank == "subspecies" and family and taxon.family == family],
            "subspecies in another genus of its family",
        )

    def by_common_name(self, asked: Asked) -> Claim | None:
        """By a common name in any language, in its family where that is known."""
        found: list[str] = []
        for name in (*asked.common_names, asked.name):
            found += self.checklist.by_common_name.get(folded(name), ())
            if found:
                break
        family = self._family(asked)
        stem = gender_stem(asked.epithet)
        fitting = [
            name
            for name in found
            # Families have other limits in other lists, so that a name that is alike counts as much.
            if not family
            or self.checklist.species[name].family in ("", family)
            or gender_stem(name.split()[-1]) == stem
        ]
        return _claim(fitting or found if not asked.common_names else fitting, "common name")

    def by_epithet(self, asked: Asked, fits: Callable[[str], bool]) -> Claim | None:
        """By its epithet in another genus of its family."""
        family = self._family(asked)
        listed = self.checklist.by_epithet.get(gender_stem(asked.epithet), ())
        found = [
            taxon
            for taxon in listed
            if taxon.rank == "species" and family and taxon.family == family and fits(taxon.name)
        ]
        exact = [taxon for taxon in found if taxon.epithet == asked.epithet]
        return _claim([taxon.name for taxon in exact or found], "epithet in another genus of its family")

    def by_letter(self, asked: Asked, fits: Callable[[str], bool]) -> Claim | None:
        """By a name of its genus that is one letter off, or one of a genus that is."""
        near = [
            taxon.name
            for taxon in self._of_genus(asked)
            if is_one_letter_off(taxon.epithet, asked.epithet) and fits(taxon.name)
        ]
        near += [
            taxon.name
            for taxon in self.checklist.by_epithet.get(gender_stem(asked.epithet), ())
            if taxon.rank == "species"
            and taxon.epithet == asked.epithet
            and is_one_letter_off(taxon.genus, asked.genus)
            and fits(taxon.name)
        ]
        return _claim(near, "one letter")

    def _of_genus(self, asked: Asked) -> tuple[ListedTaxon, ...]:
        return self.checklist.by_genus.get(asked.genus, ())

    @staticmethod
    def _among(
        taxa: Iterable[ListedTaxon],
        asked: Asked,
        spelled: Callable[[str], str],
        evidence: str,
        fits: Callable[[str], bool],
    ) -> Claim | None:
        wanted = spelled(asked.epithet)
        return _claim([taxon.name for taxon in taxa if spelled(taxon.epithet) == wanted and fits(taxon.name)], evidence)

    def _family(self, asked: Asked) -> str:
        """As this list calls it, where it has the genus; families have other limits in other lists."""
        return self._families.get(asked.genus) or asked.family

    @staticmethod
    def _others(taken: Collection[str]) -> Callable[[str], bool]:
        return lambda name: name not in taken


def _claim(species: Iterable[str], evidence: str) -> Claim | None:
    found = tuple(dict.fromkeys(species))
    return Claim(species=found, evidence=evidence) if found else None
