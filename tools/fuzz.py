"""Damaged and hostile files for every reader: whatever is not a result or an error of ours is kept, smallest first.

    python tools/fuzz.py                        # every target, 60 seconds each
    python tools/fuzz.py raster run --seconds 600 --seed 2
    python tools/fuzz.py image --cases FOLDER   # the files of a folder, once each

Inputs are mutations of small seeds, of bytes and of structure; see tools/fuzz_targets.py for the targets. Each target
runs in a process of its own that may take so much more memory and so many seconds an input. A finding is an exception
that is not a BirdsatError, an end of the process, and an input that takes too long; it is cut down while it stays, and
lies in the folder under the name of its place in the code. Exits with 1 where there is any.
"""

import argparse
import hashlib
import json
import os
import random
import resource
import shutil
import signal
import sys
import tempfile
import time
import traceback
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from fuzz_targets import Target

os.environ.setdefault("OMP_NUM_THREADS", "1")
sys.path[:0] = [str(Path(__file__).parents[1] / "tests" / "made"), str(Path(__file__).parent)]

HANG_SECONDS = 15  # an input
MORE_BYTES = 3 << 30  # than the process has at the start, of address space
CUT_SECONDS = 6.0  # that a finding is cut down for
MOST_CRASHES = 50


class HangError(BaseException):
    """An input takes too long. Not an Exception, so that no reader takes it for damage."""


@dataclass
class Finding:
    """What one place in the code does wrong."""

    said: str
    last: str  # the last line of all that the error went through
    file: str
    size: int
    times: int = 1


@dataclass
class Results:
    """What became of a target's inputs."""

    target: str
    inputs: int = 0
    fine: int = 0
    errors: dict[str, int] = field(default_factory=dict)  # of ours, by kind
    found: dict[str, Finding] = field(default_factory=dict)  # by class and place
    seconds: float = 0.0
    peak_mib: int = 0

    def save(self, path: Path) -> None:
        """As JSON, for the process that waits."""
        path.write_text(json.dumps(asdict(self), indent=1))

    @classmethod
    def load(cls, path: Path) -> "Results":
        """What `save` wrote."""
        data = json.loads(path.read_text())
        data["found"] = {key: Finding(**value) for key, value in data["found"].items()}
        return cls(**data)

    def line(self) -> str:
        """For the screen."""
        ours = sum(self.errors.values())
        return (
            f"{self.target}: {self.inputs:,} inputs in {self.seconds:,.0f} s ({self.fine:,} read, {ours:,} refused), "
            f"peak {self.peak_mib:,} MiB, {len(self.found)} findings"
        )


def outcome(target: "Target", data: bytes) -> tuple[str, str, str, str]:
    """("", kind of ours or "", "", "") for an end as it should be; else class, our place, last place, message."""
    from birdsat.errors import BirdsatError

    signal.alarm(HANG_SECONDS)
    try:
        target.run(data)
        return "", "", "", ""
    except BirdsatError as error:
        return "", type(error).__name__, "", ""
    except HangError as error:
        return "HangError", *_places(error), f"no end in {HANG_SECONDS} s"
    except (KeyboardInterrupt, SystemExit):
        raise
    except BaseException as error:
        signal.alarm(0)
        return type(error).__name__, *_places(error), " ".join(str(error).split())[:200]
    finally:
        signal.alarm(0)


def _places(error: BaseException) -> tuple[str, str]:
    """The last line of the package, and the last line of all, that an error went through."""
    frames = traceback.extract_tb(error.__traceback__)
    ours = [frame for frame in frames if "/birdsat/" in frame.filename and "site-packages" not in frame.filename]

    def name(frame: traceback.FrameSummary) -> str:
        return f"{'/'.join(Path(frame.filename).parts[-2:])}:{frame.lineno}"

    return (name(ours[-1]) if ours else "?"), (name(frames[-1]) if frames else "?")


def cut_down(target: "Target", data: bytes, wanted: tuple[str, ...]) -> bytes:
    """Leave pieces out while the finding stays."""
    end, size = time.time() + CUT_SECONDS, max(1, len(data) // 2)
    while size and time.time() < end:
        at, has_cut = 0, False
        while at < len(data) and time.time() < end:
            shorter = data[:at] + data[at + size :]
            if outcome(target, shorter)[:2] == wanted[:2]:
                data, has_cut = shorter, True
            else:
                at += size
        if not has_cut or size == 1:
            size //= 2
    return data


def _inputs(target: "Target", cases: Path | None, seconds: float, seed: int) -> Iterator[bytes]:
    if cases is not None:
        for path in sorted(cases.iterdir(), key=lambda path: path.stat().st_size):
            if path.is_file():
                yield path.read_bytes()
        return
    generator, end = random.Random(seed), time.time() + seconds
    while time.time() < end:
        yield target.make(generator)


def _child(target: "Target", inputs: Iterator[bytes], results: Results, folder: Path, skip: int) -> None:
    def ring(*_: object) -> None:
        raise HangError

    signal.signal(signal.SIGALRM, ring)
    used = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (used + MORE_BYTES, used + MORE_BYTES))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    os.dup2(os.open(os.devnull, os.O_WRONLY), 2)  # libraries complain of every damaged file
    start, saved = time.time() - results.seconds, 0.0
    for number, data in enumerate(inputs):
        if number < skip:
            continue
        (folder / "current.bin").write_bytes(data)
        kind, place, last, said = outcome(target, data)
        results.inputs += 1
        if kind:
            _note(results, target, data, (kind, place, last, said), folder)
        elif place:
            results.errors[place] = results.errors.get(place, 0) + 1
        else:
            results.fine += 1
        results.seconds = time.time() - start
        results.peak_mib = max(results.peak_mib, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss >> 10)
        if time.time() - saved > 2:
            results.save(folder / "results.json")
            saved = time.time()
    results.save(folder / "results.json")


def _note(results: Results, target: "Target", data: bytes, found: tuple[str, str, str, str], folder: Path) -> None:
    kind, place, last, said = found
    key = f"{kind} at {place}"
    old = results.found.get(key)
    if old is not None and len(data) >= old.size:
        old.times += 1
        return
    if old is None:
        data = cut_down(target, data, found)
    file = folder / f"{hashlib.sha256(key.encode()).hexdigest()[:8]}.bin"
    file.write_bytes(data)
    results.found[key] = Finding(said, last, str(file), len(data), 1 if old is None else old.times + 1)


def targets() -> dict[str, type["Target"]]:
    """By name."""
    import fuzz_areas as areas
    import fuzz_folders as folders
    import fuzz_targets as files

    return {
        "image": files.Images, "tables": files.Tables, "dwca": files.DarwinCore, "npz": files.RangeArrays,
        "geojson": areas.GeoJson, "areas": areas.Areas, "raster": folders.Rasters, "collections": folders.Collections,
        "dataset": folders.Datasets, "run": folders.Runs, "region": folders.Regions, "ranges": folders.RangeModels,
        "map": folders.MapFiles,
    }  # fmt: skip


def fuzz(name: str, folder: Path, *, seconds: float, seed: int, cases: Path | None) -> Results:
    """Try a target's inputs; its findings lie in folder/name."""
    place = folder / name
    place.mkdir(parents=True, exist_ok=True)
    target = targets()[name](folder / "made")
    for old in ("results.json", "harness-error.txt"):
        (place / old).unlink(missing_ok=True)
    results, crashes, end, skip = Results(name), 0, time.time() + seconds, 0
    while crashes < MOST_CRASHES and (cases is not None or time.time() < end):
        left = max(0.0, end - time.time())
        (place / "current.bin").write_bytes(b"")  # its time is the child's sign of life
        pid = os.fork()
        if pid == 0:
            code = 70
            try:
                _child(target, _inputs(target, cases, left, seed * 1000 + crashes), results, place, skip)
                code = 0
            except BaseException:
                (place / "harness-error.txt").write_text(traceback.format_exc())
            os._exit(code)
        code = _wait(pid, place / "current.bin")
        target.clear(pid)
        if (place / "results.json").exists():
            results = Results.load(place / "results.json")
        if (place / "harness-error.txt").exists():
            sys.exit((place / "harness-error.txt").read_text())
        if code == 0:
            break
        crashes += 1
        data = (place / "current.bin").read_bytes()
        file = place / f"end-{code}-{crashes}.bin"
        file.write_bytes(data)
        words = "no end, not even of a library's own" if code == -signal.SIGKILL else f"the process ended with {code}"
        results.found[f"end {code}, {crashes}"] = Finding(words, "", str(file), len(data))
        results.inputs += 1
        skip = results.inputs if cases is not None else 0
        results.save(place / "results.json")
    return results


def _wait(pid: int, heartbeat: Path) -> int:
    """The exit status of a child, which is killed where one input takes three times what it may."""
    while True:
        done, status = os.waitpid(pid, os.WNOHANG)
        if done:
            return os.waitstatus_to_exitcode(status)
        if heartbeat.exists() and time.time() - heartbeat.stat().st_mtime > 3 * HANG_SECONDS + CUT_SECONDS:
            os.kill(pid, signal.SIGKILL)
        time.sleep(0.05)


def main() -> None:
    """The command line."""
    known = targets()
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("targets", nargs="*", help=f"of {', '.join(known)}; all by default")
    parser.add_argument("--seconds", type=float, default=60.0, help="for each target")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--cases", type=Path, help="read the files of this folder in place of making inputs")
    parser.add_argument("--folder", type=Path, help="for seeds and findings; a temporary one by default")
    options = parser.parse_args()
    folder = options.folder or Path(tempfile.mkdtemp(prefix="birdsat-fuzz-"))
    if unknown := [name for name in options.targets if name not in known]:
        parser.error(f"{', '.join(unknown)}: not a target; allowed: {', '.join(known)}")
    found = 0
    for name in options.targets or known:
        results = fuzz(name, folder.absolute(), seconds=options.seconds, seed=options.seed, cases=options.cases)
        print(results.line(), flush=True)
        for key, one in sorted(results.found.items(), key=lambda item: item[1].size):
            print(f"  {key} x{one.times}, {one.size:,} bytes, {one.file}\n    last {one.last}: {one.said}", flush=True)
        found += len(results.found)
    if not found and options.folder is None:
        shutil.rmtree(folder, ignore_errors=True)
    sys.exit(1 if found else 0)


if __name__ == "__main__":
    main()
