"""Texts in whatever encoding, packed or not, with whatever line ends."""

import codecs
import gzip
import zipfile

import pytest

from birdsat.earth.place import Place
from birdsat.errors import InputError
from birdsat.observations.curation import Remark
from birdsat.observations.observation import Observation
from birdsat.observations.occurrences import read_occurrences
from birdsat.observations.readers.encoding import text_encoding
from birdsat.observations.readers.tables import read_table
from birdsat.observations.readers.text_tables import NOT_UTF8

TEXT = (
    "scientificName,decimalLatitude,decimalLongitude,recordedBy\nSylvia mülleri,50.1,8.1,Jörg\nParus major,50.2,8.2,A\n"
)
TAXA = [("Sylvia mülleri", Place(8.1, 50.1)), ("Parus major", Place(8.2, 50.2))]
MARKED = {
    "utf-8-sig": codecs.BOM_UTF8,
    "utf-16-le": codecs.BOM_UTF16_LE,
    "utf-16-be": codecs.BOM_UTF16_BE,
    "utf-32-le": codecs.BOM_UTF32_LE,
    "utf-32-be": codecs.BOM_UTF32_BE,
}


def taxa(path):
    return [(row.taxon, row.place) for row in read_table(path) if isinstance(row, Observation)]


@pytest.mark.parametrize("ends", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16-le", "utf-16-be", "utf-32-le", "utf-32-be"])
def test_a_marked_encoding_and_every_line_end_are_read(tmp_path, encoding, ends):
    path = tmp_path / "t.csv"
    mark = MARKED.get(encoding, b"")
    path.write_bytes(mark + TEXT.replace("\n", ends).encode(encoding.removesuffix("-sig")))
    assert taxa(path) == TAXA


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be", "utf-32-le", "utf-32-be"])
def test_utf16_without_a_mark_is_known_by_its_zeros(tmp_path, encoding):
    path = tmp_path / "t.csv"
    path.write_bytes(TEXT.encode(encoding))
    assert taxa(path) == TAXA


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16", "cp1252"])
def test_it_is_packed_where_its_bytes_say_so_and_not_where_its_name_does(tmp_path, encoding):
    data = TEXT.encode(encoding)
    for name, content in (
        ("a.csv", data),
        ("b.csv.gz", data),
        ("c.csv.gz", gzip.compress(data)),
        ("d.csv", gzip.compress(data)),
        ("e.csv.gz", gzip.compress(data[:50]) + gzip.compress(data[50:])),
    ):
        (tmp_path / name).write_bytes(content)
        assert taxa(tmp_path / name) == TAXA, name
    with zipfile.ZipFile(tmp_path / "f.zip", "w", zipfile.ZIP_DEFLATED) as file:
        file.writestr("t.csv", data)
    assert taxa(tmp_path / "f.zip") == TAXA


@pytest.mark.parametrize("encoding", ["cp1252", "latin-1"])
def test_a_cell_that_is_not_utf8_is_read_as_windows_writes_it_and_counted(tmp_path, encoding):
    path = tmp_path / "t.csv"
    path.write_bytes(TEXT.encode(encoding))
    remark, *rows = read_table(path)
    assert isinstance(remark, Remark) and (remark.reason, remark.row, remark.kept) == (NOT_UTF8, "row 1", True)
    assert [row.taxon for row in rows] == ["Sylvia mülleri", "Parus major"]
    assert read_occurrences(path).noted == {NOT_UTF8: 1}


def test_a_column_that_nobody_reads_may_be_in_any_encoding(tmp_path):
    path = tmp_path / "t.csv"
    path.write_bytes(TEXT.replace("ü", "u").encode("cp1252"))
    assert read_occurrences(path).noted == {}


def test_a_table_of_both_encodings_is_read_cell_by_cell(tmp_path):
    path = tmp_path / "t.csv"
    path.write_bytes(TEXT.encode() + "Sylvia mülleri,50.3,8.3,\n".encode("cp1252"))
    assert [name for name, _ in taxa(path)] == ["Sylvia mülleri", "Parus major", "Sylvia mülleri"]


def test_bytes_that_windows_does_not_have_still_make_a_row(tmp_path):
    path = tmp_path / "t.csv"
    path.write_bytes(b"species,lon,lat\nParus major,1,2\nParus \x81\x8d,1,2\n")
    rows = list(read_table(path))
    assert sum(not (isinstance(row, Remark) and row.kept) for row in rows) == 2


def test_zeros_at_the_end_of_a_file_are_no_bird(tmp_path):
    path = tmp_path / "t.csv"
    path.write_bytes(TEXT.encode() + bytes(5000))
    found = read_occurrences(path)
    assert (len(found), found.dropped) == (2, {"zeros in place of a row": 1})


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"PK\x03\x04....", "a zip file or a workbook of Excel"),
        (b"PAR1....", "a Parquet file; end its name in .parquet"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "a workbook of Excel"),
        (b"BZh91AY&SY", "packed by bzip2"),
        (b"\x28\xb5\x2f\xfd....", "packed by zstandard"),
        (b"SQLite format 3\0", "a database"),
        (b"<!DOCTYPE html><html>", "a web page"),
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:1\n", "git lfs pull"),
        (b"", "is empty"),
        (b"\xef\xbb\xbf", "is empty"),
        (b"\n\r\n\n", "is empty"),
    ],
)
def test_what_is_not_a_table_is_called_what_it_is(tmp_path, data, said):
    (tmp_path / "t.csv").write_bytes(data)
    with pytest.raises(InputError, match=said):
        list(read_table(tmp_path / "t.csv"))


@pytest.mark.parametrize("cut", [3, 12, 40])
def test_a_gzip_that_was_cut_short_is_damaged(tmp_path, cut):
    (tmp_path / "t.csv.gz").write_bytes(gzip.compress(TEXT.encode())[:cut])
    with pytest.raises(InputError, match=r"damaged|cannot be read past"):
        list(read_table(tmp_path / "t.csv.gz"))


def test_encodings_are_known_by_their_names_where_they_are_of_text():
    assert text_encoding("UTF8") == "utf-8" and text_encoding("Windows-1252") == "cp1252"
    for name in ("rot13", "hex", "zlib", "idna", "punycode", "undefined", "utf-7", "no-such-code"):
        with pytest.raises(LookupError):
            text_encoding(name)


def test_the_encodings_of_the_field_read_whole(shared_cases):
    for path in sorted((shared_cases / "14-encodings").iterdir()):
        names = [name for name, _ in taxa(path)]
        assert names == [
            "Sylvia atricapilla" if path.name == "cp1252_only_recordedBy.csv" else "Sylvia mülleri",
            "Parus major",
        ], path
