"""Observations and image sources to a dataset folder: plan, shards in parallel, manifest last.

A build that was stopped, by whatever, continues when it is started again with the same inputs: shards that
are done stay as they are.
"""

import contextlib
import dataclasses
import os
import sqlite3
import tempfile
from collections import Counter, deque
from collections.abc import Callable, Generator, Iterable, Iterator
from functools import partial
from pathlib import Path

from birdsat.dataset.card import write_card
from birdsat.dataset.description import Description
from birdsat.dataset.manifest import (
    CARD_FILE,
    DROPPED_FILE,
    MANIFEST_FILE,
    PLAN_FILE,
    Count,
    Manifest,
    Shard,
    SplitCounts,
    load_manifest,
    save_manifest,
)
from birdsat.dataset.plan import DROPPED_HEAD, Plan, PlannedShard, every_row_dropped, write_plan
from birdsat.dataset.sample import BandSums
from birdsat.dataset.shard import ShardFacts, Sources, write_shard
from birdsat.engine.local import in_processes
from birdsat.errors import ConfigError, DatasetError, InputError
from birdsat.files import is_full_disk, new_temporary, put_in_place
from birdsat.imagery.sources import ChipSource, ObservationChips, PhotoSource
from birdsat.locks import folder_lock
from birdsat.observations.curation import Remark
from birdsat.observations.observation import SPLITS, Observation
from birdsat.observations.splits import SplitRule
from birdsat.observations.taxonomy import Taxon, Taxonomy
from birdsat.progress import QUIET, Progress, counted

SHARD_ROWS = 1024

_Built = tuple[PlannedShard, Path, ShardFacts, list[Remark]]  # the file not yet under its name


def build_dataset(
    out: Path,
    observations: Iterable[Observation | Remark],
    *,
    photos: PhotoSource,
    chips: ChipSource | ObservationChips | None = None,
    taxa: Taxonomy | None = None,
    splits: SplitRule | None = None,
    photo_px: int | None = None,
    seed: int = 0,
    shard_rows: int = SHARD_ROWS,
    description: Description | None = None,
    workers: int = 2,
    progress: Progress = QUIET,
) -> Manifest:
    """Build a dataset in the folder `out`, or finish one that was stopped, and return its manifest.

    observations: a reader's rows; its remarks are counted and listed in dropped.csv with those of the build.
    chips: None for a dataset without chips. taxa: allowed taxa with their families (None: whatever comes).
    photo_px: photos whose shorter side is longer are shrunk to it. seed: of the draw of splits. shard_rows: rows of a
    file. workers: processes; 0 builds in this one.

    The result depends on everything but `workers` and `progress`. Of a complete dataset of the same inputs only the
    description is written anew, where it differs. Raises InputError when no row is usable (dropped.csv then says why),
    DatasetError when the folder belongs to other inputs or when the disk is full, BusyError when another build is at
    work in it, WorkerError when a worker process dies.
    """
    for name, value, least in (("workers", workers, 0), ("shard_rows", shard_rows, 1), ("photo_px", photo_px, 1)):
        if value is not None and value < least:
            raise ConfigError(f"{name} is {value}; allowed: {least} or more.", settings=(name,))
    rule = splits or SplitRule()
    settings = {
        "photo_px": photo_px,
        "seed": seed,
        "shard_rows": shard_rows,
        "splits": dataclasses.asdict(rule),
        "taxa": None if taxa is None else [dataclasses.astuple(taxon) for taxon in taxa],
        "photos": photos.identity,
        "chips": {"class": "NoneType"} if chips is None else chips.identity,  # as it was first written
    }
    images = Sources(photos=photos, chips=chips, photo_px=photo_px)

    def described(manifest: Manifest) -> Manifest:
        return (description or Description()).put_into(manifest, own_split=rule.keep_source)

    def draft(path: Path) -> str:
        return write_plan(
            path,
            counted(observations, progress, "reading rows"),
            taxa=taxa,
            splits=rule,
            seed=seed,
            shard_rows=shard_rows,
            settings=settings,
            dropped_file=None if _is_begun(out) else out / DROPPED_FILE,
        )

    _check_folder(out)
    try:
        with folder_lock(out), _planned(out, draft) as plan:
            if plan is None:
                manifest = load_manifest(out)
                return _update_description(manifest, described(manifest), out)
            _build_shards(out, plan, images, workers, progress)
            try:
                manifest = described(_summarise(plan, taxa, images, out / DROPPED_FILE))
            except InputError:  # nothing was built, so nothing binds the folder to these inputs
                plan.close()
                _forget_plan(out)
                raise
            write_card(manifest, out)
            save_manifest(manifest, out)
            plan.close()
            _forget_plan(out)
            return manifest
    except (OSError, sqlite3.OperationalError) as error:
        if is_full_disk(error) or "disk is full" in str(error):
            raise _disk_full(out) from error
        raise


def _update_description(manifest: Manifest, described: Manifest, out: Path) -> Manifest:
    """A complete dataset's manifest as it is described now; written where it differs."""
    if described != manifest:
        write_card(described, out)
        save_manifest(described, out)
    return described


def _check_folder(out: Path) -> None:
    """Refuse a folder with files of others under the names that a build writes."""
    if out.exists() and not out.is_dir():
        raise DatasetError(f"{out} is a file; choose a folder for the dataset.")
    if _is_begun(out):
        return
    taken = [path.name for name in (CARD_FILE, "*.parquet") for path in out.glob(name)]
    if (out / DROPPED_FILE).exists() and not _lists_dropped_rows(out / DROPPED_FILE):
        taken.append(DROPPED_FILE)
    if taken:
        raise DatasetError(
            f"{out} is not a dataset, but holds {', '.join(sorted(taken)[:3])}, which a build could overwrite; choose "
            "an empty folder."
        )


def _is_begun(out: Path) -> bool:
    return (out / MANIFEST_FILE).exists() or (out / PLAN_FILE).exists()


def _lists_dropped_rows(path: Path) -> bool:
    """Whether a build that no row survived has left the file."""
    with path.open("rb") as file:
        return file.readline().strip() == ",".join(DROPPED_HEAD).encode()


@contextlib.contextmanager
def _planned(out: Path, draft: Callable[[Path], str]) -> Iterator[Plan | None]:
    """The plan to follow, taken up from the folder where one is there; None where all is done already.

    draft: writes the plan of the inputs to a path and returns its fingerprint.
    """
    with contextlib.ExitStack() as stack:
        folder = out
        if (out / MANIFEST_FILE).exists() and not os.access(out, os.W_OK):  # of a finished dataset on a read-only disk
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="birdsat-plan-")))
        path = new_temporary(folder / PLAN_FILE)
        stack.callback(path.unlink, missing_ok=True)
        fingerprint = draft(path)
        if (out / MANIFEST_FILE).exists():
            _same_inputs(out, load_manifest(out).fingerprint, fingerprint)
            _forget_plan(out)  # of a build killed after its last step
            yield None
            return
        if not (out / PLAN_FILE).exists():
            put_in_place(path, out / PLAN_FILE)
    plan = Plan(out / PLAN_FILE)
    try:
        _same_inputs(out, plan.fingerprint, fingerprint)
        yield plan
    finally:
        plan.close()


def _forget_plan(out: Path) -> None:
    for path in (out / PLAN_FILE, out / f"{PLAN_FILE}-journal"):
        if path.exists():  # a disk that is read-only refuses to remove even what is not there
            path.unlink()


def _same_inputs(out: Path, there: str, given: str) -> None:
    if there != given:
        raise DatasetError(
            f"{out} holds a dataset of other rows, taxa, imagery or settings (fingerprint {there[:12]}, now "
            f"{given[:12]}); imagery that was written again counts as other. "
            "Remove the folder, or choose another; to continue a build, give the inputs it was started with."
        )


def _build_shards(out: Path, plan: Plan, sources: Sources, workers: int, progress: Progress) -> None:
    done, to_build = plan.shards(done=True), plan.shards(done=False)
    unnamed = [shard for shard, facts in plan.finished() if facts.row_group_rows and not (out / shard.file).exists()]
    rows = sum(shard.rows for shard in done + to_build)
    with (
        progress.bar("building", rows, done=sum(shard.rows for shard in done)) as bar,
        contextlib.closing(_built(out, plan, unnamed + to_build, sources, workers)) as built,
    ):
        for shard, path, facts, remarks in built:
            # Noted first, named second: a kill between the two, a moment, costs the writing of that shard once more.
            plan.finish(shard, facts, () if shard in unnamed else remarks)
            put_in_place(path, out / shard.file)
            bar.advance(0 if shard in unnamed else shard.rows)


def _built(
    out: Path, plan: Plan, shards: list[PlannedShard], sources: Sources, workers: int
) -> Generator[_Built, None, None]:
    """Shards in their order, each still under a temporary name; those that are not asked for any more are removed."""
    in_work: deque[tuple[PlannedShard, Path]] = deque()

    def to_write() -> Iterator[tuple[Path, list[Observation]]]:
        for shard in shards:
            in_work.append((shard, new_temporary(out / shard.file)))
            yield in_work[-1][1], plan.observations(shard)

    write = partial(_write, sources)
    try:
        written = in_processes(write, to_write(), workers=min(workers, len(shards)), doing=f"building {out}")
        with contextlib.closing(written):
            for facts, remarks in written:
                yield *in_work[0], facts, remarks
                in_work.popleft()
    finally:
        for _, path in in_work:
            path.unlink(missing_ok=True)


def _write(sources: Sources, shard: tuple[Path, list[Observation]]) -> tuple[ShardFacts, list[Remark]]:
    return write_shard(*shard, sources)


def _summarise(plan: Plan, taxa: Taxonomy | None, images: Sources, dropped_file: Path) -> Manifest:
    """The manifest, but for the description of the dataset as a whole."""
    shards: list[Shard] = []
    filled: dict[str, Counter[str]] = {split: Counter() for split in SPLITS}
    taxon_rows: dict[str, Counter[str]] = {split: Counter() for split in SPLITS}
    licences: Counter[str] = Counter()
    photo_sums, chip_sums = BandSums(), BandSums()
    for shard, facts in plan.finished():
        filled[shard.split].update(facts.filled)
        taxon_rows[shard.split].update(facts.taxon_rows)
        licences.update(facts.licences)
        if shard.split == "train":
            photo_sums.merge(facts.photo_sums)
            chip_sums.merge(facts.chip_sums)
        if facts.row_group_rows:
            shards.append(
                Shard(
                    file=shard.file,
                    split=shard.split,
                    rows=sum(facts.row_group_rows),
                    row_group_rows=facts.row_group_rows,
                    sha256=facts.sha256,
                    size_bytes=facts.size_bytes,
                )
            )
    plan.write_remarks(dropped_file)
    dropped = tuple(Count(name=reason, rows=rows) for reason, rows in plan.reasons(kept=False))
    if not shards:
        raise every_row_dropped(plan.reasons(kept=False), dropped_file)
    names = sorted(set().union(*taxon_rows.values()))
    photo_stats, chip_stats = photo_sums.mean_std(), chip_sums.mean_std()
    return Manifest(
        title="",
        licence="",
        sources=(),
        command="",
        fingerprint=plan.fingerprint,
        taxa=tuple(Taxon(name=name) if taxa is None else taxa[name] for name in names),
        shards=tuple(shards),
        counts=tuple(
            SplitCounts(
                split=split,
                rows=taxon_rows[split].total(),
                photos=filled[split]["photo"],
                chips=filled[split]["chip"],
                places=filled[split]["place"],
                dates=filled[split]["date"],
                taxon_rows=tuple(taxon_rows[split][name] for name in names),
            )
            for split in SPLITS
        ),
        licences=tuple(Count(name=name, rows=rows) for name, rows in sorted(licences.items())),
        dropped=dropped,
        remarked=tuple(Count(name=reason, rows=rows) for reason, rows in plan.reasons(kept=True)),
        photo_px=images.photo_px,
        photo_mean=photo_stats and photo_stats[0],
        photo_std=photo_stats and photo_stats[1],
        chip_mean=chip_stats and chip_stats[0],
        chip_std=chip_stats and chip_stats[1],
        chip_px=None if images.chips is None else images.chips.px,
        chip_ground_km=() if images.chips is None else tuple(map(float, images.chips.ground_km)),
    )


def _disk_full(out: Path) -> DatasetError:
    done = sorted(out.glob("*-*.parquet"))
    size = sum(path.stat().st_size for path in done) / 2**20
    return DatasetError(
        f"the disk is full: {len(done):,} finished shards ({size:,.1f} MiB) are in {out}. Free some space and "
        "run the same command again; it continues with the next shard."
    )
