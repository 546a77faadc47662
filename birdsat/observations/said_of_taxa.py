"""What the rows of tables say of their taxa beside where they were: common names, days on which others were seen."""

import datetime

import numpy as np

from birdsat.observations.readers.rows import Rows
from birdsat.observations.record_dates import OTHER_DATES

_NO_DAY = datetime.date.max.toordinal() + 1


def add_common_names(known: dict[str, str], rows: Rows) -> None:
    """The common name that the table has for each taxon: the first that comes."""
    if "common_name" not in rows.cells:
        return
    kept = np.flatnonzero(rows.kept)[::-1]
    first = np.full(len(rows.names), -1)
    first[rows.name[kept]] = kept  # where several rows have one name, the last that is put, which is the first
    wanted = [
        (name.species, row)
        for name, row in zip(rows.names, first.tolist(), strict=True)
        if row >= 0 and name.species is not None and name.species not in known
    ]
    texts = rows.text("common_name", np.array([row for _, row in wanted], dtype=np.int64))
    known.update((species, text) for (species, _), text in zip(wanted, texts, strict=True) if text)


def add_other_dates(known: dict[str, tuple[int, int]], rows: Rows) -> None:
    """The first and the last day of the rows of each taxon that were dropped for their dates."""
    dropped = [finding.rows for finding in rows.findings if finding.reason in OTHER_DATES]
    if not dropped:
        return
    at = np.concatenate(dropped)
    first, last = np.full(len(rows.names), _NO_DAY), np.full(len(rows.names), -1)
    np.maximum.at(last, rows.name[at], rows.day[at])
    dated = at[rows.day[at] > 0]
    np.minimum.at(first, rows.name[dated], rows.day[dated])
    for i in np.flatnonzero(last >= 0).tolist():
        if (species := rows.names[i].species) is not None:
            before = known.get(species, (0, 0))
            earliest = min(int(first[i]), before[0] or _NO_DAY)
            known[species] = earliest if earliest < _NO_DAY else 0, max(int(last[i]), before[1])
