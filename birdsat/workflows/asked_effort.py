"""What a request says of where was looked."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from birdsat.earth.grid import AnyGrid
from birdsat.errors import InputError, UnknownTaxonError, about, nearest
from birdsat.observations.occurrences import Occurrences
from birdsat.observations.readers.columns import TableColumns
from birdsat.observations.readers.registry import open_table
from birdsat.observations.taxonomies.crosswalk import Crosswalk
from birdsat.observations.taxonomies.families import family_of_genus
from birdsat.progress import QUIET, Progress
from birdsat.ranges.effort import RelativeEffort, effort_of_records
from birdsat.ranges.given_effort import check_bias, effort_of_places, effort_of_raster
from birdsat.ranges.records import Records
from birdsat.workflows.requests.records import EffortOptions, TableOptions


@dataclass(frozen=True, kw_only=True, slots=True)
class TargetGroup:
    """Whose records say where was looked."""

    tables: tuple[Path, ...]  # of other taxa
    names: tuple[str, ...]  # of taxa of any rank; none: all of the tables

    @classmethod
    def of(cls, options: EffortOptions) -> "TargetGroup":
        """What is there under its name is a table; anything else is the name of a taxon."""
        asked = [Path(one) for one in options.target_group]
        return cls(
            tables=tuple(one for one in asked if one.exists()),
            names=tuple(str(one) for one in asked if not one.exists()),
        )

    def records(self, everything: Occurrences, crosswalk: Crosswalk | None) -> Occurrences:
        """Those of the taxa named, of all that there are. Raises InputError for what is neither a file nor a taxon."""
        if not self.names:
            return everything
        groups = _Groups(everything, crosswalk)
        return everything.only_taxa([taxon for name in self.names for taxon in groups.find(name)])


class _Groups:
    """The taxa of records by what they belong to."""

    def __init__(self, everything: Occurrences, crosswalk: Crosswalk | None) -> None:
        self._everything, self._crosswalk = everything, crosswalk
        self._groups: dict[str, list[str]] = {}
        self._names: dict[str, str] = {}  # as they are written, by the way that they are looked up
        families = dict(family_of_genus()) | ({} if crosswalk is None else crosswalk.new.family_of_genus)
        for taxon in everything.taxa:
            genus = taxon.split()[0]
            listed = None if crosswalk is None else crosswalk.new.species.get(taxon)
            family = families.get(genus, "") if listed is None or not listed.family else listed.family
            for group in {genus, family, "" if listed is None else listed.order} - {""}:
                self._groups.setdefault(group.casefold(), []).append(taxon)
                self._names[group.casefold()] = group

    def find(self, name: str) -> Sequence[str]:
        """The taxa that a name means: a species, by any of its names, or all of a genus, a family or an order."""
        if (group := self._groups.get(name.strip().casefold())) is not None:
            return group
        with about("target_group"):
            asked = name if self._crosswalk is None else self._crosswalk.asked(name)
        try:
            return [self._everything.named(asked)]
        except UnknownTaxonError:
            pass
        except InputError as error:
            if "columns" not in error.settings:  # it is known, but of other dates
                raise
        near = nearest(name.strip().capitalize(), [*self._names.values(), *self._everything.taxa])
        raise InputError(
            f"target group {name!r} is neither a table, as there is no such file, nor a species, genus, family or order"
            f"{'' if self._crosswalk is not None else ' (orders are told by a taxonomy alone)'} of the "
            f"taxa recorded ({len(self._everything.taxa):,}){near}. Name a file that is there, or taxa as they "
            "are written in the tables.",
            settings=("target_group",),
        )


def check_effort(options: EffortOptions, own: Occurrences, crosswalk: Crosswalk | None) -> None:
    """Open what says where was looked before the work that takes long. own: the records to fit to.

    Raises InputError for files that cannot be read, and for names that are neither of a file nor of a taxon.
    """
    if options.bias is not None:
        with about("bias"):
            check_bias(Path(options.bias))
    if options.background is not None:
        with about("background"):
            open_table(Path(options.background))
    target = TargetGroup.of(options)
    if not target.tables:  # whose taxa may be those that are named
        target.records(own, crosswalk)


def with_effort(
    records: Records,
    looked: Occurrences,
    options: EffortOptions,
    grid: AnyGrid,
    anywhere: NDArray[np.int64],
    *,
    within: str = "",
    tables: TableOptions | None = None,
    progress: Progress = QUIET,
) -> Records:
    """Records of a fit on cells `anywhere` (c,), ascending, of a grid, with how much was looked in each.

    looked: the records of the target group, or of all taxa, by which it is told where nothing else is asked for.
    within: where the cells lie, as `effort_of_places` takes it. tables: how that of the background is read; by its
    usual names alone. Raises InputError for a raster or a table that says nothing of these cells.
    """
    effort: RelativeEffort | None
    records = replace(records, everything=looked, thin_km=options.thin_km)
    if options.bias is not None:
        recorded = grid.cells_at(*records.taxa.lon_lat.T)
        with about("bias"):
            effort = effort_of_raster(Path(options.bias), grid, anywhere, recorded[recorded >= 0], progress)
    elif options.background is not None:
        if tables is not None and tables.given("from_date", "to_date", "record_months"):
            name = Path(options.background).name
            progress.note(f"{name} is the background whatever its dates; records alone are chosen by date.")
        with about("background"):
            effort = effort_of_places(
                Path(options.background),
                grid,
                anywhere,
                within=within,
                columns=None if tables is None else TableColumns.parse(tuple(tables.columns)),
                max_uncertainty_km=None if tables is None else tables.max_uncertainty_km,
                crs=None if tables is None else tables.crs,
                progress=progress,
            )
    else:
        of = ", ".join(TargetGroup.of(options).names)
        effort = effort_of_records(looked, records.taxa, grid, anywhere, thin_km=options.thin_km, of=of)
    return replace(records, effort=effort)
