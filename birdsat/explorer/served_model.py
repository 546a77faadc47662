"""A range model with its cells, as the explorer serves it: values of all cells of a taxon as bytes, and of one cell."""

import calendar
import difflib
import gzip
import shlex
import threading
from collections.abc import Mapping, Sequence
from functools import cached_property, lru_cache, partial
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from birdsat.earth.grid import EqualAreaGrid
from birdsat.embeddings.regions.region import Region
from birdsat.explorer.arrays import MISSING, STEPS, PackedArrays, to_bytes
from birdsat.explorer.listed import Served
from birdsat.explorer.model_records import ModelRecords
from birdsat.maps.description import SUITABILITY
from birdsat.maps.richness import RichnessSum, SuitabilityBlock
from birdsat.ranges.all_taxa import iter_taxa
from birdsat.ranges.facts import RangeFacts
from birdsat.ranges.feature_cache import iter_features
from birdsat.ranges.intervals import COVERAGE
from birdsat.ranges.model import RangeModel
from birdsat.workflows.map_formats import file_name
from birdsat.workflows.open_ranges import is_dated
from birdsat.workflows.requests.maps import YEAR


class Truth(Protocol):
    """Where a taxon truly lives, (n,) or (months, n) bytes 0 and 1; None where that is not known."""

    def __call__(self, taxon: str, *, model: "ServedModel") -> NDArray[np.uint8] | None: ...


PLACE_BLOCK = 4096  # cells of one file of all taxa's values
UNDATED = (6,)  # the month that is asked of a model that tells none from another
_THRESHOLDS = {
    "max_sss": "sensitivity and specificity add up to the most",
    "p10": "nine tenths of the held-out records lie in the range",
    "equal": "as many records are missed as places are wrongly taken in",
    "prevalence": "as likely among the records as among the background",
}


class ServedModel:
    """A model, opened. Its arrays are made when they are asked for first, and kept in `cache`."""

    def __init__(
        self,
        served: Served,
        model: RangeModel,
        region: Region,
        cache: Path,
        *,
        records: ModelRecords,
        truth: Truth = lambda taxon, *, model: None,
    ) -> None:
        """cache: folder of this model's arrays; its name stands for model and region."""
        self.served, self.model, self.region, self.records = served, model, region, records
        self.arrays = PackedArrays(cache)
        self._computing = threading.Lock()
        self._truth = lru_cache(maxsize=4)(partial(truth, model=self))
        self.map = lru_cache(maxsize=256)(self._map)  # what is said of a taxon's map; it never changes

    @property
    def id(self) -> str:
        return self.served.id

    @property
    def facts(self) -> RangeFacts:
        return self.model.facts

    @cached_property
    def cells(self) -> NDArray[np.int64]:
        """(n,) positions of the region's cells, ascending."""
        return self.region.cells()

    @cached_property
    def months(self) -> tuple[int, ...]:
        """1..12; one of a model that tells none from another."""
        return YEAR if is_dated(self.model) else UNDATED

    @cached_property
    def keys(self) -> Mapping[str, str]:
        """Taxon by what it is called in addresses."""
        keys: dict[str, str] = {}
        for taxon in self.facts.taxa:
            key = "".join(letter if letter.isalnum() or letter in "-_." else "_" for letter in file_name(taxon))
            while key in keys or not key.strip("._"):
                key += "_x"
            keys[key] = taxon
        return keys

    @cached_property
    def key_of(self) -> Mapping[str, str]:
        return {taxon: key for key, taxon in self.keys.items()}

    def taxon(self, name: str) -> str:
        """The taxon that a key or name means. Raises UnknownTaxonError with the nearest."""
        return self.keys[name] if name in self.keys else self.model.named((name,))[0]

    # What is said of it.

    @cached_property
    def listed(self) -> Mapping[str, Any]:
        """What the list of models says of it."""
        facts, box = self.facts, self.region.grid.box
        return {
            "id": self.id,
            "name": self.served.name,
            "kind": self.served.kind,
            "taxa": len(facts.taxa),
            "months": len(self.months),
            "calibrated": facts.calibration.fitted,
            "evaluated": bool(facts.evaluation),
            "cells": len(self.region),
            "authority": facts.taxonomy,
            "records": sum(facts.points),
            "has_truth": self._truth(facts.taxa[0]) is not None,
            "box": [box.west, box.south, box.east, box.north],
            "created": self.served.created,
        }

    def taxa(self, query: str, limit: int) -> list[dict[str, Any]]:
        """Its taxa with their figures; those whose names hold the query first, or the nearest where none does."""
        rows = [self._taxon_row(label) for label in range(len(self.facts.taxa))]
        asked = " ".join(query.casefold().split())
        if not asked:
            return rows[:limit]
        names = [f"{row['common_name']} {row['taxon']}".casefold() for row in rows]

        def rank(number: int) -> tuple[bool, bool, str]:
            words = names[number].split()
            return (
                not names[number].startswith(asked),
                not any(word.startswith(asked) for word in words),
                names[number],
            )

        found = sorted((number for number, name in enumerate(names) if asked in name), key=rank)
        if found:
            return [rows[number] for number in found[:limit]]
        known = {
            name.casefold(): number
            for number, row in enumerate(rows)
            for name in (row["common_name"], row["taxon"])
            if name
        }
        near = dict.fromkeys(known[name] for name in difflib.get_close_matches(asked, known, n=5, cutoff=0.5))
        return [{**rows[number], "near": True} for number in near][:limit]

    def _taxon_row(self, label: int) -> dict[str, Any]:
        facts = self.facts
        taxon = facts.taxa[label]
        figures = facts.taxon_evaluation[label] if facts.taxon_evaluation else None
        known = figures is not None and figures.points > 0
        return {
            "taxon": taxon,
            "key": self.key_of[taxon],
            "common_name": self.model.common_names.get(taxon, ""),
            "records": facts.points[label],
            **{
                name: getattr(figures, field) if known else None
                for name, field in (
                    ("auc", "auc"),
                    ("auc_low", "auc_low"),
                    ("auc_high", "auc_high"),
                    ("auc_even", "auc_even"),
                    ("boyce", "boyce"),
                    ("held_out", "points"),
                )
            },
        }

    def grid(self) -> dict[str, Any]:
        """Where its cells lie."""
        grid = self.region.grid
        lon, lat = grid.edges()
        return {
            "west": float(lon[0]),
            "south": float(lat[-1]),
            "east": float(lon[-1]),
            "north": float(lat[0]),
            "cell_deg": float(lon[1] - lon[0]),
            "width": grid.columns,
            "height": grid.rows,
            "lat_edges": np.round(lat, 6).tolist() if isinstance(grid, EqualAreaGrid) else None,
            "cells": len(self.cells),
            "cells_url": f"v1/models/{self.id}/cells.bin",
            "place_block": PLACE_BLOCK,
        }

    def _map(self, taxon: str) -> dict[str, Any]:
        """All that is said of a taxon's map."""
        facts, model, key = self.facts, self.model, self.key_of[taxon]
        base, (label,) = f"v1/models/{self.id}/maps/{key}", model.labels((taxon,))
        suits = self.suitability(taxon)
        of_year = {"dtype": "uint8", "scale": 1 / STEPS, "missing": MISSING, "months": len(self.months)}
        once = {**of_year, "months": 1, "scale": 1}
        recorded = self.records.known
        row = self._taxon_row(label)
        return {
            "taxon": taxon,
            "key": key,
            "common_name": row["common_name"],
            "quantity": {
                "name": SUITABILITY.name,
                "explanation": SUITABILITY.explanation,
                "meaning": SUITABILITY.meaning,
            },
            "months": len(self.months),
            "dated": len(self.months) > 1,
            "notes": self.notes(),
            "thresholds": self.thresholds(taxon),
            "figures": self._figures(row),
            "labels": {
                "calibrated": facts.calibration.fitted,
                "evaluated": bool(facts.evaluation),
                "observer_bias": model.observer_bias,
            },
            "interval": COVERAGE,
            "records": facts.points[label],
            "layers": {
                "suitability": {"url": f"{base}/suitability.bin", **of_year},
                "low": {"url": f"{base}/low.bin", **of_year},
                "high": {"url": f"{base}/high.bin", **of_year},
                "applicable": {"url": f"{base}/applicable.bin", **once},
                "effort": self.effort_layer(),
                "truth": None
                if self._truth(taxon) is None
                else {"url": f"{base}/truth.bin", **of_year, "scale": 1, "months": self._truth_months(taxon)},
                "records": {"url": f"{base}/records.bin", **once} if recorded else None,
            },
            "year": self._year(suits),
            "area_km2": round(float(self._areas.sum()), 1),
            "records_url": f"v1/models/{self.id}/records/{key}" if recorded else None,
            "downloads": {
                name: f"{base}/download.{ending}"
                for name, ending in (
                    ("tif", "tif"),
                    ("gpkg", "gpkg"),
                    ("csv", "csv"),
                    ("png", "png"),
                    ("report", "html"),
                )
            },
            "command": self.command(taxon),
            "python": self.python(taxon),
        }

    def notes(self) -> list[str]:
        """What whoever reads the maps must know."""
        facts, notes = self.facts, []
        lacks = [] if facts.calibration.fitted else ["not calibrated"]
        lacks += [] if facts.evaluation else ["not evaluated"]
        if lacks:
            notes.append(f"{', '.join(lacks)}: too few records, or in too few places, to hold any out of the fit.")
        if self.model.observer_bias == "not corrected":
            notes.append(
                "observer bias not corrected: the records are of one taxon, which does not say where else was looked."
            )
        if len(self.months) == 1:
            notes.append("no record has a date, so all months are the same.")
        elif facts.looked_months and (unknown := [month for month in YEAR if month not in facts.looked_months]):
            names = ", ".join(calendar.month_name[month] for month in unknown)
            notes.append(f"hardly anything was recorded in {names}: the map of {names} is a guess from other months.")
        return notes

    def thresholds(self, taxon: str) -> list[dict[str, Any]]:
        """From which values on it counts as there, by name; none where nothing was held out."""
        found = self.model.thresholds(taxon)
        if found is None:
            return []
        on = f"{found.points:,} held-out points" + (" of all taxa" if found.pooled else "")
        return [
            {"name": name, "value": getattr(found, name), "explanation": said, "chosen_on": on}
            for name, said in _THRESHOLDS.items()
        ]

    def _figures(self, row: Mapping[str, Any]) -> dict[str, Any] | None:
        if row["auc"] is None:
            return None
        of_model = dict(self.facts.evaluation)
        return {
            "auc": {"value": row["auc"], "low": row["auc_low"], "high": row["auc_high"]},
            "auc_even": {"value": row["auc_even"]},
            "boyce": {"value": row["boyce"]},
            "held_out": row["held_out"],
            "calibration_error": {"value": of_model.get("held_out_calibration_error")},
        }

    def command(self, taxon: str) -> str:
        """The command line that makes the map."""
        months = ["--months", *map(str, self.months)] if len(self.months) > 1 else []
        return shlex.join(["birdsat", "map", taxon, "--ranges", self._shown_folder, *months])

    def python(self, taxon: str) -> str:
        """The same in Python."""
        months = f", months={list(self.months)}" if len(self.months) > 1 else ""
        return f"import birdsat\nbirdsat.map(taxon={taxon!r}, ranges={self._shown_folder!r}{months})"

    @property
    def _shown_folder(self) -> str:
        return str(self.served.folder)

    # Values of all cells.

    def cells_bytes(self) -> bytes:
        """n and the cells' positions, int32, compressed."""

        def make() -> dict[str, NDArray[np.uint8]]:
            numbers = np.concatenate([[len(self.cells)], self.cells]).astype("<i4")
            return {"cells": np.frombuffer(numbers.tobytes(), np.uint8)}

        return self.arrays.get("cells", make)

    def layer(self, taxon: str, layer: str) -> bytes | None:
        """A layer of a taxon's map, compressed; None where there is none."""
        key = self.key_of[taxon]
        match layer:
            case "suitability" | "low" | "high":
                return self.arrays.get(f"{key}.{layer}", lambda: self._probabilities(taxon))
            case "applicable":
                return self.arrays.get(f"{key}.applicable", lambda: self._applicable(taxon))
            case "effort":
                return self.effort_bytes()
            case "truth":
                found = self._truth(taxon)
                return None if found is None else self.arrays.get(f"{key}.truth", lambda: {f"{key}.truth": found})
            case "records" if self.records.known:
                return self.arrays.get(f"{key}.records", lambda: self._counts(taxon))
        return None

    def layer_array(self, taxon: str, layer: str) -> NDArray[np.uint8] | None:
        """(months, n) or (1, n) bytes of a layer; None where there is none."""
        packed = self.layer(taxon, layer)
        return None if packed is None else np.frombuffer(gzip.decompress(packed), np.uint8).reshape(-1, len(self.cells))

    def suitability(self, taxon: str) -> NDArray[np.uint8]:
        """(months, n) bytes."""
        found = self.arrays.array(f"{self.key_of[taxon]}.suitability", lambda: self._probabilities(taxon))
        return found.reshape(len(self.months), -1)

    def _probabilities(self, taxon: str) -> dict[str, NDArray[np.uint8]]:
        shape, key = (len(self.months), len(self.cells)), self.key_of[taxon]
        names = ("suitability", "low", "high")
        made = {f"{key}.{name}": np.full(shape, MISSING, np.uint8) for name in names}
        with self._computing:  # one at a time: each uses all of the processor
            for block in self.model.predict(
                iter_features(self.model, self.region), [taxon], self.months, applicability=False
            ):
                at = np.searchsorted(self.cells, block.cells)
                for name in names:
                    made[f"{key}.{name}"][:, at] = to_bytes(getattr(block, name)[0])
        return made

    def _applicable(self, taxon: str) -> dict[str, NDArray[np.uint8]]:
        made, key = np.full(len(self.cells), MISSING, np.uint8), self.key_of[taxon]
        with self._computing:
            for block in self.model.predict(iter_features(self.model, self.region), [taxon], UNDATED):
                made[np.searchsorted(self.cells, block.cells)] = block.inside[0]
        return {f"{key}.applicable": made}

    def _counts(self, taxon: str) -> dict[str, NDArray[np.uint8]]:
        counts = self.records.counts(taxon, self.region.grid, self.cells)
        return {f"{self.key_of[taxon]}.records": np.minimum(counts, STEPS).astype(np.uint8)}

    def effort_layer(self) -> dict[str, Any] | None:
        """How much was looked, as the fit took it."""
        found = self.records.effort
        if found is None:
            return None
        scale = float(np.sqrt(found.max() if len(found) else 1.0)) / STEPS
        return {
            "url": f"v1/models/{self.id}/effort.bin",
            "dtype": "uint8",
            "scale": (scale or 1.0) ** 2,
            "power": 2,
            "missing": MISSING,
            "months": 1,
            "source": self.facts.effort,
        }

    def effort_bytes(self) -> bytes | None:
        """One byte a cell; its square times the layer's scale is the relative effort."""
        found = self.records.effort
        if found is None:
            return None
        root = np.sqrt(found)
        return self.arrays.get("effort", lambda: {"effort": to_bytes(root, float(np.nanmax(root)) or 1.0)})

    def _truth_months(self, taxon: str) -> int:
        found = self._truth(taxon)
        return 1 if found is None else found.size // len(self.cells)

    @cached_property
    def _areas(self) -> NDArray[np.float64]:
        return self.region.grid.cell_area(self.cells)

    def _year(self, suits: NDArray[np.uint8]) -> list[float]:
        """Mean by area in each month."""
        known = suits != MISSING
        total = np.where(known, suits, 0) @ self._areas / STEPS
        means = np.divide(total, known @ self._areas, out=np.zeros(len(suits)), where=known.any(axis=1))
        return [round(float(mean), 4) for mean in means]

    # All taxa together.

    @cached_property
    def richness(self) -> Mapping[str, Any]:
        """What is said of the expected number of species."""
        base, tops = f"v1/models/{self.id}/richness", self._richness_tops()
        of_year = {"dtype": "uint8", "missing": MISSING, "months": len(self.months)}

        def layer(name: str) -> dict[str, Any]:
            return {"url": f"{base}/{name}.bin", **of_year, "scale": tops[name] / STEPS}

        return {
            "taxon": None,
            "title": f"Species expected, of {len(self.facts.taxa):,}",
            "quantity": {
                "name": "expected number of species",
                "explanation": "the sum of the relative suitabilities of all taxa: it compares places and months, and "
                "is above a count of species where taxa are rarer than one half",
                "meaning": "compare places and months",
            },
            "months": len(self.months),
            "dated": len(self.months) > 1,
            "notes": self.notes(),
            "layers": {
                "richness": layer("richness"),
                "std": layer("std"),
                "gaps": layer("gaps") if self.records.known else None,
                "applicable": {"url": f"{base}/applicable.bin", **of_year, "months": 1, "scale": 1},
                "effort": self.effort_layer(),
            },
            "command": shlex.join(["birdsat", "richness", self._shown_folder]),
            "python": f"import birdsat\nbirdsat.richness(ranges={self._shown_folder!r})",
        }

    def richness_layer(self, layer: str) -> bytes | None:
        """Compressed bytes; None where there is none."""
        if layer not in ("richness", "std", "applicable") and not (layer == "gaps" and self.records.known):
            return None
        return self.arrays.get(f"_{layer}", self._together)

    def _richness_tops(self) -> dict[str, float]:
        packed = self.arrays.array("_tops", self._together).view("<f4").tolist()
        return dict(zip(("richness", "std", "gaps"), packed, strict=True))

    def _together(self) -> dict[str, NDArray[np.uint8]]:
        n, months, taxa = len(self.cells), len(self.months), self.facts.taxa
        found = {name: np.full((months, n), np.nan, np.float32) for name in ("richness", "std", "gaps")}
        inside = np.full(n, MISSING, np.uint8)
        looked = self.records.by_month(self.region.grid, self.cells, months) if self.records.known else None
        with self._computing:
            for some, groups in iter_taxa(self.model, self.region, taxa, self.months):
                at = np.searchsorted(self.cells, some.cells)
                together, missed, first = RichnessSum(some.cells, months), np.zeros((months, len(at)), np.float32), 0
                for probability in groups:
                    together.add(SuitabilityBlock(cells=some.cells, suitability=probability))
                    if looked is not None:
                        recorded = self.records.recorded(
                            taxa[first : first + len(probability)], self.region.grid, some.cells
                        )
                        expected = (probability >= 0.5) & ~recorded[:, None]
                        missed += np.where(expected, probability, 0).sum(axis=0)
                        first += len(probability)
                total = together.total()
                found["richness"][:, at], found["std"][:, at] = total.expected, total.std
                if looked is not None:
                    found["gaps"][:, at] = missed / (1 + looked[:, at])
                inside[at] = self.model.inside_together(some)
        tops = {name: float(np.nanmax(values, initial=0.0)) or 1.0 for name, values in found.items()}
        made = {f"_{name}": to_bytes(values, tops[name]) for name, values in found.items()}
        packed = np.frombuffer(np.array(list(tops.values()), "<f4").tobytes(), np.uint8)
        return {**made, "_applicable": inside, "_tops": packed}

    def place_blocks(self) -> int:
        """How many files of all taxa's values there are."""
        return -(-len(self.cells) // PLACE_BLOCK)

    def place_block(self, number: int) -> bytes:
        """(taxa, months, cells) bytes of some cells, compressed."""
        some = slice(number * PLACE_BLOCK, (number + 1) * PLACE_BLOCK)
        name = f"_place{number}"
        return self.arrays.get(
            name, lambda: {name: np.stack([self.suitability(taxon)[:, some] for taxon in self.facts.taxa])}
        )

    def names(self, taxa: Sequence[str]) -> list[str]:
        """Their keys."""
        return [self.key_of[taxon] for taxon in taxa]
