"""Arrays of .npz files: those of damage, those that promise more than they hold, and those with code in them."""

import io
import pickle
import zipfile
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from birdsat.errors import InputError
from birdsat.ranges.evaluation import npz
from birdsat.ranges.evaluation.range_grid import read_range_grid

GOOD: dict[str, Any] = {
    "lat": np.arange(4.0),
    "lon": np.arange(4.0),
    "species": np.array(["a", "b"]),
    "presence": np.eye(4, 2),
}


def save(path: Path, **changed: Any) -> Path:
    np.savez(path, **(GOOD | changed))
    return path


def with_member(path: Path, name: str, data: bytes, **how: Any) -> Path:
    """A good file, of which one member is these bytes."""
    out = io.BytesIO()
    np.savez(out, **GOOD)
    with zipfile.ZipFile(out) as whole, zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as file:
        for info in whole.infolist():
            content = whole.read(info) if info.filename != f"{name}.npy" else data
            file.writestr(info.filename, content)
    return path


def head(text: str, version: bytes = b"\x01\x00") -> bytes:
    return b"\x93NUMPY" + version + len(text).to_bytes(2, "little") + text.encode()


@pytest.mark.parametrize("order", ["C", "F"])
@pytest.mark.parametrize("kind", [bool, np.int8, np.float32, ">f8"])
def test_arrays_come_back_as_they_were(tmp_path: Path, order: Any, kind: Any) -> None:
    presence = np.array(np.eye(4, 2), dtype=kind, order=order)
    for write in (np.savez, np.savez_compressed):
        write(tmp_path / "r.npz", **(GOOD | {"presence": presence}))
        grid = read_range_grid(tmp_path / "r.npz")
        np.testing.assert_array_equal(grid.presence, np.eye(4, 2, dtype=bool))


class Evil:
    def __reduce__(self) -> Any:
        return Path.touch, (Path("EXECUTED"),)


def test_pickles_are_not_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    objects = np.array([Evil(), Evil()], dtype=object)
    with pytest.raises(InputError, match="holds objects"):
        read_range_grid(save(tmp_path / "r.npz", species=objects))
    with pytest.raises(InputError, match="cannot be read"):
        read_range_grid(with_member(tmp_path / "p.npz", "species", pickle.dumps(Evil())))
    (tmp_path / "plain.npz").write_bytes(pickle.dumps(Evil()))
    with pytest.raises(InputError, match="cannot be read"):
        read_range_grid(tmp_path / "plain.npz")
    assert not (tmp_path / "EXECUTED").exists()


@pytest.mark.parametrize(
    "text",
    [
        "{'descr': '<f8', 'fortran_order': False, 'shape': (1000000000000,), }",
        "{'descr': '<f8', 'fortran_order': False, 'shape': (10000000, 10000000, 10000000), }",
        "{'descr': '<f8', 'fortran_order': False, 'shape': (-4,), }",
        "{'descr': '<U1000000000', 'fortran_order': False, 'shape': (4,), }",
        "{'descr': '|O', 'fortran_order': False, 'shape': (4,), }",
        "{'descr': '<f8', 'fortran_order': False, 'shape': (True,), }",
        "{'descr': '<f8', 'fortran_order': False, 'shape': (" + "4," * 4000 + "), }",
        "{'descr': [('a', '<f8')], 'fortran_order': False, 'shape': (4,), }",
        "{'descr': 'M8[ns]', 'fortran_order': False, 'shape': (4,), }",
        "{'descr': '<f8', 'fortran_order': 5, 'shape': (4,), }",
        "{'descr': '<f8', 'shape': (4,), }",
        "[" * 5000,
        "__import__('os').system('touch EXECUTED')",
        "",
    ],
)
def test_heads_that_promise_what_is_not_there_are_refused(tmp_path: Path, text: str) -> None:
    for data in (b"", np.arange(4.0).tobytes()):
        with pytest.raises(InputError):
            read_range_grid(with_member(tmp_path / "r.npz", "lat", head(text) + data))


@pytest.mark.parametrize(
    "changed, words",
    [
        ({"lat": np.zeros((2, 2))}, "are needed"),
        ({"lat": np.array(1.0)}, "are needed"),
        ({"lat": np.zeros(0), "lon": np.zeros(0), "presence": np.zeros((0, 2))}, "one cell or more"),
        ({"lat": np.array(["x"] * 4)}, "not numbers"),
        ({"lat": np.array([1 + 2j] * 4)}, "not numbers"),
        ({"lat": np.array(["2020"] * 4, "M8[D]")}, "not numbers"),
        ({"lat": np.array([np.nan] * 4)}, "are needed"),
        ({"lat": np.array([1e300] * 4)}, "are needed"),
        ({"species": np.array([b"a", b"b"])}, "text is needed"),
        ({"species": np.array([1, 2])}, "text is needed"),
        ({"species": np.array(["a", "a"])}, "twice"),
        ({"species": np.array([0xD800, ord("a")], np.uint32).view("<U1")}, "not text"),
        ({"presence": np.zeros((4, 2), "V4")}, "not numbers"),
        ({"presence": np.full((4, 2), 0.5)}, "other than 0 and 1"),
        ({"presence": np.full((4, 2), np.nan)}, "other than 0 and 1"),
        ({"presence": np.zeros((2, 4))}, "are needed"),
    ],
)
def test_arrays_of_another_kind_are_refused(tmp_path: Path, changed: dict[str, Any], words: str) -> None:
    with pytest.raises(InputError, match=words):
        read_range_grid(save(tmp_path / "r.npz", **changed))


def test_numbers_that_stand_for_no_character_are_refused(tmp_path: Path) -> None:
    kind = "{'descr': '<U1', 'fortran_order': False, 'shape': (2,), }"
    data = np.array([0x7FFFFFFF, ord("a")], np.uint32).tobytes()
    with pytest.raises(InputError, match="not text"):
        read_range_grid(with_member(tmp_path / "r.npz", "species", head(kind) + data))


def test_what_unpacks_to_too_much_is_refused_before_it_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(npz, "MOST_BYTES", 500)
    with pytest.raises(InputError, match=r"unpacks to [\d,]+ bytes; allowed: 500"):
        read_range_grid(save(tmp_path / "r.npz"))


@pytest.mark.parametrize(
    "data, words",
    [
        (b"", "an empty file"),
        (b"<!doctype html>", "a web page"),
        (b"version https://git-lfs.github.com/spec/v1", "Git LFS"),
        (b"PK\x03\x04", "cannot be read"),
        (b"\x93NUMPY\x01\x00", "cannot be read"),
    ],
)
def test_other_files_are_named(tmp_path: Path, data: bytes, words: str) -> None:
    (tmp_path / "r.npz").write_bytes(data)
    with pytest.raises(InputError, match=words):
        read_range_grid(tmp_path / "r.npz")


def test_encrypted_nested_and_lying_zips_are_refused(tmp_path: Path) -> None:
    whole = save(tmp_path / "r.npz").read_bytes()
    central = whole.index(b"PK\x01\x02")
    for at, value in (
        (central + 8, 1),
        (central + 10, 99),
        (central + 24, 255),
        (central + 20, 255),
        (central + 16, 7),
    ):
        changed = bytearray(whole)
        changed[at] ^= value
        (tmp_path / "d.npz").write_bytes(bytes(changed))
        with pytest.raises(InputError, match=r"cannot be read|has no array|unpacks to"):
            read_range_grid(tmp_path / "d.npz")


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_any_damage_is_a_grid_or_an_error_of_ours(tmp_path: Path, data: st.DataObject) -> None:
    out = io.BytesIO()
    (np.savez if data.draw(st.booleans()) else np.savez_compressed)(out, **GOOD)
    changed = bytearray(out.getvalue())
    for _ in range(data.draw(st.integers(1, 5))):
        at = data.draw(st.integers(0, len(changed) - 1))
        if data.draw(st.booleans()):
            changed[at] = data.draw(st.integers(0, 255))
        else:
            changed[at : at + data.draw(st.integers(0, 20))] = data.draw(st.binary(max_size=8))
        if not changed:
            return
    (tmp_path / "d.npz").write_bytes(bytes(changed))
    with suppress(InputError):
        assert read_range_grid(tmp_path / "d.npz").species
