"""How fast tables of occurrences are read, and in how much memory.

    python benchmarks/records.py [--rows 2000000] [--iterations N] [--out records.json]

Makes a table as GBIF's simple download has it (50 columns, 3,000 species, ten years; `made_gbif.py`), which goes away
at the end, and reads it as `birdsat fit` and `birdsat map` do, each part in a process of its own with one thread: its
time on the processor, imports not counted, and its peak memory. Beside it a bare loop over `csv.DictReader`, which
looks at nothing, and the parsing of the same columns alone by pyarrow and, where it is installed, by polars.
`--iterations 2` reads a small table to see that all still works.
"""

import argparse
import csv
import importlib.util
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

ROWS, SMALL_ROWS, WARM_UP_ROWS = 2_000_000, 20_000, 200
COLUMNS = [
    *("gbifID", "species", "infraspecificEpithet", "taxonRank", "genus", "occurrenceStatus", "individualCount"),
    *("decimalLatitude", "decimalLongitude", "coordinateUncertaintyInMeters", "coordinatePrecision"),
    *("eventDate", "day", "month", "year", "basisOfRecord"),
]
MIB = 1 << 20


@dataclass(frozen=True, kw_only=True)
class Measured:
    """One way to read the table."""

    part: str
    rows: int
    seconds: float  # on the processor, all threads together
    wall_s: float
    peak_mib: float  # of the process, libraries included


def dict_reader(path: Path) -> int:
    """A bare loop over rows as dictionaries."""
    csv.field_size_limit(MIB)
    with path.open(newline="", encoding="utf-8") as file:
        return sum(1 for _ in csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE))


def occurrences(path: Path) -> int:
    """Everything: names, dates, places, rules and distinct records."""
    from birdsat.observations.occurrences import read_occurrences

    return read_occurrences(path).rows


def clean(path: Path) -> int:
    """`birdsat records`, with the list of dropped rows."""
    from birdsat.workflows.clean_records import clean_records
    from birdsat.workflows.requests.records import RecordsRequest

    files = {"out": path.with_name("clean.csv"), "dropped": path.with_name("dropped.csv")}
    return clean_records(RecordsRequest(tables=path, overwrite=True, **files)).rows


def parse_pyarrow(path: Path) -> int:
    """The cells of the columns that are needed, as text, and nothing made of them."""
    import pyarrow as pa
    import pyarrow.csv as pa_csv

    options = pa_csv.ConvertOptions(include_columns=COLUMNS, column_types=dict.fromkeys(COLUMNS, pa.string()))
    with pa_csv.open_csv(
        path,
        read_options=pa_csv.ReadOptions(use_threads=False, block_size=2 * MIB),
        parse_options=pa_csv.ParseOptions(delimiter="\t", quote_char=False),
        convert_options=options,
    ) as reader:
        return sum(batch.num_rows for batch in reader)


def parse_polars(path: Path) -> int:
    """The same by polars, which gives neither the number nor the text of a row of the wrong length."""
    import polars

    table = polars.read_csv(path, separator="\t", quote_char=None, infer_schema=False, columns=COLUMNS)
    return len(table)


PARTS: dict[str, Callable[[Path], int]] = {
    "csv.DictReader, nothing else": dict_reader,
    "read_occurrences": occurrences,
    "birdsat records": clean,
    "parsing alone, pyarrow": parse_pyarrow,
    "parsing alone, polars": parse_polars,
}


def alone(part: str, path: Path, warm_up: Path) -> Measured:
    """In a process of its own, which imports what it needs alone."""
    one = {"OMP_NUM_THREADS": "1", "POLARS_MAX_THREADS": "1", "ARROW_IO_THREADS": "1"}
    done = subprocess.run(
        [sys.executable, __file__, "--part", part, "--tables", str(warm_up), str(path)],
        stdout=subprocess.PIPE,
        text=True,
        check=True,
        env=os.environ | one,
    )
    return Measured(**json.loads(done.stdout))


def measure(part: str, warm_up: Path, path: Path) -> Measured:
    """What this process takes to read the second table, after the first, small one."""
    PARTS[part](warm_up)
    start, wall = time.process_time(), time.monotonic()
    rows = PARTS[part](path)
    seconds, wall_s = time.process_time() - start, time.monotonic() - wall
    return Measured(part=part, rows=rows, seconds=seconds, wall_s=wall_s, peak_mib=peak_mib())


def peak_mib() -> float:
    """The most memory that this process had. On Linux not by getrusage, which counts the process that started it."""
    try:
        facts = dict(line.split(":", 1) for line in Path("/proc/self/status").read_text().splitlines() if ":" in line)
        return float(facts["VmHWM"].split()[0]) * 1024 / MIB
    except (OSError, KeyError):
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / MIB


def main() -> None:
    """Measure, print, write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=ROWS, help="of the table")
    parser.add_argument("--iterations", type=int, help="read so many small tables instead, to see that all works")
    parser.add_argument("--out", type=Path, help="write the figures to this JSON file")
    parser.add_argument("--part", help=argparse.SUPPRESS)
    parser.add_argument("--tables", type=Path, nargs=2, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.part is not None:
        print(json.dumps(asdict(measure(options.part, *options.tables))))
        return
    from machine import processor_name  # here, not in the processes whose memory is measured
    from made_gbif import write_gbif
    from rich.console import Console
    from rich.table import Table

    rows = options.rows if options.iterations is None else SMALL_ROWS
    results = []
    with tempfile.TemporaryDirectory() as folder:
        warm_up = write_gbif(Path(folder) / "warm-up.csv", WARM_UP_ROWS)
        for _ in range(options.iterations or 1):
            path = write_gbif(Path(folder) / "gbif.csv", rows)
            parts = [part for part in PARTS if "polars" not in part or importlib.util.find_spec("polars")]
            results = [alone(part, path, warm_up) for part in parts]
        size = path.stat().st_size
    assert {one.rows for one in results} == {rows}
    loop = results[0]
    table = Table("part", "rows a second of one core", "beside the loop", "peak memory", "beside the loop")
    for one in results:
        table.add_row(
            one.part,
            f"{one.rows / one.seconds:,.0f}",
            f"{loop.seconds / one.seconds:.1f} x as fast",
            f"{one.peak_mib:,.0f} MiB",
            f"{one.peak_mib / loop.peak_mib:.1f} x",
        )
    Console(width=120).print(table)
    if options.out:
        report = {
            "rows": rows,
            "bytes": size,
            "processor": processor_name(),
            "load_average_1_5_15_min": [round(load, 2) for load in os.getloadavg()],
            "parts": [
                asdict(one) | {"rows_a_second": one.rows / one.seconds, "times_the_loop": loop.seconds / one.seconds}
                for one in results
            ],
        }
        options.out.write_text(json.dumps(report, indent=2) + "\n")


if __name__ == "__main__":
    main()
