"""A table as GBIF's simple download has it: 50 columns between tabs, not quoted, with the oddities of real ones."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

COLUMNS = tuple(
    "gbifID datasetKey occurrenceID kingdom phylum class order family genus species infraspecificEpithet taxonRank "  # noqa: SIM905
    "scientificName verbatimScientificName verbatimScientificNameAuthorship countryCode locality stateProvince "
    "occurrenceStatus individualCount publishingOrgKey decimalLatitude decimalLongitude coordinateUncertaintyInMeters "
    "coordinatePrecision elevation elevationAccuracy depth depthAccuracy eventDate day month year taxonKey speciesKey "
    "basisOfRecord institutionCode collectionCode catalogNumber recordNumber identifiedBy dateIdentified license "
    "rightsHolder recordedBy typeStatus establishmentMeans lastInterpreted mediaType issue".split()
)
SPECIES, PLACES, BLOCK_ROWS = 3000, 200_000, 200_000
_SYLLABLES = np.array("ar bor cal dus en for gul hir ix lan mel nar ost pic ran sit tur ul vor xan".split())  # noqa: SIM905
_KEYS = (
    "4fa7b334-ce0d-4e88-aaae-2e0c138d049e",
    "50c9509d-22c7-4a22-a47d-8c48425ef4a7",
    "e2e717bf-551a-4917-bdc9-4fa0f342c530",
    "28eb1a3f-1c15-4a95-931a-4af90ecb574d",
)


def write_gbif(path: Path, rows: int, *, seed: int = 0) -> Path:
    """So many rows: of 3,000 species, ten years and 200,000 places, some of them to be dropped, or dated by a month."""
    names = _names(np.random.default_rng([seed, 0]))
    places = _places(np.random.default_rng([seed, 1]))
    with path.open("wb") as file:
        file.write("\t".join(COLUMNS).encode() + b"\n")
        for number, start in enumerate(range(0, rows, BLOCK_ROWS)):
            count = min(BLOCK_ROWS, rows - start)
            generator = np.random.default_rng([seed, 2, number])
            cells = _cells(generator, start, count, names, places)
            lines = pc.binary_join_element_wise(*(cells[name] for name in COLUMNS), "\t")
            file.write(b"\n".join(lines.cast(pa.binary()).to_pylist()))
            file.write(b"\n")
    return path


def _names(generator: np.random.Generator) -> dict[str, list[str]]:
    def words(count: int, parts: int) -> NDArray[np.str_]:
        made = np.array(["".join(row) for row in generator.choice(_SYLLABLES, (4 * count, parts))])
        return np.unique(made)[:count] if len(np.unique(made)) >= count else made[:count]

    genera = np.char.capitalize(words(SPECIES // 4, 3))
    epithets = words(SPECIES, 4)
    genus = genera[generator.integers(0, len(genera), SPECIES)].tolist()
    species = [f"{one} {epithet}" for one, epithet in zip(genus, epithets.tolist(), strict=True)]
    author = [
        f"{'(' * bracket}Author{i % 97}, {1758 + i % 180}{')' * bracket}"
        for i, bracket in enumerate(generator.integers(0, 2, SPECIES).tolist())
    ]
    return {"genus": genus, "species": species, "author": author}


def _places(generator: np.random.Generator) -> NDArray[np.float64]:
    return np.stack([generator.uniform(-125, -65, PLACES), generator.uniform(25, 50, PLACES)], axis=1)


def _cells(
    generator: np.random.Generator,
    start: int,
    count: int,
    names: dict[str, list[str]],
    places: NDArray[np.float64],
) -> dict[str, pa.Array]:
    def taken(values: Sequence[str], index: NDArray[np.int64]) -> pa.Array:
        return pa.array(values, pa.string()).take(pa.array(index))

    def some(values: Sequence[str], shares: Sequence[float]) -> pa.Array:
        return taken(values, generator.choice(len(values), count, p=shares))

    def text(numbers: NDArray[np.int64]) -> pa.Array:
        return pa.array(numbers).cast(pa.string())

    taxon = np.minimum(generator.zipf(1.2, count) - 1, SPECIES - 1)
    species = taken(names["species"], taxon)
    scientific = pc.binary_join_element_wise(species, taken(names["author"], taxon), " ")
    at = places[np.minimum(generator.zipf(1.1, count), PLACES) - 1].round(5)
    days = np.datetime64("2014-01-01") + generator.integers(0, 3652, count)
    calendar = days.astype(object)
    date = pa.array(np.datetime_as_string(days, unit="D"))
    minute = generator.integers(0, 1440, count)
    times = [f"T{m // 60:02d}:{m % 60:02d}" for m in range(1440)]
    is_timed = generator.random(count) < 0.3
    date = pc.if_else(pa.array(is_timed), pc.binary_join_element_wise(date, taken(times, minute), ""), date)
    odd = generator.random(count)
    date = pc.if_else(pa.array(odd < 0.02), pc.utf8_slice_codeunits(date, 0, 7), date)  # no day
    date = pc.if_else(pa.array((odd >= 0.02) & (odd < 0.03)), pc.binary_join_element_wise(date, date, "/"), date)
    is_genus = generator.random(count) < 0.01
    blank = pa.array([""] * count)
    keys = text(2_480_000 + taxon)
    rows = start + np.arange(count)
    ids = text(4_000_000_000 + rows)
    cells = dict.fromkeys(COLUMNS, blank) | {
        "gbifID": ids,
        "datasetKey": some(_KEYS[:2], [0.7, 0.3]),
        "occurrenceID": pc.binary_join_element_wise("URN:catalog:CLO:EBIRD:OBS", ids, ""),
        "kingdom": taken(["Animalia"], np.zeros(count, np.int64)),
        "phylum": taken(["Chordata"], np.zeros(count, np.int64)),
        "class": taken(["Aves"], np.zeros(count, np.int64)),
        "order": taken(["Passeriformes", "Piciformes", "Anseriformes"], taxon % 3),
        "family": taken(["Parulidae", "Picidae", "Anatidae"], taxon % 3),
        "genus": taken(names["genus"], taxon),
        "species": pc.if_else(pa.array(is_genus), blank, species),
        "taxonRank": pc.if_else(pa.array(is_genus), "GENUS", "SPECIES"),
        "scientificName": scientific,
        "verbatimScientificName": species,
        "countryCode": some(["US", "CA", "MX"], [0.8, 0.15, 0.05]),
        "locality": some(['"Big" Lake', '"The Farm', "Yard", "Oak Park, Ohio", ""], [0.1, 0.02, 0.3, 0.3, 0.28]),
        "stateProvince": some(["Ohio", "Québec", "Jalisco", "California"], [0.25] * 4),
        "occurrenceStatus": some(["PRESENT", "ABSENT"], [0.995, 0.005]),
        "individualCount": some(["", "1", "2", "17", "0"], [0.4, 0.3, 0.2, 0.095, 0.005]),
        "publishingOrgKey": some(_KEYS[2:], [0.7, 0.3]),
        "decimalLatitude": pa.array(at[:, 1]).cast(pa.string()),
        "decimalLongitude": pa.array(at[:, 0]).cast(pa.string()),
        "coordinateUncertaintyInMeters": some(["", "5.0", "31.0", "28000.0"], [0.7, 0.15, 0.13, 0.02]),
        "eventDate": date,
        "day": text(np.array([day.day for day in calendar])),
        "month": text(np.array([day.month for day in calendar])),
        "year": text(np.array([day.year for day in calendar])),
        "taxonKey": keys,
        "speciesKey": keys,
        "basisOfRecord": some(["HUMAN_OBSERVATION", "PRESERVED_SPECIMEN", "LIVING_SPECIMEN"], [0.97, 0.029, 0.001]),
        "institutionCode": some(["CLO", "iNaturalist"], [0.7, 0.3]),
        "collectionCode": some(["EBIRD", "Observations"], [0.7, 0.3]),
        "catalogNumber": pc.binary_join_element_wise("OBS", ids, ""),
        "identifiedBy": some(["", "A. Observer"], [0.7, 0.3]),
        "license": some(["CC_BY_4_0", "CC_BY_NC_4_0", "CC0_1_0"], [0.6, 0.3, 0.1]),
        "rightsHolder": some(["", "A. Observer"], [0.7, 0.3]),
        "recordedBy": taken([f"obsr{i}" for i in range(5000)], generator.integers(0, 5000, count)),
        "lastInterpreted": taken(["2026-10-01T12:00:00.000Z"], np.zeros(count, np.int64)),
        "mediaType": some(["", "StillImage"], [0.8, 0.2]),
        "issue": some(["", "COORDINATE_ROUNDED", "CONTINENT_DERIVED_FROM_COORDINATES"], [0.3, 0.3, 0.4]),
    }
    return cells
