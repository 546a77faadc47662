"""SIGKILL at random moments and before file-system changes, then continue: is the result that of an undisturbed run?

    python tools/kill_tests.py                      # all kinds of work, 100 kills in all
    python tools/kill_tests.py build map --kills 6

Kinds of work: build, pretrain, embed, fit, map; each starts from what the one before makes. Half of the kills come at a
random moment (half of these to the whole process group, workers included), half just before a change of the file
system (a file opened to be written, renamed or removed, a folder made or removed). A trial is one to three kills, each
in the work that continues from the last, and then the work to its end. Counted are results that differ, files that have
a final name and other contents, files that are left over, and processes that outlive the kill by four seconds. Exits
with 1 where there is any.
"""

import argparse
import contextlib
import dataclasses
import hashlib
import json
import os
import random
import shutil
import signal
import sys
import tempfile
import time
import traceback
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
from kill_inputs import TAXA, made_birds, made_occurrences

MOST_SECONDS = 300.0  # that any work may take
Work = Callable[[], None]


class Kind:
    """One kind of work: how it is done, and what is compared of it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder  # of this run of the program; holds a folder for each kind

    def work(self, out: Path, again: bool) -> None:
        """Do it, or continue it."""
        raise NotImplementedError

    def contents(self, path: Path) -> str | None:
        """What must be the same in two files; None for what may differ."""
        return hashlib.sha256(path.read_bytes()).hexdigest()

    def result(self, out: Path) -> dict[str, str]:
        """Of every file in the folder."""
        found = {str(path.relative_to(out)): path for path in sorted(out.rglob("*")) if path.is_file()}
        return {name: said for name, path in found.items() if (said := self.contents(path)) is not None}

    def looks_whole(self, out: Path, truth: dict[str, str]) -> list[str]:
        """Files that have a final name and are not what they end as."""
        return [name for name, said in self.result(out).items() if name in truth and truth[name] != said]


class Build(Kind):
    def work(self, out: Path, again: bool) -> None:
        from birdsat.dataset.build import build_dataset
        from birdsat.imagery.chips import RasterChips
        from birdsat.imagery.photo_folder import FolderPhotos
        from birdsat.observations.readers.tables import read_table

        birds = made_birds(self.folder / "birds")
        build_dataset(
            out,
            read_table(birds / "table.csv"),
            photos=FolderPhotos(birds / "photos"),
            chips=RasterChips(birds / "imagery.tif", ground_km=200, px=32),
            shard_rows=40,
        )


class Pretrain(Kind):
    def work(self, out: Path, again: bool) -> None:
        from birdsat.dataset.row_groups import Dataset
        from birdsat.embeddings.embed import embed_split
        from birdsat.embeddings.taxa import save_taxon_means, taxon_means
        from birdsat.recipes.registry import recipe
        from birdsat.training.pretrain import pretrain

        dataset = Dataset(undisturbed("build", self.folder))
        config = dataclasses.replace(
            recipe("cve_mae_tiny"), steps=8, batch_size=8, workers=1, log_every=1, val_every=3, checkpoint_every=2
        )
        run = pretrain(config, dataset, out, resume=again)
        rows = embed_split(run, dataset, "train")
        save_taxon_means(taxon_means(rows), out)

    def contents(self, path: Path) -> str | None:
        if path.parent.name == "tensorboard":  # a file for each session
            return None
        if path.name == "metrics.jsonl":
            lines = [json.loads(line) for line in path.read_text().splitlines()]
            times = ("seconds", "images_per_second", "waiting_share")
            return json.dumps([{name: line[name] for name in line if name not in times} for line in lines])
        if path.name == "run.json":  # it also lists the sessions
            written = json.loads(path.read_text())
            return json.dumps({name: written[name] for name in written if name != "sessions"})
        if path.suffix == ".ckpt":  # it also tells of the session
            import torch

            state = torch.load(path, weights_only=True)["state_dict"]
            return hashlib.sha256(b"".join(value.numpy().tobytes() for value in state.values())).hexdigest()
        return super().contents(path)

    def looks_whole(self, out: Path, truth: dict[str, str]) -> list[str]:
        still = ("checkpoints/last.ckpt", "checkpoints/best.safetensors", "metrics.jsonl")  # on their way
        return [name for name in super().looks_whole(out, truth) if name not in still]


class Embed(Kind):
    def work(self, out: Path, again: bool) -> None:
        from birdsat.earth.box import Box
        from birdsat.earth.grid import Grid
        from birdsat.embeddings.regions import write
        from birdsat.imagery.open_imagery import open_imagery
        from birdsat.training.run_folder import load_run

        write.PART_CELLS = 64
        run = load_run(undisturbed("pretrain", self.folder))
        write.write_region(out, run, Grid(Box(0, 0, 60, 40), 2.5), open_imagery("virtual:0"), workers=1)


class Fit(Kind):
    def work(self, out: Path, again: bool) -> None:
        from birdsat.cli import main

        run, region = undisturbed("pretrain", self.folder), undisturbed("embed", self.folder)
        table = made_occurrences(self.folder / "occurrences.csv")
        main(["fit", str(table), "--run", str(run), "--region", str(region), "--out", str(out), "--trust-places"])


class Map(Kind):
    def work(self, out: Path, again: bool) -> None:
        from birdsat.cli import main

        words = ["map", TAXA[0], "--ranges", str(undisturbed("fit", self.folder)), "--out", str(out)]
        words += ["--months", "1", "6", "--also", "netcdf", "parquet", "csv", "gif"]
        main([*words, "--overwrite"] if again else words)

    def contents(self, path: Path) -> str | None:
        """Numbers and facts, but for when the map was made."""
        if path.suffix == ".tif":
            import rasterio

            with rasterio.open(path) as raster:
                return hashlib.sha256(raster.read().tobytes()).hexdigest()
        if path.suffix == ".json":
            return json.dumps(json.loads(path.read_text()) | {"created": ""})
        if path.suffix == ".nc":
            import h5py

            with h5py.File(path) as file:
                return str({name: hashlib.sha256(np.asarray(file[name]).tobytes()).hexdigest() for name in file})
        return super().contents(path)


KINDS: dict[str, type[Kind]] = {"build": Build, "pretrain": Pretrain, "embed": Embed, "fit": Fit, "map": Map}


def undisturbed(kind: str, folder: Path) -> Path:
    """The folder of a kind's work that nobody disturbed, done first where it is not there."""
    out = folder / kind / "undisturbed"
    if not (folder / kind / "seconds").exists():
        shutil.rmtree(out, ignore_errors=True)
        out.parent.mkdir(parents=True, exist_ok=True)
        begun, log = time.monotonic(), folder / kind / "log"
        changes = folder / kind / "changes"
        pid = in_child(lambda: KINDS[kind](folder).work(out, False), log, out, changes_to=changes)
        if (code := wait_for(pid, MOST_SECONDS)) != 0:
            sys.exit(f"undisturbed {kind} ended with {code}: {log.read_text(errors='replace')[-2000:]}")
        (folder / kind / "seconds").write_text(str(time.monotonic() - begun))
    return out


def in_child(
    work: Work, log: Path, out: Path, *, changes_to: Path | None = None, kill_before: int | None = None
) -> int:
    """Do work in a forked process, a session of its own, with its output in `log`; its number.

    changes_to: file to list the changes below `out` in. kill_before: the number of the change to die just before.
    """
    sys.stdout.flush()
    pid = os.fork()
    if pid:
        return pid
    code = 1
    try:
        os.setsid()
        file = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
        os.dup2(file, 1)
        os.dup2(file, 2)
        if changes_to is not None or kill_before is not None:
            watch_changes(str(out), changes_to, kill_before)
        work()
        code = 0
    except SystemExit as stop:
        code = stop.code if isinstance(stop.code, int) else 1
    except BaseException:
        traceback.print_exc()
        code = 99
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


def watch_changes(below: str, listed: Path | None, kill_before: int | None) -> None:
    """Count what this process changes in the file system."""
    seen, main = 0, os.getpid()
    events = ("open", "os.rename", "os.remove", "os.mkdir", "os.rmdir")
    to_write = os.O_WRONLY | os.O_RDWR | os.O_CREAT

    def hook(name: str, arguments: tuple[Any, ...]) -> None:
        nonlocal seen
        if name not in events or os.getpid() != main or not str(arguments[0]).startswith(below):
            return
        if name == "open" and not (isinstance(arguments[2], int) and arguments[2] & to_write):
            return
        seen += 1
        if seen == kill_before:
            os.kill(main, signal.SIGKILL)
        if listed is not None:
            with contextlib.suppress(OSError):
                file = os.open(listed, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
                os.write(file, f"{name} {arguments[0]}\n".encode())
                os.close(file)

    sys.addaudithook(hook)


def wait_for(pid: int, seconds: float, *, whole_group: bool = False) -> int:
    """Wait for a child at most so long, then kill it; its exit code, or minus the signal."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        done, status = os.waitpid(pid, os.WNOHANG)
        if done:
            return os.waitstatus_to_exitcode(status)
        time.sleep(0.005)
    with contextlib.suppress(ProcessLookupError):  # it may not have made its session yet
        (os.killpg if whole_group else os.kill)(pid, signal.SIGKILL)
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


def left_of(session: int, seconds: float = 4.0) -> int:
    """Processes of a session that are still there after so long; they are killed."""
    end = time.monotonic() + seconds
    while (left := list(_running(session))) and time.monotonic() < end:
        time.sleep(0.05)
    for pid in left:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    return len(left)


def _running(session: int) -> Iterator[int]:
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            fields = stat.read_text().rpartition(")")[2].split()
            if int(fields[3]) == session and fields[0] != "Z":
                yield int(stat.parent.name)


@dataclasses.dataclass
class Trial:
    """What was done to one piece of work, and what is wrong with what came of it."""

    kills: list[str] = dataclasses.field(default_factory=list)
    hits: int = 0
    wrong: list[str] = dataclasses.field(default_factory=list)


def try_once(kind: Kind, name: str, generator: random.Random, most_kills: int) -> Trial:
    """Kill the work up to three times, let it come to its end, and compare."""
    base = kind.folder / name
    truth = kind.result(undisturbed(name, kind.folder))
    changes = len((base / "changes").read_text().splitlines())
    seconds = float((base / "seconds").read_text())
    out, log, trial = base / "killed", base / "log", Trial()
    shutil.rmtree(out, ignore_errors=True)
    for number in range(generator.choice((1, 1, 1, 2, 3))):
        if trial.hits == most_kills:
            break
        again = number > 0
        if generator.random() < 0.5:
            at = generator.randint(1, changes)
            pid = in_child(lambda again=again: kind.work(out, again), log, out, kill_before=at)
            code, words = wait_for(pid, MOST_SECONDS), f"before change {at}"
        else:
            after, whole_group = generator.uniform(0.02, seconds), generator.random() < 0.5
            pid = in_child(lambda again=again: kind.work(out, again), log, out)
            code = wait_for(pid, after, whole_group=whole_group)
            words = f"after {after:.2f} s{', the group' if whole_group else ''}"
        trial.kills.append(f"{words}: {code}")
        trial.hits += code == -signal.SIGKILL
        if code not in (0, -signal.SIGKILL):
            trial.wrong.append(f"ended with {code}: {log.read_text(errors='replace')[-300:].strip()}")
        if left := left_of(pid):
            trial.wrong.append(f"{left} processes outlived the kill")
        if out.exists() and (early := kind.looks_whole(out, truth)):
            trial.wrong.append(f"half-written and looks whole: {early}")
    code = wait_for(in_child(lambda: kind.work(out, True), log, out), MOST_SECONDS)
    if code != 0:
        trial.wrong.append(f"lost; continuing ended with {code}: {log.read_text(errors='replace')[-300:].strip()}")
        return trial
    now = kind.result(out)
    if differing := sorted(file for file in truth if now.get(file) != truth[file]):
        trial.wrong.append(f"lost; differs in {differing}")
    if left_over := sorted(now.keys() - truth.keys()):
        trial.wrong.append(f"left over: {left_over}")
    return trial


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("kinds", nargs="*", metavar="KIND", help=f"of {', '.join(KINDS)}; all by default")
    parser.add_argument("--kills", type=int, default=100, help="that hit, over all kinds")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--folder", type=Path, help="to work in, and to keep; a temporary one by default")
    given = parser.parse_args()
    if unknown := set(given.kinds) - set(KINDS):
        parser.error(f"unknown kinds: {', '.join(sorted(unknown))}")
    kinds = given.kinds or list(KINDS)
    # Imported once, before anything is forked: a trial then takes no longer than the work.
    import torch

    import birdsat.cli
    import birdsat.training.pretrain  # noqa: F401

    torch.set_num_threads(1)  # a fork does not take threads along
    generator, is_bad = random.Random(given.seed), False
    with (
        tempfile.TemporaryDirectory(prefix="birdsat-kills-")
        if given.folder is None
        else contextlib.nullcontext(given.folder) as folder
    ):
        for number, name in enumerate(kinds):
            wanted = given.kills // len(kinds) + (number < given.kills % len(kinds))
            undisturbed(name, Path(folder))
            trials: list[Trial] = []
            while (hits := sum(trial.hits for trial in trials)) < wanted and len(trials) < 20 + 5 * wanted:
                trials.append(try_once(KINDS[name](Path(folder)), name, generator, wanted - hits))
                if trials[-1].wrong:
                    print(f"{name}: {'; '.join(trials[-1].kills)}\n    " + "\n    ".join(trials[-1].wrong), flush=True)
            bad = [trial for trial in trials if trial.wrong]
            lost = sum(any(words.startswith("lost") for words in trial.wrong) for trial in bad)
            print(
                f"{name}: {len(trials)} trials, {hits} kills, {lost} lost, {len(bad)} with anything wrong", flush=True
            )
            is_bad |= bool(bad) or hits < wanted
    sys.exit(int(is_bad))


if __name__ == "__main__":
    main()
