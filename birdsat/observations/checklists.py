"""Complete checklists: visits of which everything that was found is written down, so that silence is an absence."""

import numpy as np
from numpy.typing import NDArray

from birdsat.observations.distinct_records import DistinctRecords
from birdsat.observations.readers.rows import Rows

_MOST_ABSENCES = 5_000_000  # of a table; of more, checklists are drawn at random: memory does not grow with them

_Arrays = tuple[NDArray[np.int32], NDArray[np.int32], NDArray[np.float64]]  # label (n,), day (n,), lon and lat (n, 2)


class CompleteChecklists:
    """Those of tables that say which of their rows are of one, as eBird's ALL SPECIES REPORTED does.

    A checklist is a place and a day. It says of every taxon of its own table that it does not list that it was looked
    for and not found: taxa of other tables, such as downloads of one species each, may have been there unsaid.
    Checklists of tables that name no taxon, as eBird's sampling file, say it of the taxa of every table that says which
    are complete, as they hold those on which none of these taxa is.
    """

    def __init__(self) -> None:
        self._visits, self._here = DistinctRecords(), DistinctRecords()  # of tables without taxa; of that which is read
        self._tables: list[tuple[_Arrays, _Arrays]] = []  # presences and visits of each
        self._says = False  # whether the table that is read has the column

    def add(self, rows: Rows, which: NDArray[np.bool_]) -> None:
        """Those rows (n,) of a table that are kept and have a place."""
        complete = which & rows.complete
        visits = self._here if rows.names_taxa else self._visits
        visits.add(np.zeros(np.count_nonzero(complete), np.int32), rows.day[complete], rows.lon_lat[complete])
        self._says |= rows.names_taxa and rows.says_complete

    def end_table(self, label: NDArray[np.int32], day: NDArray[np.int32], lon_lat: NDArray[np.float64]) -> None:
        """label (n,), day (n,), lon_lat (n, 2): presences of the table that was read."""
        if self._says:
            self._tables.append(((label, day, lon_lat), self._here.arrays()))
        self._here, self._says = DistinctRecords(), False

    def told(self, seed: int = 0) -> tuple[_Arrays, _Arrays, int]:
        """What was found on checklists, what was not, and how many checklists (places and days) say so."""
        _, day, lon_lat = self._visits.arrays()
        alone = np.column_stack([lon_lat, day])
        found, absent, checklists = [_NOTHING], [_NOTHING], 0
        for (label, day, lon_lat), (_, own_day, own_place) in self._tables:
            visits = np.concatenate([np.column_stack([own_place, own_day]), alone])
            both = np.concatenate([visits, np.column_stack([lon_lat, day])])
            places, at = np.unique(both, axis=0, return_inverse=True)
            at = at.reshape(-1)
            visited, at = np.unique(at[: len(visits)]), at[len(visits) :]
            listed = np.isin(at, visited)
            found.append((label[listed], day[listed], lon_lat[listed]))
            checklists += len(visited)
            taxa, taxon = np.unique(label, return_inverse=True)
            most = max(1, _MOST_ABSENCES // max(1, len(taxa)))
            if len(visited) > most:
                visited = np.sort(np.random.default_rng(seed).choice(visited, most, replace=False))
            silent = np.ones((len(taxa), len(visited)), np.bool_)
            at_visit = np.searchsorted(visited, at)
            known = (at_visit < len(visited)) & (visited[np.minimum(at_visit, len(visited) - 1)] == at)
            silent[taxon.reshape(-1)[known], at_visit[known]] = False
            of_taxon, of_visit = np.nonzero(silent)
            where = places[visited[of_visit]]
            absent.append((taxa[of_taxon], where[:, 2].astype(np.int32), where[:, :2]))
        return _together(found), _together(absent), checklists


_NOTHING: _Arrays = np.zeros(0, np.int32), np.zeros(0, np.int32), np.zeros((0, 2))


def _together(parts: list[_Arrays]) -> _Arrays:
    label, day, lon_lat = zip(*parts, strict=True)
    return np.concatenate(label), np.concatenate(day), np.concatenate(lon_lat)
