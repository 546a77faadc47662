"""Files from elsewhere: where they may lie, how large they may be, and what is said of those that are none."""

import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from birdsat.errors import InputError
from birdsat.reading import file_within, kind_of, parse_json, read_bytes, read_json, read_within


def test_a_name_within_the_folder_is_read(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "a file.jpg").write_bytes(b"here")
    for name in ("in/a file.jpg", "./in/a file.jpg", "in//a file.jpg"):
        assert read_within(tmp_path, name) == b"here"


@pytest.mark.parametrize(
    "name, words",
    [
        ("../secret", "lies outside"),
        ("a/../../secret", "lies outside"),
        ("..", "lies outside"),
        ("/etc/passwd", "lies outside"),
        ("/dev/zero", "lies outside"),
        ("//etc/passwd", "lies outside"),
        ("", "not a path"),
        ("a\0b", "not a path"),
        ("x" * 5000, "cannot be read"),
        (".", "is not a file"),
        ("folder", "is not a file"),
        ("pipe", "is not a file"),
        ("to-zero", "leads out of"),
        ("to-secret", "leads out of"),
        ("to-folder/secret", "leads out of"),
        ("relative-link", "leads out of"),
        ("circle", "cannot be read"),
        ("large", r"has 42,949,672,960 bytes; allowed: 268,435,456"),
    ],
)
def test_what_leads_out_of_the_folder_or_is_not_a_file_is_refused(tmp_path: Path, name: str, words: str) -> None:
    root = tmp_path / "root"
    (root / "folder").mkdir(parents=True)
    (tmp_path / "secret").write_bytes(b"secret")
    os.mkfifo(root / "pipe")
    (root / "to-zero").symlink_to("/dev/zero")
    (root / "to-secret").symlink_to(tmp_path / "secret")
    (root / "to-folder").symlink_to(tmp_path)
    (root / "relative-link").symlink_to("../secret")
    (root / "circle").symlink_to("circle")
    with (root / "large").open("wb") as file:
        file.truncate(40 << 30)
    with pytest.raises(InputError, match=words):
        read_within(root, name)


@pytest.mark.parametrize("name", ["absent", "file/below", "absent/file"])
def test_what_is_not_there_is_told_from_what_is_refused(tmp_path: Path, name: str) -> None:
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(FileNotFoundError):
        file_within(tmp_path, name)


def test_a_repository_in_the_hubs_cache_is_read_through_its_links(tmp_path: Path) -> None:
    repository = tmp_path / "datasets--me--birds"
    snapshot = repository / "snapshots" / "abc"
    (repository / "blobs").mkdir(parents=True)
    snapshot.mkdir(parents=True)
    (repository / "blobs" / "123").write_bytes(b"shard")
    (snapshot / "train-00000.parquet").symlink_to("../../blobs/123")
    (snapshot / "out").symlink_to("/etc/passwd")
    assert read_within(snapshot, "train-00000.parquet") == b"shard"
    with pytest.raises(InputError, match="leads out of"):
        read_within(snapshot, "out")


@pytest.mark.parametrize("path", ["/dev/zero", "/dev/null", "/"])
def test_devices_and_folders_are_not_read_even_by_their_own_path(path: str) -> None:
    with pytest.raises(InputError, match="not a file"):
        read_bytes(Path(path), most_bytes=10)


@pytest.mark.parametrize(
    "data, words",
    [
        (b"[" * 200_000, "nested too deeply"),
        (b'{"a":' * 100_000, "nested too deeply"),
        (b'{"a": ' + b"1" * 5000 + b"}", "whole number of 5000 digits"),
        (b'{"a": 1000000000000000000000}', "whole number of 22 digits"),
        (b"[-99999999999999999999999]", "whole number of 24 digits"),
        (b'["\\ud800"]', "is not JSON"),
        (b'{"\\udfff": 1}', "is not JSON"),
        (b"\xff\xfe{\x00}\x00", "is not JSON"),
        (b"", "this is an empty file"),
        (b"<!doctype html><p>", "this is a web page"),
        (b"version https://git-lfs.github.com/spec/v1\n", "this is a Git LFS pointer"),
        (b"{", "is not JSON"),
        (b"{'a': 1}", "is not JSON"),
        (b"[1] [2]", "is not JSON"),
    ],
)
def test_json_that_is_none_is_one_sentence(tmp_path: Path, data: bytes, words: str) -> None:
    (tmp_path / "a.json").write_bytes(data)
    with pytest.raises(InputError, match=words) as caught:
        read_json(tmp_path / "a.json")
    assert "a.json" in str(caught.value)


def test_json_with_a_byte_order_mark_and_pairs_of_surrogates_is_read() -> None:
    assert parse_json(b'\xef\xbb\xbf{"a": "\\ud83d\\udc26"}', "a") == {"a": "\U0001f426"}


@given(st.binary(max_size=300))
def test_any_bytes_are_json_or_one_error(data: bytes) -> None:
    try:
        parse_json(data, "some bytes")
    except InputError as error:
        assert "some bytes" in str(error)


@given(
    st.recursive(st.none() | st.booleans() | st.integers(-(10**17), 10**17) | st.text(), lambda inner: st.lists(inner))
)
def test_what_json_can_hold_comes_back(value: object) -> None:
    import json

    text = json.dumps(value)
    assert parse_json(text, "it") == value


@pytest.mark.parametrize(
    "data, kind",
    [
        (b"<!DOCTYPE html><html>Google Drive quota</html>", "a web page"),
        (b"\n  <HTML><body>", "a web page"),
        (b"\xef\xbb\xbf<!doctype HTML>", "a web page"),
        (b'<?xml version="1.0"?><!DOCTYPE html PUBLIC "x"><html xmlns="y">', "a web page"),
        (b"<!-- saved from url --><html>", "a web page"),
        (b"<?xml version='1.0'?><Error><Code>NoSuchKey</Code></Error>", "an XML document"),
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:abc\nsize 12\n", "a Git LFS pointer"),
        (b"/annex/objects/SHA256E-s12--abc", "a git-annex pointer"),
        (b"", "an empty file"),
        (b"\0" * 100, "nothing but zeros, as of a download that broke off"),
        (b'{"message": "Not Found"}', "a JSON document"),
        (b"%PDF-1.7", "a PDF"),
        (b"PK\x03\x04", "a zip file"),
        (b"\x80\x02}q\x00", None),
    ],
)
def test_files_that_people_have_in_place_of_what_they_wanted_are_known(data: bytes, kind: str | None) -> None:
    assert kind_of(data) == kind
