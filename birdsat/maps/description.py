"""What a map is of, and the tags that say so in its file."""

import calendar
import json
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from birdsat.earth.box import Box
from birdsat.earth.date import mid_month
from birdsat.earth.grid import AnyGrid, EqualAreaGrid, Grid
from birdsat.errors import ConfigError, InputError
from birdsat.maps.making import Making
from birdsat.observations.occurrence_checks import much_elsewhere
from birdsat.reading import parse_json

APPLICABILITY = "area of applicability"
_YES_NO = {True: "yes", False: "no"}
YEAR = "year"  # the layer of a map that is the same in all months
_BLOCK_KM = 500.0  # side of the blocks of records that do not lie in a small region
NONE_HELD_OUT = "too few records, or in too few places, to hold any out"


@dataclass(frozen=True, slots=True)
class Quantity:
    """What the numbers of a map are."""

    name: str  # short, for colour bars: "relative suitability"
    units: str  # as CF has them; "1": a share or a score
    bounds: tuple[float, float] | None = None  # what it lies between, which is its colour scale; None: as in the map
    explanation: str = ""  # a sentence for the tags
    meaning: str = ""  # a line for pictures: how to read a value; empty: the name says it
    std: str = "standard deviation over the members"  # of what its standard deviations are
    std_explanation: str = (
        "It tells how much the map hangs on which records there happened to be, and nothing of errors that all members "
        "share."
    )


SUITABILITY = Quantity(  # called "probability of occurrence" in maps of the release before this
    "relative suitability",
    "1",
    (0.0, 1.0),
    "relative: 0.5 is a place and month as likely among the taxon's records as among the background, each weighing one "
    "half; not the probability to find the taxon there",
    "0.5: as likely a place of the taxon's records as of the background; not the chance to find it there",
)
SCORE = Quantity(
    "score (cosine)",
    "1",
    explanation="cosine of the taxon's mean photo embedding and the embedding of chip, place and mid-month; not a "
    "probability",
    meaning="likeness to the taxon's photos; compares places and months of one taxon alone",
)
RICHNESS = Quantity(
    "expected number of species",
    "1",
    std="standard deviation",
    std_explanation="It is that of a sum of taxa that come and go independently, and knows nothing of how well each is "
    "mapped.",
)
RECORDS, ELSEWHERE = "records of the taxon", "records of it in no cell"  # sources of a map, as numbers
SURVEYED = "absences"  # of all taxa, a number; a source of a map of richness whose fit learned from surveys too
ABSENCES = "absences of the taxon"  # a number; a source of a map whose fit learned from surveys too
WITHIN = "mapped within the polygons of"  # a file; a source of a map
UNEVEN = "covariates known unevenly"  # a sentence; a source of a map
BY_EFFORT = "background drawn by effort"  # a share; a source of a map
UNDATED = "why all months are the same"  # though records have dates; a source of a map
UNLOOKED = "months in which hardly anybody looked"  # of those mapped; a source of a map
_CHANCE = 0.5  # the AUC of noise
TAXON_POINTS = "taxon_held_out_points"  # the figure of a taxon that is there wherever others of it are


@dataclass(frozen=True, kw_only=True, slots=True)
class MapDescription:
    """All that is known of a map but its numbers. Raises ConfigError for months that are not of the calendar."""

    title: str  # the taxon's scientific name, or what else is mapped
    grid: AnyGrid
    months: tuple[int, ...]  # 1..12, each once; empty: one layer, of no month
    quantity: Quantity
    model: str  # what made the numbers
    std: bool = False  # whether each layer has a second one: its standard deviation, such as over an ensemble
    # Whether each layer has two more, low and high: bounds between which so large a share of the truth is meant to lie.
    interval: float | None = None
    is_taxon: bool = True  # whether the title is a taxon
    common_name: str = ""  # of the taxon, where one is known
    applicability: bool = False  # whether a layer tells where the model may be asked: 1 inside, 0 outside
    # Whether the numbers were brought to what was held out of the fit; None: they are not of a kind that is calibrated.
    calibrated: bool | None = None
    dated: bool = True  # False: nothing that it was made from has a date, so that it is the same in all months
    of_land: bool = False  # whether the taxon lives on land, so that what the numbers say of the sea is not drawn
    evaluation: Mapping[str, float] = field(default_factory=dict)  # figures by name
    not_held_out: str = ""  # why nothing (of the taxon) could be held out; empty: something was, or not known
    sources: Mapping[str, str] = field(default_factory=dict)  # what the numbers were made from, by what it is
    request: str = ""  # fingerprint of what was asked for, by which the same asked again is known; empty: not known
    making: Making = field(default_factory=Making)  # how it came about

    def __post_init__(self) -> None:
        for month in self.months:
            mid_month(month)  # refuses what is not a month
        if len(set(self.months)) < len(self.months):
            raise ConfigError(f"months {self.months} name one twice; name each once.")
        if self.interval is not None and not 0 < self.interval < 1:
            raise ConfigError(f"interval is {self.interval}; allowed: above 0 and below 1.")

    @property
    def heading(self) -> str:
        """For people: the title, behind the common name where there is one."""
        return f"{self.common_name} ({self.title})" if self.common_name else self.title

    @property
    def layers(self) -> tuple[str, ...]:
        """Names of the layers of values: of the months, of the whole year, or of the quantity."""
        months = tuple(calendar.month_name[month] for month in self.months)
        return months or (self.quantity.name if self.dated else YEAR,)

    @property
    def evaluated(self) -> bool:
        """Whether there are figures on what was held out: of a taxon, where others were fitted with it, its own."""
        return self._some_evaluated and not self._others_alone

    @property
    def _some_evaluated(self) -> bool:
        return any("survey" not in name for name in self.evaluation)

    @property
    def _others_alone(self) -> bool:
        """Whether figures and calibration are of other taxa that were fitted with this one."""
        own = TAXON_POINTS in self.evaluation
        return self.is_taxon and bool(self.calibrated and self.not_held_out) and self._some_evaluated and not own

    @property
    def why_not_evaluated(self) -> str:
        """For people, of a map without figures."""
        return self.not_held_out or NONE_HELD_OUT

    @property
    def cautions(self) -> tuple[str, ...]:
        """What whoever reads the numbers must know, in words; none: nothing beyond what every map has."""
        lacks = [] if self.calibrated is not False else ["not calibrated"]
        lacks += ["calibrated with other taxa"] if self._others_alone else []
        lacks += ["not evaluated"] if self.calibrated is not None and not self.evaluated else []
        found = [f"{', '.join(lacks)}: {self.why_not_evaluated}"] if lacks else []
        if 0 < (side := self.evaluation.get("held_out_block_km", _BLOCK_KM)) < _BLOCK_KM:
            found.append(
                f"evaluated on blocks of {side:,.0f} km among the records: nothing tells how good it is elsewhere"
            )
        if self.evaluated:
            own = "taxon_held_out_auc" if TAXON_POINTS in self.evaluation else "held_out_auc"
            auc, least = (self.evaluation.get(name, math.nan) for name in (own, f"{own}_low"))
            if least <= _CHANCE:
                found.append(
                    f"on blocks held out, records could not be told from other places (AUC {auc:.2f}, by chance 0.5)"
                )
        if self.bias_left:
            found.append(f"observer bias {self.bias_left}")
        found += self.lacking_records
        if months := self.sources.get(UNLOOKED):
            found.append(
                f"hardly anything was recorded in {months}: what is said of that time is a guess from other months"
            )
        if uneven := self.sources.get(UNEVEN):
            found.append(uneven)
        if not self.dated:
            why = self.sources.get(UNDATED)
            found.append(f"the same in all months: {why}" if why else "undated: the same in all months")
        return tuple(found)

    @property
    def bias_left(self) -> str:
        """How far observer bias is corrected, for people, where that is not at all or hardly; else empty."""
        bias = self.sources.get("observer bias", "")
        return bias if bias.startswith(("not corrected", "hardly corrected")) else ""

    @property
    def records(self) -> int:
        """Of the taxon, that the map was made from; 0: none, or not known."""
        return self._count(RECORDS)

    def _count(self, source: str) -> int:
        text = self.sources.get(source, "")
        return int(text) if text.isdecimal() else 0

    @property
    def lacking_records(self) -> tuple[str, ...]:
        """In words, that a good part of the taxon's records lies where the map has no cells; nothing otherwise."""
        kept, lost = self.records, self._count(ELSEWHERE)
        if not lost or not much_elsewhere(lost, kept):
            return ()
        return (f"{lost:,} of {kept + lost:,} records lie in no cell of it, as at sea, and are not mapped",)

    @property
    def band_names(self) -> tuple[str, ...]:
        """Values, their standard deviations, all lows, all highs, the area of applicability; what is not there is left
        out."""
        return self.layers + self.beside + ((APPLICABILITY,) if self.applicability else ())

    @property
    def band_meanings(self) -> tuple[str, ...]:
        """What each band of `band_names` holds, in words that stand alone."""
        layers = self.layers
        named = [
            self.quantity.name if layer == self.quantity.name else f"{self.quantity.name}, {layer}" for layer in layers
        ]
        found = list(named)
        found += [f"{one}: {self.quantity.std}" for one in named if self.std]
        for end in ("lower", "upper") if self.interval is not None else ():
            found += [f"{one}: {end} bound of the {self.interval:.0%} interval" for one in named]
        return (*found, *((f"{APPLICABILITY}: 1 inside, 0 outside",) if self.applicability else ()))

    @property
    def doubt(self) -> str:
        """What a map has of how sure its values are; empty: nothing."""
        if self.interval is not None:
            return f"width of the {self.interval:.0%} interval"
        return self.quantity.std if self.std else ""

    @property
    def beside(self) -> tuple[str, ...]:
        """Names of what is known of each layer beside its values: a layer's name and a word."""
        words = (*(("std",) if self.std else ()), *(("low", "high") if self.interval is not None else ()))
        return tuple(f"{layer} {word}" for word in words for layer in self.layers)

    def tags(self, created: str) -> dict[str, str]:
        """For the file: text by name. created: when, in ISO 8601."""
        grid = self.grid
        step = {"step_km": repr(grid.step_km)} if isinstance(grid, EqualAreaGrid) else {"step_degrees": repr(grid.step)}
        bounds = {} if self.quantity.bounds is None else {"quantity_bounds": json.dumps(self.quantity.bounds)}
        return {
            "taxon" if self.is_taxon else "title": self.title,
            "months": ",".join(map(str, self.months)),
            "quantity": self.quantity.name,
            "quantity_explanation": self.quantity.explanation,
            "quantity_meaning": self.quantity.meaning,
            "quantity_std": self.quantity.std,
            "quantity_std_explanation": self.quantity.std_explanation,
            "units": self.quantity.units,
            "model": self.model,
            "box": ",".join(map(repr, (grid.box.west, grid.box.south, grid.box.east, grid.box.north))),
            "evaluation": json.dumps(plain_figures(self.evaluation)),
            "not_held_out": self.not_held_out,
            "sources": json.dumps(dict(self.sources)),
            "created": created,
            "request": self.request,
            "dated": _YES_NO[self.dated],
            "of_land": _YES_NO[self.of_land],
            "making": json.dumps(self.making.to_dict()),
            **step,
            **bounds,
            **({"common_name": self.common_name} if self.common_name else {}),
            **({} if self.interval is None else {"interval": repr(self.interval)}),
            **({} if self.calibrated is None else {"calibrated": _YES_NO[self.calibrated]}),
        }


def description_from(tags: Mapping[str, str], band_names: tuple[str, ...]) -> MapDescription:
    """The inverse of `tags`. Raises InputError when the tags or the bands are not those of a map of birdsat."""
    # Standard deviations were called spreads in the release before this.
    band_names = tuple(re.sub(" spread$", " std", name) for name in band_names)
    usual = RICHNESS if tags.get("quantity") == RICHNESS.name else SUITABILITY  # before these stood in the tags
    try:
        box = Box.parse(tags["box"])
        km, months = tags.get("step_km"), tags.get("months", "")
        figures: dict[str, Any] = parse_json(tags["evaluation"], "evaluation")
        bounds = tags.get("quantity_bounds")
        low_high = None if bounds is None else parse_json(bounds, "quantity_bounds")
        found = MapDescription(
            title=tags["taxon"] if "taxon" in tags else tags["title"],
            is_taxon="taxon" in tags,
            common_name=tags.get("common_name", ""),
            grid=Grid(box, float(tags["step_degrees"])) if km is None else EqualAreaGrid(box, float(km)),
            months=tuple(int(month) for month in months.split(",") if month),
            quantity=Quantity(
                tags["quantity"],
                tags["units"],
                None if low_high is None else (float(low_high[0]), float(low_high[1])),
                tags.get("quantity_explanation", ""),
                tags.get("quantity_meaning", ""),
                tags.get("quantity_std", usual.std),
                tags.get("quantity_std_explanation", usual.std_explanation),
            ),
            model=tags["model"],
            std=any(name.endswith(" std") for name in band_names),
            interval=float(tags["interval"]) if "interval" in tags else None,
            applicability=APPLICABILITY in band_names,
            evaluation={name: math.nan if value is None else float(value) for name, value in figures.items()},
            not_held_out=tags.get("not_held_out", ""),
            sources=parse_json(tags["sources"], "sources"),
            request=tags.get("request", ""),
            calibrated=None if "calibrated" not in tags else tags["calibrated"] == "yes",
            dated=tags.get("dated", "yes") == "yes",
            of_land=tags.get("of_land", "no") == "yes",
            making=Making.from_dict(parse_json(tags.get("making", "{}"), "making")),
        )
    except (LookupError, ValueError, TypeError, AttributeError, ConfigError, InputError) as error:
        lost = f"none is called {error.args[0]!r}" if isinstance(error, KeyError) else str(error)
        raise InputError(f"its tags are not those of a map ({lost}); give a GeoTIFF that birdsat wrote.") from error
    if found.band_names != band_names:
        raise InputError(
            f"its bands are {', '.join(band_names)} where its tags tell of {', '.join(found.band_names)}; give the "
            "file as birdsat wrote it."
        )
    return found


def plain_figures(figures: Mapping[str, float]) -> dict[str, float | None]:
    """Figures for JSON, which has no NaN."""
    return {name: float(value) if math.isfinite(value) else None for name, value in figures.items()}
