from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.csv as pa_csv
import pyarrow.parquet as pq
import pytest
from numpy.typing import NDArray

from birdsat.errors import InputError
from birdsat.ranges.evaluation.range_grid import RangeGrid, read_range_grid

LAT, LON = [-10.5, -11.5, -12.5], [119.5, 120.5, 121.5]
PRESENCE = [[1, 0], [1, 1], [0, 1]]


def arrays(**changed: Any) -> dict[str, Any]:
    whole = {
        "lat": np.array(LAT, np.float32),
        "lon": np.array(LON, np.float32),
        "species": np.array(["Corvus orru", "Struthidea cinerea"]),
        "presence": np.array(PRESENCE, np.uint8),
    }
    return {name: value for name, value in (whole | changed).items() if value is not None}


def saved(folder: Path, **changed: Any) -> Path:
    path = folder / "ranges.npz"
    np.savez(path, **arrays(**changed))
    return path


def rows() -> dict[str, list[Any]]:
    names = ["Corvus orru", "Struthidea cinerea"]
    cells = [(cell, taxon) for cell in range(3) for taxon in range(2)]
    return {
        "lat": [LAT[cell] for cell, _ in cells],
        "lon": [LON[cell] for cell, _ in cells],
        "species": [names[taxon] for _, taxon in cells],
        "presence": [PRESENCE[cell][taxon] for cell, taxon in cells],
    }


@pytest.mark.parametrize("form", ["npz", "parquet", "csv", "csv of presences"])
def test_arrays_and_rows_say_the_same(tmp_path: Path, form: str) -> None:
    path, table = tmp_path / f"ranges.{form.split()[0]}", pa.table(rows())
    match form:
        case "npz":
            saved(tmp_path)
        case "parquet":
            pq.write_table(table, path)
        case "csv":
            pa_csv.write_csv(table, path)
        case _:
            pa_csv.write_csv(table.filter(pa.compute.equal(table["presence"], 1)), path)
    grid = read_range_grid(path)
    assert grid.lon_lat.tolist() == [[119.5, -10.5], [120.5, -11.5], [121.5, -12.5]]
    assert grid.species == ("Corvus orru", "Struthidea cinerea")
    assert grid.presence.tolist() == [[True, False], [True, True], [False, True]]


@pytest.mark.parametrize(
    "changed, message",
    [
        ({"presence": None}, "no array presence; it has lat, lon, species"),
        ({"presence": np.zeros((2, 2), np.uint8)}, r"presence \(2, 2\)"),
        ({"lat": np.zeros(2)}, r"lat \(2,\)"),
        ({"lat": np.array([1, 2, np.nan])}, "cell 2 lies at lon 121.5, lat nan"),
        ({"lat": np.array(LON), "lon": np.array(LAT)}, "swapped"),
        ({"presence": np.full((3, 2), 2)}, "other than 0 and 1"),
        ({"presence": np.full((3, 2), np.nan)}, "other than 0 and 1"),
        ({"species": np.array([1, 2])}, "text is needed"),
        ({"species": np.array(["a", "a"])}, "species a is there twice"),
        ({"lat": np.full(3, 1.0), "lon": np.full(3, 2.0)}, r"cell \(2, 1\) is there twice"),
        ({"lat": np.array(["north"] * 3)}, "not numbers"),
    ],
)
def test_arrays_that_are_not_a_range_grid_are_refused(tmp_path: Path, changed: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        read_range_grid(saved(tmp_path, **changed))


def test_pickled_objects_are_never_loaded(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="as text and not as objects"):
        read_range_grid(saved(tmp_path, species=np.array(["a", "b"], dtype=object)))


@pytest.mark.parametrize("content", [b"", b"not an archive", b"PK\x03\x04 cut off"])
def test_damaged_files_are_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "ranges.npz"
    path.write_bytes(content)
    with pytest.raises(InputError, match="cannot be read"):
        read_range_grid(path)


@pytest.mark.parametrize(
    "line, message",
    [
        ("1,2,a,3", "1 for present or 0 for absent"),
        ("1,2,,1", "a name, and 1"),
        ("x,2,a,1", "row 2: lat is 'x'"),
        ("100,2,a,1", "latitudes from -90 to 90"),
        ("1,1,a,0", "opposite of an earlier row"),
        ("1,1,a", "wrong number of cells"),
    ],
)
def test_rows_that_are_not_a_range_are_refused_by_number(tmp_path: Path, line: str, message: str) -> None:
    path = tmp_path / "ranges.csv"
    path.write_text(f"lat,lon,species,presence\n1,1,a,1\n{line}\n")
    with pytest.raises(InputError, match=message):
        read_range_grid(path)


def test_a_table_without_one_of_the_columns_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "ranges.csv"
    path.write_text("lat,lon,taxon\n1,1,a\n")
    with pytest.raises(InputError, match="no column presence, species"):
        read_range_grid(path)


def test_a_table_of_counts_is_told_from_a_range_grid(tmp_path: Path) -> None:
    (tmp_path / "counts.csv").write_text("species,lon,lat,year,count\nA b,1,2,2001,3\n")
    with pytest.raises(InputError, match="give the year before which they are learned from") as error:
        read_range_grid(tmp_path / "counts.csv")
    assert error.value.settings == ("surveys_before",)


def test_species_in_too_few_cells_or_too_many_are_not_usable() -> None:
    presence = np.zeros((10, 4), dtype=bool)
    presence[:3, 0], presence[:2, 1], presence[:7, 2], presence[:8, 3] = True, True, True, True
    lon_lat = np.stack([np.arange(10.0), np.zeros(10)], axis=1)
    grid = RangeGrid(lon_lat=lon_lat, species=("a", "b", "c", "d"), presence=presence)
    assert grid.usable(3).species == ("a", "c")
    assert grid.usable(3).presence.tolist() == presence[:, [0, 2]].tolist()
    with pytest.raises(InputError, match="none of 4 species"):
        grid.usable(6)


@pytest.mark.parametrize(
    ("lat", "side"),
    [
        (np.arange(-30, -20, 0.1), 0.1),
        (np.delete(np.arange(60) / 6, [3, 4, 20]), 1 / 6),
        (np.array([1.0, 2.0, 4.0]), 1.0),
        (np.random.default_rng(0).uniform(0, 10, 30), None),
        (np.array([3.0, 3.0]), None),
    ],
)
def test_the_side_of_a_grid_s_cells_is_found_and_places_at_random_are_not_on_a_grid(
    lat: NDArray[np.float64], side: float | None
) -> None:
    lon_lat = np.stack([np.arange(len(lat), dtype=float), lat], axis=1)
    grid = RangeGrid(lon_lat=lon_lat, species=("a",), presence=np.ones((len(lat), 1), dtype=bool))
    assert grid.step_degrees == (None if side is None else pytest.approx(side, rel=1e-4))


def test_some_species_come_in_the_order_asked_with_their_own_presences() -> None:
    presence = np.array([[True, False, True], [False, False, True]])
    grid = RangeGrid(lon_lat=np.array([[0.0, 0.0], [1.0, 0.0]]), species=("a", "b", "c"), presence=presence)
    assert grid.of(["c", "a"]).species == ("c", "a")
    assert grid.of(["c", "a"]).presence.tolist() == [[True, True], [True, False]]


def test_the_ranges_of_australia_have_the_species_that_the_references_are_of(shared_data: Path) -> None:
    grid = read_range_grid(shared_data / "geo-birds" / "range_pam_australia.npz")
    assert grid.presence.shape == (791, 888)
    assert len(grid.usable(30).species) == 476
