"""Observations and image sources to a dataset folder: plan, shards in parallel, manifest last.

A build that was stopped, by whatever, continues when it is started again with the same inputs: shards that
are done stay as they are.
"""

import contextlib
import dataclasses
import errno
import multiprocessing
import os
import signal
import sqlite3
import threading
from collections import Counter
from collections.abc import Callable, Generator, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
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
from birdsat.errors import ConfigError, DatasetError, InputError
from birdsat.imagery.sources import ChipSource, ObservationChips, PhotoSource
from birdsat.observations.curation import Remark
from birdsat.observations.observation import SPLITS, Observation
from birdsat.observations.splits import SplitRule
from birdsat.observations.taxonomy import Taxon, Taxonomy
from birdsat.progress import QUIET, Progress, counted

SHARD_ROWS = 1024

_Built = tuple[PlannedShard, ShardFacts, list[Remark]]


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
    description is written anew, where it differs. Raises InputError when no
    row is usable (dropped.csv then says why), DatasetError when the folder belongs to other inputs or another build,
    or when the disk is full.
    """
    if workers < 0 or shard_rows < 1 or (photo_px is not None and photo_px < 1):
        raise ConfigError(
            f"workers {workers}, shard_rows {shard_rows}, photo_px {photo_px}: workers must be 0 or more, "
            "the others at least 1."
        )
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

    _make_folder(out)
    try:
        with _planned(out, draft) as plan:
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
    except (OSError, sqlite3.OperationalError) as error:
        if getattr(error, "errno", None) in (errno.ENOSPC, errno.EDQUOT) or "disk is full" in str(error):
            raise _disk_full(out) from error
        raise
    _forget_plan(out)
    return manifest


def _update_description(manifest: Manifest, described: Manifest, out: Path) -> Manifest:
    """A complete dataset's manifest as it is described now; written where it differs."""
    if described != manifest:
        write_card(described, out)
        save_manifest(described, out)
    return described


def _make_folder(out: Path) -> None:
    """Make the folder; refuse one with files of others under the names that a build writes."""
    if out.exists() and not out.is_dir():
        raise DatasetError(f"{out} is a file; choose a folder for the dataset.")
    out.mkdir(parents=True, exist_ok=True)
    if _is_begun(out):
        return
    taken = [path.name for name in (CARD_FILE, "*.parquet", "*.parquet.part") for path in out.glob(name)]
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
    path = out / f"{PLAN_FILE}.{os.getpid()}.part"
    try:
        fingerprint = draft(path)
        if (out / MANIFEST_FILE).exists():
            _same_inputs(out, load_manifest(out).fingerprint, fingerprint)
            _forget_plan(out)  # of a build killed after its last step
            yield None
            return
        if not (out / PLAN_FILE).exists():
            path.replace(out / PLAN_FILE)
    finally:
        path.unlink(missing_ok=True)
    plan = Plan(out / PLAN_FILE)
    try:
        _same_inputs(out, plan.fingerprint, fingerprint)
        yield plan
    finally:
        plan.close()


def _forget_plan(out: Path) -> None:
    for name in (PLAN_FILE, f"{PLAN_FILE}-journal"):
        (out / name).unlink(missing_ok=True)


def _same_inputs(out: Path, there: str, given: str) -> None:
    if there != given:
        raise DatasetError(
            f"{out} holds a dataset of other rows, taxa, imagery or settings (fingerprint {there[:12]}, now "
            f"{given[:12]}); imagery that was written again counts as other. "
            "Remove the folder, or choose another; to continue a build, give the inputs it was started with."
        )


def _build_shards(out: Path, plan: Plan, sources: Sources, workers: int, progress: Progress) -> None:
    done = plan.shards(done=True)
    to_build = plan.shards(done=False)
    for shard in done:
        _give_final_name(out, shard)
    # Of a killed build; finished shards have their final name by now.
    for leftover in (*(_part(out, shard) for shard in to_build), *out.glob(f"{PLAN_FILE}.*.part")):
        leftover.unlink(missing_ok=True)
    rows = sum(shard.rows for shard in done + to_build)
    with (
        progress.bar("building", rows, done=sum(shard.rows for shard in done)) as bar,
        contextlib.closing(_built(out, plan, to_build, sources, workers)) as built,
    ):
        for shard, facts, remarks in built:
            # Noted first, renamed second: a kill between the two costs a rename, not a shard.
            plan.finish(shard, facts, remarks)
            _give_final_name(out, shard)
            bar.advance(shard.rows)


def _part(out: Path, shard: PlannedShard) -> Path:
    return out / f"{shard.file}.part"


def _give_final_name(out: Path, shard: PlannedShard) -> None:
    if _part(out, shard).exists():
        _part(out, shard).replace(out / shard.file)


def _built(
    out: Path, plan: Plan, shards: list[PlannedShard], sources: Sources, workers: int
) -> Generator[_Built, None, None]:
    """Shards as they get ready, each still under its partial name."""
    if workers == 0 or not shards:
        for shard in shards:
            yield shard, *write_shard(_part(out, shard), plan.observations(shard), sources)
        return
    pool = ProcessPoolExecutor(
        min(workers, len(shards)),
        mp_context=multiprocessing.get_context("spawn"),  # GDAL and Arrow have threads, which a fork would break
        initializer=_start_worker,
        initargs=(sources,),
    )
    running: dict[Future[tuple[ShardFacts, list[Remark]]], PlannedShard] = {}
    waiting = iter(shards)
    try:
        while True:
            for shard in waiting:
                running[pool.submit(_work, _part(out, shard), plan.observations(shard))] = shard
                if len(running) > workers:  # one more than can run, so that no worker waits
                    break
            if not running:
                return
            for future in wait(running, return_when=FIRST_COMPLETED).done:
                yield running.pop(future), *future.result()
    except BrokenProcessPool as error:
        raise DatasetError(
            f"a worker process died while building {out}, perhaps for want of memory. Run the same command "
            "again to continue, with fewer workers."
        ) from error
    finally:
        pool.shutdown(wait=True, cancel_futures=True)
        for unfinished in running.values():
            _part(out, unfinished).unlink(missing_ok=True)


_worker_sources: Sources | None = None  # set once in each worker process, not sent with each shard


def _start_worker(sources: Sources) -> None:
    global _worker_sources
    _worker_sources = sources
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the parent, which then ends its workers
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()  # returns when the parent is gone, killed or not
        os._exit(1)


def _work(path: Path, observations: list[Observation]) -> tuple[ShardFacts, list[Remark]]:
    assert _worker_sources is not None
    return write_shard(path, observations, _worker_sources)


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
