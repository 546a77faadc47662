"""Files that are damaged, or made to harm: a result or one of our errors, within seconds and bounded memory."""

import contextlib
import gzip
import json
import os
import subprocess
import sys
import time
import zipfile
from pathlib import Path

import pytest

from birdsat.dataset.collections.registry import open_collection
from birdsat.errors import BirdsatError, InputError
from birdsat.observations.occurrences import read_occurrences
from birdsat.observations.readers import encoding
from birdsat.observations.readers.limits import MAX_DESCRIPTION_BYTES, MAX_ROW_BYTES
from birdsat.observations.readers.tables import read_table, read_taxonomy
from birdsat.ranges.evaluation.range_grid import read_range_grid
from birdsat.ranges.evaluation.surveys import read_surveys

SECONDS = 10
BREAK = Path(os.environ.get("BIRDSAT_SHARED_BREAK", Path(__file__).parents[4] / "shared" / "break"))
needs_break = pytest.mark.skipif(not BREAK.is_dir(), reason="the files that broke readers lie beside the repository")

META = (
    '<archive xmlns="http://rs.tdwg.org/dwc/text/"><core encoding="UTF-8" fieldsTerminatedBy="\\t" '
    'linesTerminatedBy="\\n" fieldsEnclosedBy="" ignoreHeaderLines="1" '
    'rowType="http://rs.tdwg.org/dwc/terms/Occurrence"><files><location>occurrence.txt</location></files>'
    '<id index="0"/><field index="1" term="http://rs.tdwg.org/dwc/terms/scientificName"/>'
    '<field index="2" term="http://rs.tdwg.org/dwc/terms/decimalLatitude"/>'
    '<field index="3" term="http://rs.tdwg.org/dwc/terms/decimalLongitude"/></core></archive>'
)
ROWS = b"id\ttaxon\tlat\tlon\n1\tCorvus corax\t1\t2\n"


def every_reader(path):
    yield lambda: list(read_table(path))
    yield lambda: read_occurrences(path, max_uncertainty_km=5)
    yield lambda: read_taxonomy(path)
    yield lambda: read_range_grid(path)
    yield lambda: read_surveys(path)


def check_harmless(path):
    """Every reader gives a result, or one of our errors, soon."""
    for read in every_reader(path):
        start = time.monotonic()
        with contextlib.suppress(BirdsatError):
            read()
        assert time.monotonic() - start < SECONDS


def zip_of(path, files, packing=zipfile.ZIP_DEFLATED):
    with zipfile.ZipFile(path, "w", packing) as file:
        for name, data in files.items():
            file.writestr(name, data)
    return path


def archive(path, meta=META, rows=ROWS):
    return zip_of(path, {"meta.xml": meta, "occurrence.txt": rows})


def broken_files(*folders):
    return [path for folder in folders for path in sorted((BREAK / folder).glob("*"))] if BREAK.is_dir() else []


@needs_break
@pytest.mark.parametrize("path", broken_files("fuzz-tables"), ids=lambda path: path.stem)
def test_tables_that_broke_a_reader_give_a_result_or_one_of_our_errors(path, tmp_path):
    suffix, _, data = path.read_bytes().partition(b"\0")
    (tmp_path / f"t{suffix.decode()}").write_bytes(data)
    check_harmless(tmp_path / f"t{suffix.decode()}")


@needs_break
@pytest.mark.parametrize("path", broken_files("fuzz-dwca", "probes"), ids=lambda path: path.stem)
def test_archives_that_broke_a_reader_give_a_result_or_one_of_our_errors(path, tmp_path):
    if path.suffix in (".tif", ".vrt"):
        pytest.skip("a raster")
    (tmp_path / "a.zip").write_bytes(path.read_bytes())
    check_harmless(tmp_path / "a.zip")


@needs_break
@pytest.mark.parametrize("path", broken_files("fuzz-collections"), ids=lambda path: path.stem)
def test_collections_that_broke_a_reader_give_a_result_or_one_of_our_errors(path, tmp_path):
    name, _, data = path.read_bytes().partition(b"\0")
    kind, _, file = name.decode().partition("/")
    raven = {"id": 0, "name": "Corvus corax", "class": "Aves"}
    whole = {"images": [{"id": 0, "file_name": "a.jpg"}], "categories": [raven], "annotations": [], "licenses": []}
    files = {
        "inat2021": {"train.json": json.dumps(whole), "val.json": json.dumps(whole)},
        "cub": {
            "classes.txt": "1 001.Raven\n",
            "images.txt": "1 a.jpg\n",
            "image_class_labels.txt": "1 1\n",
            "train_test_split.txt": "1 1\n",
            "bounding_boxes.txt": "1 1 2 3 4\n",
        },
    }[kind]
    for one, usual in files.items():
        (tmp_path / one).write_bytes(data if one == file else usual.encode())
    with contextlib.suppress(BirdsatError):
        list(open_collection(kind, tmp_path).observations)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (('index="1"', 'index="1000000000"'), "index is '1000000000'; a number from 0, below 4,096"),
        (('index="1"', 'index="-1"'), "a number from 0"),
        (('index="1"', 'index="²"'), "a number from 0"),
        (('Lines="1"', f'Lines="{2**70}"'), "a number from 0, below 1,000"),
        (('Lines="1"', 'Lines="-1"'), "a number from 0, below 1,000"),
        (('"\\t"', '"»"'), "one ASCII character each is read"),
        (('"\\t"', '"\\n"'), "one ASCII character each is read"),
        (('EnclosedBy=""', 'EnclosedBy="\\t"'), "cannot be told apart"),
        (("occurrence.txt", "../../../../etc/passwd"), "outside the archive"),
        (("occurrence.txt", "/etc/passwd"), "outside the archive"),
        (("occurrence.txt", "http://127.0.0.1:9/o.txt"), "outside the archive"),
        (("UTF-8", "rot13"), "not a text encoding"),
        (("<archive", "<!DOCTYPE x [<!ENTITY a SYSTEM 'file:///etc/passwd'>]><archive"), "declares a document type"),
        (("<archive", "<!DOCTYPE x SYSTEM 'http://127.0.0.1:9/x.dtd'><archive"), "declares a document type"),
        ((META, "<archive>" + "<a>" * 200_000), "deeper than 32"),
        ((META, "<archive a='" + "x" * MAX_DESCRIPTION_BYTES + "'/>"), "as no such description has"),
        ((META, "<archive"), "does not describe the archive"),
    ],
)
def test_a_description_that_asks_for_more_than_tables_have_is_refused(tmp_path, change, said):
    with pytest.raises(InputError, match=said.replace("(", r"\(")):
        read_occurrences(archive(tmp_path / "a.zip", META.replace(*change)))


def test_entities_that_grow_are_refused_before_they_do(tmp_path):
    laughs = "<!DOCTYPE x [<!ENTITY a0 'lol'>" + "".join(f"<!ENTITY a{i} '{f'&a{i - 1};' * 10}'>" for i in range(1, 10))
    start = time.monotonic()
    with pytest.raises(InputError, match="declares a document type"):
        read_occurrences(archive(tmp_path / "a.zip", f"{laughs}]>{META}".replace("occurrence.txt", "&a9;")))
    assert time.monotonic() - start < SECONDS


LONG = b"a" * (4 * MAX_ROW_BYTES)


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        (LONG + b"\n", "begins with a (line|row) of more than 2 MiB"),
        (ROWS + b"2\t" + LONG + b"\n", "has a row of more than 2 MiB after row 1"),
        (ROWS + b"2\t" + LONG, "has a row of more than 2 MiB after row 1"),
        (ROWS + bytes(len(LONG)), "has a row of more than 2 MiB after row 1"),
        (b"x" + b"\t" * (1 << 20) + b"\n" + ROWS, "1,048,577 columns; up to 4,096"),
    ],
)
def test_a_row_or_head_without_an_end_is_refused_in_every_format(tmp_path, rows, said):
    (tmp_path / "t.csv").write_bytes(rows)
    (tmp_path / "t.csv.gz").write_bytes(gzip.compress(rows, 1))
    zip_of(tmp_path / "t.zip", {"t.csv": rows})
    for path in (tmp_path / "t.csv", tmp_path / "t.csv.gz", tmp_path / "t.zip", archive(tmp_path / "a.zip", rows=rows)):
        with pytest.raises(InputError, match=said):
            list(read_occurrences(path))


def test_line_ends_alone_are_passed_over(tmp_path):
    path = zip_of(tmp_path / "t.zip", {"t.csv": b"taxon,lat,lon\nCorvus corax,1,2\n" + b"\n" * (5 * MAX_ROW_BYTES)})
    assert len(read_occurrences(path)) == 1


def test_what_unpacks_to_far_more_than_tables_do_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(encoding, "MAX_UNPACKED_BYTES", 1 << 20)
    text = b"taxon,lat,lon\n" + b"Corvus corax,1,2\n" * 500_000
    (tmp_path / "t.csv.gz").write_bytes(gzip.compress(text))
    for path in (tmp_path / "t.csv.gz", zip_of(tmp_path / "t.zip", {"t.csv": text})):
        with pytest.raises(InputError, match="unpacks to more than 300 times its size"):
            read_occurrences(path)


@pytest.mark.parametrize("packing", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_an_archive_with_any_byte_changed_gives_a_result_or_one_of_our_errors(tmp_path, packing):
    whole = zip_of(tmp_path / "w.zip", {"meta.xml": META, "occurrence.txt": ROWS}, packing).read_bytes()
    path = tmp_path / "a.zip"
    for i in range(0, len(whole), 3):
        path.write_bytes(whole[:i] + bytes([whole[i] ^ 0xFF]) + whole[i + 1 :])
        with contextlib.suppress(BirdsatError):
            read_occurrences(path)
    for i in range(0, len(whole), 7):
        path.write_bytes(whole[:i])
        with pytest.raises(BirdsatError):
            read_occurrences(path)


def test_an_archive_that_is_locked_or_packed_in_a_way_of_its_own_says_so(tmp_path):
    whole = archive(tmp_path / "a.zip").read_bytes()
    for before, after in (
        (b"PK\x01\x02\x14\x03\x14\x00\x00\x00", b"PK\x01\x02\x14\x03\x14\x00\x01\x00"),  # a password is needed
        (b"\x14\x00\x00\x00\x08\x00", b"\x14\x00\x00\x00\x63\x00"),
    ):
        (tmp_path / "a.zip").write_bytes(whole.replace(before, after))
        with pytest.raises(InputError, match="cannot be opened"):
            read_occurrences(tmp_path / "a.zip")


def test_a_zip_bomb_and_a_long_row_are_refused_in_little_memory(tmp_path):
    with (
        zipfile.ZipFile(tmp_path / "b.zip", "w", zipfile.ZIP_DEFLATED, compresslevel=1) as file,
        file.open("t.csv", "w", force_zip64=True) as member,
    ):
        member.write(b"taxon,lat,lon\n")
        for _ in range(400):
            member.write(b"a" * 2**20)
    script = (
        "import resource, sys\n"
        "from pathlib import Path\n"
        "from birdsat.observations.occurrences import read_occurrences\n"
        "from birdsat.errors import InputError\n"
        "before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss\n"
        "try: read_occurrences(Path(sys.argv[1]))\n"
        "except InputError as error: print(error)\n"
        "print((resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) // 1024)\n"
    )
    start = time.monotonic()
    done = subprocess.run(
        [sys.executable, "-c", script, str(tmp_path / "b.zip")], capture_output=True, text=True, timeout=120, check=True
    )
    said, megabytes = done.stdout.splitlines()
    assert "a row of more than 2 MiB" in said and int(megabytes) < 100
    assert time.monotonic() - start < 60


def test_a_process_ends_after_a_table_that_was_not_read_to_its_end(tmp_path):
    path = tmp_path / "t.csv"
    path.write_text("taxon,lat,lon\n" + "Corvus corax,1,2\n" * 400_000)
    script = (
        "import sys\nfrom pathlib import Path\nfrom birdsat.observations.readers.tables import read_table\n"
        "print(next(iter(read_table(Path(sys.argv[1])))).taxon)\n"
    )
    for _ in range(2):
        done = subprocess.run([sys.executable, "-c", script, str(path)], capture_output=True, timeout=60, check=True)
        assert done.stdout == b"Corvus corax\n"
