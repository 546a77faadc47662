"""The virtual birds: a tree of families, genera and species, each species with its looks and its range."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np

from birdsat.observations.taxonomy import Taxon
from birdsat.virtual.birds import FAMILIES, Body, Family, Plumage, genus_body, genus_plumage, species_plumage
from birdsat.virtual.noise import random_stream
from birdsat.virtual.ranges import Range, migrant_range, resident_range
from birdsat.virtual.survey import LandSurvey

SPECIES_PER_GENUS = (3, 3, 2)  # of the genera of every family
LOOKALIKE_PAIRS = 6  # as many as families: with fewer, chance moves what is guessed of them too far from a half
MIGRANT_SHARE = 0.25
_APART = 0.9  # least angle between the homes of two lookalikes, radians: 5,700 km
_TRIES = 400
_COLDEST = -8.0  # mean temperature over the year that a species may be at home in, Celsius


@dataclass(frozen=True, kw_only=True, slots=True)
class VirtualSpecies:
    """A species whose looks and true range are known."""

    taxon: Taxon
    body: Body
    plumage: Plumage
    range: Range
    abundance: float  # relative number of observations, 0..1

    @property
    def name(self) -> str:
        """The scientific name."""
        return self.taxon.name


def create_species(seed: int, survey: LandSurvey) -> tuple[tuple[VirtualSpecies, ...], tuple[tuple[str, str], ...]]:
    """All species of the planet, and the pairs of names among them that look alike."""
    birds = list(_tree(seed))
    random = random_stream("ranges", seed)
    # The first two species of a genus become lookalikes, at most one pair in a family.
    chosen = random.permutation(len(FAMILIES))[:LOOKALIKE_PAIRS] * sum(SPECIES_PER_GENUS)
    pairs = [(int(first), int(first) + 1) for first in sorted(chosen)]
    paired = {index for pair in pairs for index in pair}
    singles = [index for index in range(len(birds)) if index not in paired]
    migrants = set(random.permutation(singles)[: round(MIGRANT_SHARE * len(birds))].tolist())
    for first, second in pairs:
        ranges = _lookalike_ranges(random, survey)
        twin = replace(birds[second], body=birds[first].body, plumage=birds[first].plumage)
        birds[first] = replace(birds[first], range=ranges[0], abundance=1.0)
        birds[second] = replace(twin, range=ranges[1], abundance=1.0)
    for index in singles:
        draw = _migrant_range if index in migrants else _resident_range
        birds[index] = replace(birds[index], range=draw(random, survey))
    return tuple(birds), tuple((birds[first].name, birds[second].name) for first, second in pairs)


def _tree(seed: int) -> Iterator[VirtualSpecies]:
    """Names and looks of all species, family by family; ranges are still to be drawn."""
    random = random_stream("species", seed)
    nowhere = Range(continent=-1, months=(), tolerances=())
    names = _Names(random)
    for family in FAMILIES:
        stems = [names.genus() for _ in SPECIES_PER_GENUS]
        for stem, size in zip(stems, SPECIES_PER_GENUS, strict=True):
            body, ground = genus_body(random, family), genus_plumage(random, family)
            first_rank = int(random.integers(6))
            for rank in range(size):
                epithet, english = names.species()
                yield VirtualSpecies(
                    taxon=_taxon(family, f"{stem} {epithet}", stems[0], f"{english} {family.noun}"),
                    body=body,
                    plumage=species_plumage(random, ground, family, first_rank + rank),
                    range=nowhere,
                    abundance=float(np.exp(-0.9 * random.random())),
                )


def _taxon(family: Family, name: str, type_genus: str, english: str) -> Taxon:
    stem = type_genus.rstrip("aeious") or type_genus
    return Taxon(name=name, genus=name.split()[0], family=f"{stem}idae", order=family.order, common_name=english)


def _draw_share(random: np.random.Generator) -> float:
    """Size of a range as a share of all land."""
    return float(np.exp(random.uniform(np.log(0.025), np.log(0.09))))


def _resident_range(random: np.random.Generator, survey: LandSurvey) -> Range:
    homes = np.flatnonzero(survey.land.mean_temperature > _COLDEST)
    for _ in range(_TRIES):
        index = int(random.choice(homes))
        found = resident_range(
            survey.habitat(index),
            int(survey.land.continent[index]),
            _draw_share(random),
            survey.points,
            survey.land,
        )
        if found:
            return found
    raise AssertionError("no continent has room for a resident")


def _migrant_range(random: np.random.Generator, survey: LandSurvey) -> Range:
    land, points = survey.land, survey.points
    homes = np.flatnonzero(survey.land.mean_temperature > _COLDEST)
    for _ in range(_TRIES):
        index = int(random.choice(homes))
        warmer = land.mean_temperature - land.mean_temperature[index]
        closeness = points @ points[index]
        winter_options = np.flatnonzero(
            (land.continent == land.continent[index])
            & (np.abs(land.latitude) < abs(land.latitude[index]) - 12)
            & (warmer > 7)
            & (closeness < np.cos(0.30))
        )
        if land.mean_temperature[index] > 13 or not len(winter_options):
            continue
        found = migrant_range(
            survey.habitat(index),
            survey.habitat(int(random.choice(winter_options))),
            int(land.continent[index]),
            _draw_share(random),
            points,
            land,
        )
        if found:
            return found
    raise AssertionError("no continent has room for a migrant")


def _lookalike_ranges(random: np.random.Generator, survey: LandSurvey) -> tuple[Range, Range]:
    """Two ranges of one size in one climate on two continents, so that habitat does not tell them apart."""
    land = survey.land
    homes = np.flatnonzero(survey.land.mean_temperature > _COLDEST)
    for _ in range(_TRIES):
        index = int(random.choice(homes))
        habitat, continent, share = survey.habitat(index), int(land.continent[index]), 0.04
        unlike = (
            np.abs(land.mean_temperature - habitat.temperature) / 5
            + np.abs(np.log(land.rainfall_mm) - habitat.log_rainfall) / 0.55
            + np.abs(land.elevation_km - habitat.elevation_km) / 0.8
        )
        unlike[(land.continent == continent) | (survey.points @ survey.points[index] > np.cos(_APART))] = np.inf
        double = int(np.argmin(unlike))
        twin = replace(habitat, centre=survey.habitat(double).centre)
        here = resident_range(habitat, continent, share, survey.points, land)
        there = resident_range(twin, int(land.continent[double]), share, survey.points, land)
        if here and there:
            return here, there
    raise AssertionError("no two continents share a climate")


class _Names:
    """Invented names, none of them twice."""

    _starts = ("Al", "Bor", "Cal", "Dryo", "Er", "Fal", "Gly", "Hel", "Ily", "Lim", "Mel", "Nyc", "Ory", "Phae", "Rhyn", "Syl", "Thal", "Xan", "Zel")  # fmt: skip  # noqa: E501
    _middles = ("bo", "ca", "do", "go", "lo", "mi", "no", "phi", "ra", "ri", "sto", "thy", "vi")
    _ends = ("cola", "dea", "lus", "nis", "pis", "pteryx", "ptila", "ra", "ris", "rhynchus", "stes", "tes", "za")
    _epithets = (
        ("borealis", "Northern"), ("australis", "Southern"), ("montana", "Mountain"), ("silvatica", "Forest"),
        ("palustris", "Marsh"), ("littoralis", "Coastal"), ("arvensis", "Field"), ("solitaria", "Solitary"),
        ("vocifera", "Loud"), ("modesta", "Modest"), ("elegans", "Elegant"), ("ornata", "Ornate"),
        ("obscura", "Dusky"), ("pallida", "Pallid"), ("fluviatilis", "River"), ("insignis", "Splendid"),
        ("vagans", "Wandering"), ("minor", "Lesser"), ("major", "Greater"), ("gracilis", "Slender"),
        ("robusta", "Stout"), ("velox", "Swift"), ("placida", "Quiet"), ("aurora", "Dawn"),
        ("vesperis", "Evening"), ("pluvialis", "Rain"), ("nivalis", "Snow"), ("saxatilis", "Rock"),
        ("umbrosa", "Shade"), ("serena", "Serene"), ("hortensis", "Garden"), ("mirabilis", "Wonder"),
        ("cantans", "Singing"), ("errans", "Straying"), ("lacustris", "Lake"), ("collina", "Hill"),
        ("campestris", "Plains"), ("ventosa", "Wind"), ("fidelis", "Faithful"), ("aestiva", "Summer"),
        ("hiemalis", "Winter"), ("alticola", "High"), ("deserti", "Desert"), ("tropica", "Tropic"),
        ("insolita", "Strange"), ("tenuis", "Thin"), ("fortis", "Strong"), ("secreta", "Secret"),
    )  # fmt: skip

    def __init__(self, random: np.random.Generator) -> None:
        self._random = random
        self._genera: set[str] = set()
        self._free = [self._epithets[index] for index in random.permutation(len(self._epithets))]

    def genus(self) -> str:
        while True:
            parts = (self._starts, self._middles, self._ends)
            name = "".join(part[self._random.integers(len(part))] for part in parts)
            if name not in self._genera:
                self._genera.add(name)
                return name

    def species(self) -> tuple[str, str]:
        """An epithet and its English."""
        return self._free.pop()
