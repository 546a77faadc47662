"""From one list of taxa, or the names of a table, to another list."""

import json
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from birdsat.errors import ConfigError, InputError
from birdsat.files import check_new, write_atomic
from birdsat.observations.taxonomies.changes import KINDS, Match, compare, count_kinds
from birdsat.observations.taxonomies.checklist import Checklist, ListedTaxon
from birdsat.observations.taxonomies.crosswalk import Crosswalk
from birdsat.observations.taxonomies.mapping import read_mapping
from birdsat.observations.taxonomies.open_checklist import is_checklist, open_checklist
from birdsat.observations.taxonomies.places import SpeciesRanges, tell_apart
from birdsat.observations.taxonomies.taxon_rows import ENDINGS, open_taxon_rows
from birdsat.observations.taxonomies.written_names import NamesTable, WrittenName
from birdsat.progress import QUIET, Progress
from birdsat.tables import Table, csv_text
from birdsat.workflows.requests.taxonomies import MatchTaxaRequest

_HEAD = (
    "old_name", "old_common_name", "old_id", "old_rank", "rows", "kind", "new_name", "new_common_name", "new_id",
    "evidence", "candidates", "old_authority", "old_version", "new_authority", "new_version",
)  # fmt: skip


@dataclass(frozen=True, kw_only=True, slots=True)
class MatchedName:
    """What a name means in the new list."""

    name: str
    match: Match
    rank: str = ""  # of a taxon of a list; "" of a name in a table
    common_name: str = ""
    ids: tuple[str, ...] = ()
    rows: int = 1  # of a table, that have the name


@dataclass(frozen=True, kw_only=True, slots=True)
class MatchTaxaResult:
    """Every name of a list or a table, and what it means in another list."""

    names: tuple[MatchedName, ...]
    old: Mapping[str, str]  # authority and version; blank where the table follows none
    new: Mapping[str, str]
    added: tuple[str, ...]  # species of the new list that no name of the old one leads to
    file: Path

    @property
    def files(self) -> tuple[Path, ...]:
        """The names, and the counts."""
        return self.file, self.file.with_suffix(".json")

    @property
    def unresolved(self) -> tuple[MatchedName, ...]:
        """Names that may be any of several species."""
        return tuple(one for one in self.names if one.match.new is None and one.match.candidates)

    def counts(self) -> dict[str, dict[str, int]]:
        """By rank (of a table: name), how many of each kind."""
        ranks: dict[str, list[Match]] = defaultdict(list)
        for one in self.names:
            ranks[one.rank or "name"].append(one.match)
        return {rank: count_kinds(matches) for rank, matches in ranks.items()}

    def evidence(self) -> dict[str, int]:
        """How many names were matched by each kind of evidence."""
        counted = Counter(evidence_kind(one.match.evidence) for one in self.names if one.match.new is not None)
        return dict(counted.most_common())

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values."""
        split = [one for one in self.names if one.match.kind == "split"]
        return {
            "old": dict(self.old),
            "new": dict(self.new),
            "names": len(self.names),
            "rows": sum(one.rows for one in self.names),
            "counts": self.counts(),
            "evidence": self.evidence(),
            "splits": {
                "resolved": sum(one.match.new is not None for one in split),
                "unresolved": sum(one.match.new is None for one in split),
            },
            "unresolved": {one.name: list(one.match.candidates) for one in self.unresolved},
            "not_found": [one.name for one in self.names if one.match.kind == "unknown" and not one.match.candidates],
            "added": list(self.added),
            "files": list(map(str, self.files)),
        }

    def table(self) -> Table:
        """For the console: how many of each kind."""
        counts = self.counts()
        old, new = (" ".join(filter(None, one.values())) for one in (self.old, self.new))
        table = Table(title=f"{old or 'names of the table'} in {new}", words=2)
        for column in ("kind", "what it means", *(f"{rank} names" if rank == "synonym" else rank for rank in counts)):
            table.add_column(column)
        for kind, meaning in KINDS.items():
            if any(kind in counted for counted in counts.values()):
                table.add_row(kind, meaning, *(f"{counted.get(kind, 0):,}" for counted in counts.values()))
        table.caption = (
            f"{len(self.unresolved):,} names may be any of several species and stand without a new name; "
            f"{len(self.added):,} species of {new} have no old name."
        )
        return table


def match_taxa(request: MatchTaxaRequest, progress: Progress = QUIET) -> MatchTaxaResult:
    """Match, write the names and the counts.

    Raises InputError for lists and tables that cannot be read, ConfigError for settings of the other kind of input.
    """
    out = Path(request.out)
    check_new((out, out.with_suffix(".json")), request.overwrite)
    new = open_checklist(request.to, setting="to")
    through = [open_checklist(name, setting="through") for name in request.through]
    mapping = {} if request.mapping is None else read_mapping(Path(request.mapping))
    old = _old_list(request)
    if old is not None:
        request.reject_unused(
            ("follows", "records", "range_folder", "columns"), "a table with names, and not a list of taxa,"
        )
        _say_left_out(old, progress)
        result = _of_list(old, new, mapping, through, out)
    else:
        follows = None if request.follows is None else open_checklist(request.follows, setting="follows")
        ranges = None if request.range_folder is None else SpeciesRanges(Path(request.range_folder))
        crosswalk = Crosswalk(new, follows=follows, through=through, mapping=mapping, ranges=ranges)
        result = _of_table(request, crosswalk, out)
    _say_left_out(new, progress)
    _write(result, new)
    return result


def _old_list(request: MatchTaxaRequest) -> Checklist | None:
    """The old list; None where a table with names was given."""
    path = Path(request.old)
    if not path.exists():
        return open_checklist(request.old, setting="old")
    if path.is_dir() or not path.name.lower().endswith(ENDINGS):
        return None
    try:
        table = open_taxon_rows(path)
    except InputError:
        return None  # its own reader says what is wrong with it, if anything is
    places = {"decimallongitude", "longitude", "lon"} & table.plain_columns
    return open_checklist(path, setting="old") if is_checklist(table) and not places else None


def _of_list(
    old: Checklist, new: Checklist, mapping: Mapping[str, str], through: Sequence[Checklist], out: Path
) -> MatchTaxaResult:
    bridges = [one for one in through if one.name not in (old.name, new.name)]
    changes = compare(old, new, mapping=mapping, through=bridges)
    named: dict[str, ListedTaxon] = {}
    for taxon in old.taxa:
        named.setdefault(taxon.name, taxon)
    names = tuple(
        MatchedName(
            name=name,
            match=changes.matches[name],
            rank=taxon.rank,
            common_name=taxon.common_name(),
            ids=taxon.ids,
        )
        for name, taxon in named.items()
        if name in changes.matches
    )
    return MatchTaxaResult(names=names, old=old.stamp, new=new.stamp, added=changes.added, file=out)


def _of_table(request: MatchTaxaRequest, crosswalk: Crosswalk, out: Path) -> MatchTaxaResult:
    table = NamesTable(Path(request.old), request.columns)
    found = table.names()
    matches = {written: _matched(crosswalk, written) for written in found}
    names = list(_named(found, matches))
    several = any(match.candidates for match in matches.values())
    if table.has_places and several:
        asked, references = _places(table, [NamesTable(Path(path)) for path in request.records], crosswalk)
        names = [
            part
            for one, written in zip(names, found, strict=True)
            for part in (
                _by_place(one, asked[written], references, crosswalk.ranges) if one.match.candidates else [one]
            )
        ]
    elif request.records:
        lacking = "name that may be any of several species" if table.has_places else "places"
        raise ConfigError(
            f"records tell nothing here: {table.path} has no {lacking}; leave them out.", settings=("records",)
        )
    stamp = {"authority": "", "version": ""} if crosswalk.follows is None else crosswalk.follows.stamp
    return MatchTaxaResult(names=tuple(names), old=stamp, new=crosswalk.new.stamp, added=(), file=out)


def _matched(crosswalk: Crosswalk, written: WrittenName) -> Match:
    return crosswalk.match(written.name, ids=written.ids, common_names=written.common_names)


def _named(found: Mapping[WrittenName, int], matches: Mapping[WrittenName, Match]) -> Iterator[MatchedName]:
    for written, rows in found.items():
        yield MatchedName(
            name=written.name,
            match=matches[written],
            common_name=written.common_names[0] if written.common_names else "",
            ids=written.ids,
            rows=rows,
        )


def _places(
    table: NamesTable, others: Sequence[NamesTable], crosswalk: Crosswalk
) -> tuple[dict[WrittenName, Counter[tuple[float, float]]], dict[str, NDArray[np.float64]]]:
    """The cells of the names that may mean several species, with their rows; and the cells of every species recorded
    under a name that means it alone, (n, 2) each. Cells are of a tenth of a degree, so that memory does not grow with
    the rows."""
    asked: dict[WrittenName, Counter[tuple[float, float]]] = defaultdict(Counter)
    recorded: dict[str, dict[tuple[float, float], None]] = defaultdict(dict)
    for one in (table, *others):
        for written, lon_lat in one.places():
            match = _matched(crosswalk, written)
            cells = Counter(map(tuple, np.round(lon_lat, 1).tolist()))
            if match.new is not None:
                recorded[match.new.name].update(dict.fromkeys(cells))
            elif one is table and match.candidates:
                asked[written].update(cells)
    return asked, {name: np.array(list(cells)) for name, cells in recorded.items()}


def _by_place(
    one: MatchedName,
    cells: Counter[tuple[float, float]],
    references: Mapping[str, NDArray[np.float64]],
    ranges: SpeciesRanges | None,
) -> Iterator[MatchedName]:
    """The name once for each species that its places tell, and once for the rows that stay."""
    places = np.array(list(cells), dtype=np.float64).reshape(-1, 2)
    told = tell_apart(places, one.match.candidates, references, ranges)
    rows: Counter[str] = Counter()
    for part, count in zip(told, cells.values(), strict=True):
        if part is not None:
            rows[part] += count
    for part in one.match.candidates:
        if rows[part]:
            new = ListedTaxon(name=part, species=part)
            yield replace(one, match=Match(kind="split", new=new, evidence="place"), rows=rows[part])
    if (left := one.rows - rows.total()) > 0:
        yield replace(one, rows=left)


def evidence_kind(evidence: str) -> str:
    """The kind of an evidence, without ids and names."""
    return "id" if evidence.startswith("id ") else evidence.partition(":")[0].partition(", there")[0]


def _say_left_out(checklist: Checklist, progress: Progress) -> None:
    for reason, rows in checklist.left_out.items():
        progress.note(f"{checklist.name}: {rows:,} rows left out: {reason}")


def _write(result: MatchTaxaResult, new: Checklist) -> None:
    result.file.parent.mkdir(parents=True, exist_ok=True)
    old, stamp = tuple(result.old.values()), tuple(result.new.values())
    rows = []
    for one in result.names:
        match = one.match
        taxon = None if match.new is None else new.species[match.new.name]
        rows.append(
            (
                one.name,
                one.common_name,
                ";".join(one.ids),
                one.rank,
                one.rows,
                match.kind,
                *(("", "", "") if taxon is None else (taxon.name, taxon.common_name(), ";".join(taxon.ids))),
                match.evidence,
                ";".join(match.candidates),
                *old,
                *stamp,
            )
        )
    write_atomic(result.file, csv_text(_HEAD, rows))
    write_atomic(result.file.with_suffix(".json"), json.dumps(result.to_dict(), indent=2, ensure_ascii=False) + "\n")
