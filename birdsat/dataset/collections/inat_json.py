"""The JSON files of iNaturalist 2021 (Van Horn et al., CVPR 2021), in COCO's format, read in a stream.

Fields: github.com/visipedia/inat_comp, 2021. Any of latitude, longitude and location_uncertainty may be null or NaN.
"""

import contextlib
import math
import sqlite3
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from birdsat.dataset.collections.json_lists import json_lists
from birdsat.earth.place import Place
from birdsat.errors import ConfigError, InputError, PlaceError
from birdsat.observations.curation import Remark
from birdsat.observations.dates import read_date
from birdsat.observations.observation import Observation, Split
from birdsat.observations.scientific_names import parse_name, species_name
from birdsat.observations.taxonomy import Taxon, Taxonomy

LICENCE = "non-commercial research and education"
BIRDS = "Aves"
_LARGEST_ID = 2**63  # what a database holds


@dataclass(frozen=True, kw_only=True, slots=True)
class INatPhoto:
    """One entry of `images`, with what the other lists say of it."""

    index: int  # in `images`, from 0
    facts: dict[str, Any]  # the entry: id, file_name, date, latitude, longitude, location_uncertainty, ...
    is_labelled: bool
    taxon: str  # scientific name; "" where it is not a bird, or not labelled
    licence: str


def bird_taxonomy(path: Path) -> Taxonomy:
    """The bird species among a file's categories. Raises InputError where there is none, or the file is damaged."""
    taxa = (_taxon(category, path) for _, category in json_lists(path, ("categories",)))
    birds = {taxon.name: taxon for taxon in taxa if taxon is not None and parse_name(taxon.name).species is not None}
    taxonomy = Taxonomy(birds.values())
    if not len(taxonomy):
        raise InputError(f"{path} has no category of class {BIRDS}; give iNaturalist 2021's files, or a part of them.")
    return taxonomy


def inat_photos(path: Path) -> Iterator[INatPhoto]:
    """Every image of a file, birds or not, in the file's order.

    The file is read twice, since the labels come after the images; in between they wait on disk. Raises InputError
    for a file that is absent or damaged, lacks a list, or labels an image twice.
    """
    birds: dict[Any, str] = {}
    licences: dict[Any, str] = {}
    with contextlib.closing(sqlite3.connect("")) as database:  # "": a temporary file of SQLite's own
        database.execute("PRAGMA synchronous = OFF")
        database.execute("PRAGMA journal_mode = OFF")
        database.execute("CREATE TABLE label (image PRIMARY KEY, category) WITHOUT ROWID")
        try:
            database.executemany("INSERT INTO label VALUES (?, ?)", _labels(path, birds, licences))
        except sqlite3.IntegrityError as error:
            raise InputError(f"{path} labels an image twice, or with nothing ({error}); restore the file.") from error
        for index, (_, facts) in enumerate(json_lists(path, ("images",))):
            id = _field(facts, "id", "image", path)
            label = database.execute("SELECT category FROM label WHERE image = ?", (id,)).fetchone()
            yield INatPhoto(
                index=index,
                facts=facts,
                is_labelled=label is not None,
                taxon="" if label is None else birds.get(label[0], ""),
                licence=_licence(facts.get("license"), licences),
            )


def inat_observation(
    photo: INatPhoto, *, id: str, split: Split, max_uncertainty_km: float
) -> Iterator[Observation | Remark]:
    """The observation of a photo, after remarks on what was left out; or why it is dropped.

    A place that is uncertain by more than `max_uncertainty_km` is left out, and the photo kept.
    """
    name = photo.facts.get("file_name")
    if not photo.taxon or not isinstance(name, str) or not name:
        reason = "not labelled" if not photo.is_labelled else "no bird" if not photo.taxon else "no photo named"
        yield Remark(row=id, reason=reason, detail=f"image {photo.index} of the list, file_name {name!r}")
        return
    taxon = parse_name(photo.taxon)
    if taxon.species is None:
        yield Remark(row=id, reason=taxon.dropped, detail=repr(photo.taxon))
        return
    place, remark, detail = _place(photo.facts, max_uncertainty_km)
    if remark:
        yield Remark(row=id, reason=remark, detail=detail, kept=True)
    written = photo.facts.get("date")
    date = read_date("" if written is None else str(written))
    if date.remark:
        yield Remark(row=id, reason=date.remark, detail=f"date {written!r}"[:200], kept=True)
    yield Observation(
        id=id,
        taxon=taxon.species,
        photo=name,
        place=place,
        date=date.day,
        split=split,
        licence=photo.licence,
        attribution=str(photo.facts.get("rights_holder") or ""),
    )


def check_uncertainty(max_uncertainty_km: float) -> None:
    """Raises ConfigError for a bound that is not a distance."""
    if not max_uncertainty_km > 0:
        raise ConfigError(
            f"max_uncertainty_km is {max_uncertainty_km}; allowed: above 0, or inf to keep every place.",
            settings=("max_uncertainty_km",),
        )


def _licence(id: Any, licences: Mapping[Any, str]) -> str:
    return licences.get(id, LICENCE) if isinstance(id, int | str) else LICENCE


def _labels(path: Path, birds: dict[Any, str], licences: dict[Any, str]) -> Iterator[tuple[Any, Any]]:
    """Image and category of each annotation; fills the names of bird categories and of licences on the way."""
    for what, entry in json_lists(path, ("categories", "annotations", "licenses")):
        if what == "annotations":
            yield _field(entry, "image_id", "annotation", path), _field(entry, "category_id", "annotation", path)
        elif what == "licenses":
            id = _field(entry, "id", "licence", path)
            licences[id] = str(entry.get("name") or entry.get("url") or LICENCE)
        elif (taxon := _taxon(entry, path)) is not None:
            birds[_field(entry, "id", "category", path)] = taxon.name


def _taxon(category: Any, path: Path) -> Taxon | None:
    """The taxon of a category; None where it is not a bird."""
    if _field(category, "class", "category", path) != BIRDS:
        return None
    name = _field(category, "name", "category", path)
    ranks = {rank: str(category.get(rank) or "") for rank in ("genus", "family", "order", "common_name")}
    return Taxon(name=species_name(str(name)), **ranks)  # as it is written, where it means no single species


def _field(entry: Any, name: str, what: str, path: Path) -> Any:
    value = entry.get(name) if isinstance(entry, dict) else None
    if not isinstance(value, int | str):
        raise InputError(f"{path} has a {what} without {name}: {str(entry)[:100]}. Restore the file.")
    if isinstance(value, int) and abs(value) >= _LARGEST_ID:
        raise InputError(f"{path} has a {what} whose {name} is too large a number: {value}. Restore the file.")
    return value


def _place(facts: dict[str, Any], max_uncertainty_km: float) -> tuple[Place | None, str, str]:
    """The place, with a reason and detail where something is to be said of it."""
    try:
        lon, lat, uncertainty_m = (
            _number(facts.get(name)) for name in ("longitude", "latitude", "location_uncertainty")
        )
    except (TypeError, ValueError, OverflowError) as error:
        return None, "coordinates unreadable: place left out", str(error)
    if lon is None and lat is None:
        return None, "", ""
    if lon is None or lat is None:
        return None, "one coordinate missing: place left out", f"longitude {lon}, latitude {lat}"
    try:
        place = Place(lon, lat)
    except PlaceError as error:
        return None, "coordinates not on Earth: place left out", str(error)
    if uncertainty_m is None:
        return place, "", ""
    if uncertainty_m < 0:
        return place, "negative location uncertainty: taken as not known", f"{uncertainty_m:g} m"
    if uncertainty_m > 1000 * max_uncertainty_km:
        detail = f"uncertain by {uncertainty_m:,.0f} m; allowed: {max_uncertainty_km:g} km"
        return None, "place too uncertain: left out", detail
    return place, "", ""


def _number(value: Any) -> float | None:
    number = math.nan if value is None else float(value)
    return None if math.isnan(number) else number
