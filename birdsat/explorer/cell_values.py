"""Values of all cells of a range model as bytes: of each taxon, and of all together."""

import gzip
import threading
from collections.abc import Mapping, Sequence
from functools import cached_property, lru_cache, partial
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from birdsat.embeddings.regions.region import Region
from birdsat.explorer.arrays import MISSING, STEPS, PackedArrays, to_bytes
from birdsat.explorer.listed import Served
from birdsat.explorer.model_records import ModelRecords
from birdsat.maps.richness import RichnessSum, SuitabilityBlock
from birdsat.ranges.all_taxa import iter_taxa
from birdsat.ranges.facts import RangeFacts
from birdsat.ranges.feature_cache import iter_features
from birdsat.ranges.model import RangeModel
from birdsat.workflows.map_formats import file_name
from birdsat.workflows.open_ranges import is_dated
from birdsat.workflows.requests.maps import YEAR


class Truth(Protocol):
    """Where a taxon truly lives, (n,) or (months, n) bytes 0 and 1; None where that is not known."""

    def __call__(self, taxon: str, *, model: "CellValues") -> NDArray[np.uint8] | None: ...


PLACE_BLOCK = 4096  # cells of one file of all taxa's values
UNDATED = (6,)  # the month that is asked of a model that tells none from another


class CellValues:
    """Values of all cells of a model, made when they are asked for first, and kept in `cache`."""

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

    def effort_bytes(self) -> bytes | None:
        """One byte a cell; its square times the layer's scale is the relative effort."""
        found = self.records.effort
        if found is None:
            return None
        return self.arrays.get("effort", lambda: {"effort": to_bytes(np.sqrt(found), self._effort_top)})

    @cached_property
    def _effort_top(self) -> float:
        """Root of the most effort of any cell."""
        found = self.records.effort
        return 1.0 if found is None else float(np.sqrt(np.nanmax(found))) or 1.0

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
