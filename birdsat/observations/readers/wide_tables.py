"""Tables with a row for each site and a column for each taxon, as atlases and surveys are often kept: read as if each
site had a row for each taxon."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa

from birdsat.observations.readers.cell_values import as_text, by_distinct, is_true
from birdsat.observations.readers.columns import TableColumns, find_column
from birdsat.observations.readers.reader import Cells, TableSource
from birdsat.observations.scientific_names import parse_name

# As `TableColumns` finds them by themselves; both say what the cell of a site and taxon says, a count or a presence.
_TAXON, _COUNT, _STATUS = "taxon", "count", "occurrence_status"
_UNKNOWN = ("", "na", "n/a", "nan", "null", "none", "-", "?")  # cells that say nothing of the taxon


@dataclass(frozen=True, slots=True)
class WideTable:
    """A table whose columns `taxa` are read as rows. A cell that is empty, or "NA", is not a row: nobody looked."""

    source: TableSource
    taxa: Sequence[str]

    @property
    def columns(self) -> list[str]:
        """Those of the sites, and what is told of each taxon there."""
        return [*(name for name in self.source.columns if name not in self.taxa), _TAXON, _COUNT, _STATUS]

    def cells(self, names: Sequence[str]) -> Iterator[Cells]:
        """The rows of some sites, taxon by taxon."""
        of_sites = [name for name in names if name not in (_TAXON, _COUNT, _STATUS)]
        for cells in self.source.cells(sorted({*of_sites, *self.taxa})):
            remarks = cells.remarks
            for taxon in self.taxa:
                codes, known = by_distinct(lambda text: text.lower() not in _UNKNOWN, cells.columns[taxon])
                rows = np.flatnonzero(is_true(codes, known))
                at = pa.array(rows)
                told = as_text(cells.columns[taxon].take(at))
                own = {_TAXON: pa.repeat(taxon, len(rows)), _COUNT: told, _STATUS: told}
                columns = {name: cells.columns[name].take(at) for name in of_sites}
                yield Cells(
                    number=cells.number[rows],
                    columns={**columns, **{name: own[name] for name in names if name in own}},
                    remarks=remarks,
                )
                remarks = ()


def by_taxon(source: TableSource, asked: TableColumns, path: Path) -> TableSource:
    """The table as it is where it has a column for the taxon, or no column that is called by a species' name; else
    with a row for each site and taxon."""
    if any(getattr(asked, what) is not None for what in ("taxon", "genus", "epithet")):
        return source
    if any(find_column(source.columns, what, None, path) for what in ("taxon", "genus", "epithet", "common_name")):
        return source
    readings = {name: parse_name(name) for name in source.columns}
    if not any(read.is_scientific and read.species is not None for read in readings.values()):
        return source
    # Those of "Larus sp." and "Sterna a/b" too, so that what was counted there is dropped for a reason.
    return WideTable(source, [name for name, read in readings.items() if read.is_scientific and _has_words(name)])


def _has_words(name: str) -> bool:
    return len(re.split(r"[\s._/]+", name.strip())) > 1
