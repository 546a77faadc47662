"""How much was looked where: by records, by a raster, by a table of places."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from made_embeddings import wkb_point, write_geoparquet, write_raster
from numpy.typing import NDArray
from recorded import RecordedProgress

from birdsat.earth.box import Box
from birdsat.earth.crs import WGS84, read_crs, transformed
from birdsat.earth.grid import EqualAreaGrid, Grid
from birdsat.errors import InputError
from birdsat.observations.coordinates import NO_CRS
from birdsat.observations.occurrence_grid import thin_to_grid, thin_to_km
from birdsat.observations.occurrences import Occurrences
from birdsat.observations.readers.columns import TableColumns
from birdsat.ranges.effort import LOOKED_SHARE, RelativeEffort, effort_density, effort_of_records, effort_within
from birdsat.ranges.given_effort import effort_of_places, effort_of_raster
from birdsat.ranges.records import Records

GRID = Grid(Box(0, 0, 4, 4), 1)  # 4 x 4 cells, the first at 0.5, 3.5
ALL = np.arange(16)
HERE = np.array([5])  # a cell with records


def recorded(*places: tuple[str, float, float], day: int = 0) -> Occurrences:
    taxa = tuple(sorted({taxon for taxon, _, _ in places}))
    return Occurrences(
        taxa=taxa,
        label=np.array([taxa.index(taxon) for taxon, _, _ in places], np.int32),
        lon_lat=np.array([place for _, *place in places]),
        day=np.full(len(places), day, np.int32),
    )


def raster(path: Path, values: Any, bounds: tuple[float, float, float, float] = (0, 0, 4, 4), **more: Any) -> Path:
    return write_raster(path, np.asarray(values, np.float32)[None], bounds, **more)


def test_effort_by_records_counts_visits_by_all_taxa_and_one_taxon_says_nothing_of_its_own() -> None:
    everything = recorded(("a", 0.5, 3.5), ("b", 0.6, 3.5), ("b", 2.5, 0.5))
    one, other = everything.only_taxa(["a"]), everything.only_taxa(["b"])
    looked = effort_of_records(everything, one, GRID, ALL)
    assert looked is not None and looked.source == "the records of 2 taxa"
    assert dict(zip(looked.cells.tolist(), looked.weight, strict=True)) == {0: 2, 14: 1}
    assert 0.6 < looked.share < 0.7  # of three cells with a taxon one is recorded for it alone, and 14 of 16 are empty
    assert effort_of_records(one, one, GRID, ALL, of="a") is None
    asked = effort_of_records(other, one, GRID, ALL, of="b")
    assert asked is not None and (asked.source, asked.share) == ("the records of 1 taxon (b)", LOOKED_SHARE)


def test_presences_and_effort_are_thinned_alike_by_kilometres() -> None:
    near = [("a", 0.1 + 0.05 * i, 3.5) for i in range(10)]  # within 50 km
    everything = recorded(*near, ("b", 0.1, 3.5), ("b", 0.11, 3.5), ("b", 3.5, 0.5))
    thinned = thin_to_km(everything, GRID, 500)
    assert thinned.counts.tolist() == [1, 2] and sum(thinned.dropped.values()) == 10
    records = Records(taxa=thinned.only_taxa(["a"]), everything=everything, thin_km=500)
    looked = records.effort_on(GRID, ALL)
    assert looked is not None and looked.cells.tolist() == [0, 15]
    # Eleven visits to one square leave hardly more records of a taxon than one to the other; by cells, thirty would.
    detection = 10 * 9 / (10 * 10)  # on each of ten visits, the taxon that is fitted was recorded on nine of ten others
    assert looked.weight == pytest.approx([1 - (1 - detection) ** 11, detection], rel=1e-6)
    assert len(thin_to_km(everything, GRID, 0.001)) == len(everything)
    assert len(thin_to_grid(everything, GRID)) == 3


def test_of_each_month_the_earliest_record_of_a_square_is_kept_whatever_the_order() -> None:
    everything = recorded(("a", 1, 1), ("a", 1.01, 1.01), ("a", 9, 1))
    days = Occurrences(
        taxa=("a",), label=everything.label, lon_lat=everything.lon_lat, day=np.array([735966, 735965, 735965])
    )
    for order in ([0, 1, 2], [2, 1, 0]):
        mixed = Occurrences(
            taxa=("a",), label=days.label, lon_lat=days.lon_lat[order], day=days.day[order].astype(np.int32)
        )
        thinned = thin_to_km(mixed, GRID, 50)
        assert thinned.lon_lat.tolist() == [[1.01, 1.01]]
        assert thinned.dropped["outside the region"] == 1


@pytest.mark.parametrize("lon", [-180.0, 180.0])
@pytest.mark.parametrize("lat", [-90.0, 90.0])
def test_no_place_of_the_earth_is_lost_by_thinning(lon: float, lat: float) -> None:
    world = Grid(Box(-180, -90, 180, 90), 5)
    assert len(thin_to_km(recorded(("a", lon, lat), ("a", lon, lat)), world, 777)) == 1


def test_the_density_of_effort_is_by_area_and_its_mean_is_one() -> None:
    north = Grid(Box(0, 0, 1, 60), 1)
    cells = np.arange(10, 60)
    weight = north.cell_area(cells)
    known = RelativeEffort(cells=cells, weight=weight, source="s")
    assert effort_density(known, north, cells) == pytest.approx(np.ones(50))
    half = effort_density(RelativeEffort(cells=cells[:25], weight=weight[:25], source="s"), north, cells)
    assert (half[25:] == 0).all() and np.ptp(half[:25]) < 1e-6
    assert np.average(half, weights=weight) == pytest.approx(1)
    assert (effort_density(None, north, cells) == 1).all()
    outside = effort_density(RelativeEffort(cells=np.array([0, 1]), weight=np.ones(2), source="s"), north, cells)
    assert (outside == 0).all()


def test_a_raster_gives_each_cell_its_mean_by_area(tmp_path: Path) -> None:
    values = np.arange(64.0).reshape(8, 8)
    looked = effort_of_raster(raster(tmp_path / "bias.tif", values), GRID, ALL, HERE)
    means = values.reshape(4, 2, 4, 2).mean(axis=(1, 3)).ravel()
    assert looked.cells.tolist() == ALL.tolist() and looked.source == "bias.tif" and looked.share == 1
    assert looked.weight == pytest.approx(means * GRID.cell_area(ALL))


def test_a_raster_of_another_system_and_cells_is_asked_by_place(tmp_path: Path) -> None:
    metres = 111_319.49
    values = np.zeros((40, 40))
    values[:, 20:] = 3  # the eastern half
    path = raster(tmp_path / "m.tif", values, (0, 0, 4 * metres, 4 * metres), crs="EPSG:3857")
    km = EqualAreaGrid(Box(0, 0, 4, 4), 50)
    cells = np.arange(km.cells)
    looked = effort_of_raster(path, km, cells, cells)
    assert (km.centres(looked.cells)[:, 0] > 1.7).all()
    assert np.isin(cells[(km.centres(cells)[:, 0] > 2.3) & (km.centres(cells)[:, 1] < 3.7)], looked.cells).all()


def test_zeros_are_legal_in_places_and_what_is_no_effort_is_counted(tmp_path: Path) -> None:
    values = np.ones((4, 4))
    values[0] = 0
    values[1, 0] = np.nan
    values[2, 0], values[2, 1] = -9999, -1
    values[3, 3] = np.inf
    progress = RecordedProgress()
    looked = effort_of_raster(raster(tmp_path / "b.tif", values), GRID, ALL, np.array([0, 5]), progress)
    assert set(ALL.tolist()) - set(looked.cells.tolist()) == {0, 1, 2, 3, 4, 8, 9, 15}
    said = " ".join(progress.notes)
    assert "It was taken as a value" not in said  # of -9999
    assert "in 2 cells b.tif has values below 0" in said and "no value in 4 of 16 cells" in said
    assert "in 1 of 2 cells with records nobody looked" in said


@pytest.mark.parametrize(
    ("values", "bounds", "said"),
    [
        (np.zeros((4, 4)), (0, 0, 4, 4), "is 0 in all cells that it covers"),
        (np.full((4, 4), np.nan), (0, 0, 4, 4), "has no value in any of the 16 cells"),
        (np.full((4, 4), -1), (0, 0, 4, 4), "no value in any of the 16 cells but such as are below 0"),
        (np.ones((4, 4)), (50, 50, 54, 54), "has no value in any of the 16 cells"),
        (np.ones((4, 4)), (2, 0, 4, 2), "covers none of the 1 cells with records"),
        (np.eye(4)[::-1], (0, 0, 4, 4), "nobody looked in any of the 1 cells with records"),
    ],
)
def test_a_raster_that_says_nothing_of_the_records_is_refused(
    values: NDArray[np.float64], bounds: tuple[float, float, float, float], said: str, tmp_path: Path
) -> None:
    with pytest.raises(InputError, match=said):
        effort_of_raster(raster(tmp_path / "b.tif", values, bounds), GRID, ALL, HERE)


def test_a_raster_of_several_bands_and_what_is_not_a_raster_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="has 3 bands; a raster of relative effort has one"):
        effort_of_raster(write_raster(tmp_path / "c.tif", np.ones((3, 4, 4)), (0, 0, 4, 4)), GRID, ALL, HERE)
    (tmp_path / "t.tif").write_text("lon,lat\n")
    for path in (tmp_path / "t.tif", tmp_path / "none.tif"):
        with pytest.raises(InputError, match="cannot be opened as a raster"):
            effort_of_raster(path, GRID, ALL, HERE)


def places(path: Path, *rows: str, head: str = "lon,lat,weight") -> Path:
    path.write_text("\n".join([head, *rows]))
    return path


def test_places_of_a_table_are_the_background_as_often_as_they_stand_there(tmp_path: Path) -> None:
    table = places(tmp_path / "sites.csv", "0.5,3.5", "0.6,3.6", "3.5,0.5", head="longitude,latitude")
    looked = effort_of_places(table, GRID, ALL)
    assert dict(zip(looked.cells.tolist(), looked.weight, strict=True)) == {0: 2, 15: 1}
    assert looked.share == 1 and looked.source == "the background of sites.csv, 3 places"


def test_what_is_said_of_rows_of_a_background_is_said_as_of_records(tmp_path: Path) -> None:
    progress = RecordedProgress()
    effort_of_places(places(tmp_path / "s.csv", "0.5,3.5", "3.5,0.5", head="x,y"), GRID, ALL, progress=progress)
    assert progress.notes[0] == f"s.csv: 2 rows kept: {NO_CRS}"


def test_weights_add_up_and_those_that_cannot_be_are_dropped_and_counted(tmp_path: Path) -> None:
    rows = [
        "0.5,3.5,2",
        "0.5,3.5,0.5",
        "1.5,3.5,0",
        "2.5,3.5,-1",
        "3.5,3.5,",
        "3.5,3.5,many",
        ",,1",
        "0.5,200,1",
        "9,9,1",
    ]
    progress = RecordedProgress()
    looked = effort_of_places(places(tmp_path / "s.csv", *rows), GRID, ALL, progress=progress)
    assert dict(zip(looked.cells.tolist(), looked.weight, strict=True)) == {0: 2.5}
    assert progress.notes == [
        "s.csv: 1 row dropped: coordinates not on Earth",
        "s.csv: 1 row dropped: no place",
        "s.csv: 2 rows dropped: weight missing or unreadable",
        "s.csv: 1 row dropped: weight below 0",
        "s.csv: 3 of 4 places lie on land of 0,0,4,4; the others are left out.",
        "s.csv is a background of 1 cell alone, which tells little of where the taxa are not.",
    ]


def test_a_background_is_read_by_the_options_of_the_tables(tmp_path: Path) -> None:
    rows = ["0.5,3.5,3,100", "1.5,3.5,4,9000"]
    table = places(tmp_path / "s.csv", *rows, head="east,north,visits,coordinateUncertaintyInMeters")
    named = TableColumns.parse(("lon=east", "lat=north", "weight=visits"))
    looked = effort_of_places(table, GRID, ALL, columns=named, max_uncertainty_km=5)
    assert looked.cells.tolist() == [0] and looked.weight.tolist() == [3]
    usual = places(tmp_path / "u.csv", "0.5,3.5,1")  # beside tables of records whose columns have other names
    assert len(effort_of_places(usual, GRID, ALL, columns=TableColumns.parse(("lon=east", "lat=north"))).cells) == 1
    points = write_geoparquet(tmp_path / "p.parquet", [wkb_point(0.5, 3.5), wkb_point(3.5, 0.5)])
    assert effort_of_places(points, GRID, ALL).cells.tolist() == [0, 15]


def test_a_background_has_its_places_wherever_a_table_of_records_may_have_them(tmp_path: Path) -> None:
    x, y = transformed(WGS84, read_crs("EPSG:32631"), [0.5, 3.5], [3.5, 0.5])
    rows = [f"{east},{north},0.1,0.1" for east, north in zip(x, y, strict=True)]
    both = places(tmp_path / "both.csv", *rows, head="x,y,lon,lat")
    assert effort_of_places(both, GRID, ALL, crs="EPSG:32631").cells.tolist() == [0, 15]
    text = places(tmp_path / "text.csv", "POINT (0.5 3.5)", "POINT (3.5 0.5)", head="WKT")
    assert effort_of_places(text, GRID, ALL).cells.tolist() == [0, 15]
    declared = write_geoparquet(tmp_path / "p.parquet", [wkb_point(0.5, 3.5), wkb_point(3.5, 0.5)])
    assert effort_of_places(declared, GRID, ALL, crs="EPSG:32631").cells.tolist() == [0, 15]


@pytest.mark.parametrize(
    ("rows", "head", "said"),
    [
        (["9,9,1"], "lon,lat,weight", "none of its 1 places lies on land of"),
        (["0.5,0.5,0"], "lon,lat,weight", "the weights of all 1 places on land of .* are 0"),
        (["0.5,0.5,x"], "lon,lat,weight", "both a place and a weight of 0 or more, and 1 have a place alone"),
        ([",,1"], "lon,lat,weight", "no row of it has a place"),
        (["0.5,0.5,1"], "here,there,weight", "no columns of longitude and latitude; its columns are here, there"),
        (["500000,4649776,1"], "x,y,weight", "metres"),
    ],
)
def test_a_background_without_a_place_in_the_cells_is_refused(
    rows: list[str], head: str, said: str, tmp_path: Path
) -> None:
    with pytest.raises(InputError, match=said):
        effort_of_places(places(tmp_path / "s.csv", *rows, head=head), GRID, ALL)


def test_places_in_cells_without_land_are_counted(tmp_path: Path) -> None:
    progress = RecordedProgress()
    table = places(tmp_path / "s.csv", "0.5,3.5,1", "3.5,0.5,1")
    looked = effort_of_places(table, GRID, np.array([0, 1]), within="on land of the world", progress=progress)
    assert looked.cells.tolist() == [0]
    assert progress.notes[:1] == ["s.csv: 1 of 2 places lie on land of the world; the others are left out."]


def test_a_column_of_weights_is_passed_over_in_tables_of_records() -> None:
    assert TableColumns.parse(("weight=w",)).weight == "w"


def test_records_of_another_continent_do_not_say_where_was_looked_here() -> None:
    everything = recorded(("a", 0.5, 3.5), ("b", 100.5, 3.5), ("c", 100.6, 3.5), ("d", 2.5, 0.5), ("d", 0.6, 3.5))
    one = everything.only_taxa(["a"])
    assert effort_of_records(everything.only_taxa(["a", "b", "c"]), one, GRID, ALL) is None
    assert effort_of_records(everything.only_taxa(["b", "c"]), one, GRID, ALL) is None
    looked = effort_of_records(everything, one, GRID, ALL)
    assert looked is not None and looked.source == "the records of 2 taxa"


def test_effort_is_the_same_on_the_cells_of_a_smaller_box() -> None:
    looked = RelativeEffort(cells=np.array([0, 5, 6, 10]), weight=np.array([1.0, 2, 3, 4]), source="a.tif")
    part = effort_within(looked, GRID, Grid(Box(1, 1, 3, 3), 1))  # of cells 5, 6, 9 and 10
    assert part is not None and part.cells.tolist() == [0, 1, 3] and part.weight.tolist() == [2, 3, 4]
    assert part.source == "a.tif" and effort_within(None, GRID, GRID) is None
    over = Grid(Box(179, 0, -179, 1), 1)
    moved = effort_within(replace(looked, cells=np.array([0, 1, 2, 3])), Grid(Box(-180, 0, -176, 1), 1), over)
    assert moved is not None and (moved.cells.tolist(), moved.weight.tolist()) == ([1], [1])
