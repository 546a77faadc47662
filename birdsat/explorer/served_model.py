"""A range model with its cells, as the explorer serves it: what is said of it, of its taxa, and of their maps."""

import difflib
from collections.abc import Mapping
from functools import cached_property, lru_cache
from typing import Any

from birdsat.explorer.arrays import MISSING, STEPS
from birdsat.explorer.cell_values import PLACE_BLOCK, CellValues
from birdsat.explorer.common_names import CommonNames
from birdsat.explorer.where_cells_lie import grid_answer
from birdsat.maps.description import SUITABILITY
from birdsat.metrics import HIGH, LOW
from birdsat.ranges.intervals import COVERAGE
from birdsat.workflows.open_ranges import bias_cautions, fit_cautions
from birdsat.workflows.requests.maps import YEAR, MapRequest, RichnessRequest

_THRESHOLDS = {
    "max_sss": "sensitivity and specificity add up to the most",
    "p10": "nine tenths of the held-out records lie in the range",
    "equal": "as many records are missed as places are wrongly taken in",
    "prevalence": "as likely among the records as among the background",
}


class ServedModel(CellValues):
    """A model, opened: its values and what is said of them."""

    def __init__(self, *given: Any, names: CommonNames | None = None, **settings: Any) -> None:
        """As `CellValues`. names: where common names in other languages come from."""
        super().__init__(*given, **settings)
        self._names = names or CommonNames(None)
        self.common_names = lru_cache(maxsize=8)(self._common_names)
        self.map = lru_cache(maxsize=256)(self._map)  # what is said of a taxon's map; it never changes

    def _common_names(self, language: str = "") -> Mapping[str, str]:
        """Of its taxa, in a language where that is known."""
        return self._names.of(self.facts.taxa, self.model.common_names, language)

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
            "evaluated": facts.evaluated,
            "cells": len(self.region),
            "authority": facts.taxonomy,
            "records": sum(facts.points),
            "has_truth": self._truth(facts.taxa[0]) is not None,
            "box": [box.west, box.south, box.east, box.north],
            "created": self.served.created,
        }

    def taxa(self, query: str, limit: int, language: str = "") -> list[dict[str, Any]]:
        """Its taxa with their figures; those whose names hold the query first, or the nearest where none does."""
        rows = [self._taxon_row(label, language) for label in range(len(self.facts.taxa))]
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

    def _taxon_row(self, label: int, language: str) -> dict[str, Any]:
        facts = self.facts
        taxon = facts.taxa[label]
        figures = facts.taxon_evaluation[label] if facts.taxon_evaluation else None
        known = figures is not None and figures.points > 0
        return {
            "taxon": taxon,
            "key": self.key_of[taxon],
            "common_name": self.common_names(language).get(taxon, ""),
            "records": facts.points[label],
            **{
                name: getattr(figures, field) if known else None
                for name, field in (
                    *((name + end, name + end) for name in ("auc", "auc_even") for end in ("", LOW, HIGH)),
                    ("boyce", "boyce"),
                    ("held_out", "points"),
                )
            },
        }

    def grid(self) -> dict[str, Any]:
        """Where its cells lie."""
        said = grid_answer(self.region.grid, len(self.cells), f"v1/models/{self.id}/cells.bin")
        return {**said, "place_block": PLACE_BLOCK}

    def _map(self, taxon: str, language: str = "") -> dict[str, Any]:
        """All that is said of a taxon's map."""
        facts, model, key = self.facts, self.model, self.key_of[taxon]
        base, (label,) = f"v1/models/{self.id}/maps/{key}", model.labels((taxon,))
        suits = self.suitability(taxon)
        of_year = {"dtype": "uint8", "scale": 1 / STEPS, "missing": MISSING, "months": len(self.months)}
        once = {**of_year, "months": 1, "scale": 1}
        recorded = self.records.known
        row = self._taxon_row(label, language)
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
            "notes": self.notes(taxon),
            "thresholds": self.thresholds(taxon),
            "figures": self._figures(row),
            "labels": {
                "calibrated": facts.calibration.fitted,
                "evaluated": facts.evaluated and (row["auc"] is not None or not facts.taxon_evaluation),
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

    def notes(self, *taxa: str) -> list[str]:
        """What whoever reads the maps of all taxa, or of some, must know beside their figures and labels."""
        return [f"{one}." for one in (*fit_cautions(self.model, taxa, YEAR), *bias_cautions(self.model))]

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
        return {
            **{name: _with_bounds(row, name) for name in ("auc", "auc_even")},
            "boyce": {"value": row["boyce"]},
            "held_out": row["held_out"],
            "calibration_error": {"value": dict(self.facts.evaluation).get("held_out_calibration_error")},
        }

    def command(self, taxon: str) -> str:
        """The command line that makes the map."""
        months = self.months if len(self.months) > 1 else ()
        return MapRequest(taxon=(taxon,), ranges=self._shown_folder, months=months).command("map")

    def python(self, taxon: str) -> str:
        """The same in Python."""
        months = f", months={list(self.months)}" if len(self.months) > 1 else ""
        return f"import birdsat\nbirdsat.map(taxon={taxon!r}, ranges={self._shown_folder!r}{months})"

    @property
    def _shown_folder(self) -> str:
        return self.served.shown or self.served.folder.name

    def effort_layer(self) -> dict[str, Any] | None:
        """How much was looked, as the fit took it."""
        if self.records.effort is None:
            return None
        return {
            "url": f"v1/models/{self.id}/effort.bin",
            "dtype": "uint8",
            "scale": (self._effort_top / STEPS) ** 2,
            "power": 2,
            "missing": MISSING,
            "months": 1,
            "source": self.facts.effort,
        }

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
            "command": RichnessRequest(ranges=self._shown_folder).command("richness"),
            "python": f"import birdsat\nbirdsat.richness(ranges={self._shown_folder!r})",
        }


def _with_bounds(figures: Mapping[str, Any], name: str) -> dict[str, Any]:
    return {"value": figures.get(name), "low": figures.get(name + LOW), "high": figures.get(name + HIGH)}
