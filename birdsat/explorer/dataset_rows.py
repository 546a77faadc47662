"""A dataset's rows as the explorer shows them: facts of all in memory, images read when they are looked at."""

import json
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from birdsat.dataset.manifest import CARD_FILE
from birdsat.dataset.row_groups import Dataset, RowGroupReader
from birdsat.explorer.answers import NotFoundError
from birdsat.observations.observation import SPLITS, Split

_FACTS = ("taxon", "lon", "lat", "date", "id", "licence", "attribution")


class DatasetRows:
    """Rows of all splits, counted through: those of train first, then val, then test."""

    def __init__(self, folder: Path) -> None:
        """Raises DatasetError for what is not a dataset."""
        self.dataset = Dataset(folder)
        self._first = np.cumsum([0, *(self.dataset.rows(split) for split in SPLITS)])
        self._images = {
            name: {split: RowGroupReader(self.dataset, split, (name,)) for split in SPLITS}
            for name in ("photo", "chip")
        }
        self._group = lru_cache(maxsize=16)(self._read)

    def about(self) -> dict[str, Any]:
        """What the dataset holds."""
        manifest = self.dataset.manifest
        counts = np.sum([of.taxon_rows for of in manifest.counts], axis=0).tolist()
        card = self.dataset.folder / CARD_FILE
        return {
            "name": manifest.title,
            "licence": manifest.licence,
            "rows": manifest.rows(),
            "taxa": [{"taxon": taxon.name, "rows": rows} for taxon, rows in zip(manifest.taxa, counts, strict=True)],
            "splits": {of.split: of.rows for of in manifest.counts},
            "card": card.read_text(encoding="utf-8") if card.is_file() else "",
            "has_photos": any(of.photos for of in manifest.counts),
            "has_chips": any(of.chips for of in manifest.counts),
        }

    def rows(self, *, taxon: str, split: str, month: int | None, offset: int, limit: int) -> dict[str, Any]:
        """Some of the rows that fit. month: 0..11."""
        keep = np.ones(len(self._facts), bool)
        if taxon:
            keep &= np.asarray(pc.equal(self._facts["taxon"], taxon))
        if split:
            keep &= np.arange(len(keep)) >= self._first[SPLITS.index(split)]
            keep &= np.arange(len(keep)) < self._first[SPLITS.index(split) + 1]
        if month is not None:
            keep &= np.asarray(pc.fill_null(pc.equal(pc.month(self._facts["date"]), month + 1), False))
        found = np.flatnonzero(keep)
        shown = found[offset : offset + limit]
        return {"total": len(found), "rows": self.said(shown.tolist())}

    def said(self, rows: list[int]) -> list[dict[str, Any]]:
        """What is said of some rows."""
        facts = self._facts.take(pa.array(rows, pa.int64())).to_pylist()
        return [self._said(row, said) for row, said in zip(rows, facts, strict=True)]

    def image(self, name: str, row: int) -> bytes:
        """The encoded photo or chip of a row. Raises NotFoundError where there is none."""
        if not 0 <= row < self._first[-1]:
            raise NotFoundError(f"row {row:,} is not among the {int(self._first[-1]):,} of the dataset.")
        split = self._split(row)
        within = row - int(self._first[SPLITS.index(split)])
        reader = self._images[name][split]
        ends = np.cumsum(reader.group_rows)
        group = int(np.searchsorted(ends, within, side="right"))
        images = self._group(name, split, group)
        data: bytes | None = images[within - int(ends[group] - reader.group_rows[group])].as_py()
        if data is None:
            raise NotFoundError(f"row {row:,} has no {name}.")
        return data

    def labels(self) -> NDArray[np.int32]:
        """(rows,) of each row."""
        at = {name: label for label, name in enumerate(self.dataset.taxa)}
        return np.array([at.get(name, -1) for name in self._facts["taxon"].to_pylist()], np.int32)

    def families(self) -> list[str]:
        """Of each taxon, "" where it is not known."""
        return [getattr(taxon, "family", None) or "" for taxon in self.dataset.manifest.taxa]

    @cached_property
    def _facts(self) -> pa.Table:
        readers = [RowGroupReader(self.dataset, split, _FACTS) for split in SPLITS]
        tables = [reader.table(group) for reader in readers for group in range(len(reader.group_rows))]
        return pa.concat_tables(tables).combine_chunks()

    def _read(self, name: str, split: Split, group: int) -> pa.Array:
        return pc.struct_field(self._images[name][split].table(group)[name].combine_chunks(), "bytes")

    def _split(self, row: int) -> Split:
        return SPLITS[int(np.searchsorted(self._first, row, side="right")) - 1]

    def _said(self, row: int, said: dict[str, Any]) -> dict[str, Any]:
        about = self.dataset.manifest.split_counts(self._split(row))
        return {
            "row": row,
            **said,
            "date": None if said["date"] is None else said["date"].isoformat(),
            "split": self._split(row),
            "photo_url": f"v1/dataset/photo/{row}.jpg" if about.photos else None,
            "chip_url": f"v1/dataset/chip/{row}.png" if about.chips else None,
        }


def confusions_of(run: Path) -> list[dict[str, Any]]:
    """Which taxa a run's best classifier mistakes for which, as `birdsat classify` found. Raises NotFoundError where it
    was not asked."""
    try:
        said = json.loads((run / "classify.json").read_text(encoding="utf-8"))
        best = max(said["scores"], key=lambda score: score["top1"])
        rows = [
            {
                "taxon": one["taxa"][a],
                "mistaken_for": one["taxa"][1 - a],
                "count": one["mistaken"][a],
                "of": one["test_rows"][a],
            }
            for one in best["confusions"]
            for a in (0, 1)
            if one["mistaken"][a]
        ]
    except (OSError, ValueError, LookupError, TypeError):
        raise NotFoundError("nothing was classified with this run; `birdsat classify RUN DATASET` does.") from None
    return sorted(rows, key=lambda row: -int(row["count"]))
