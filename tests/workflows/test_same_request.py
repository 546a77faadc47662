"""A verb started again over what it made: done where the request and its inputs are the same, and only there."""

import hashlib
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from recorded import RecordedProgress
from small_disk import SmallDisk
from tiny_world import TAXA, TinyWorld

from birdsat.errors import ConfigError
from birdsat.ranges.facts import KEPT_FILES
from birdsat.workflows import fit_ranges
from birdsat.workflows.fit_ranges import FitResult
from birdsat.workflows.map_taxon import map_taxon
from birdsat.workflows.requests.maps import MapRequest, RichnessRequest
from birdsat.workflows.requests.ranges import FitRequest
from birdsat.workflows.richness import map_richness
from birdsat.workflows.same_request import request_fingerprint

MADE = "by this request already"


def tree(folder: Path) -> dict[str, str]:
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in folder.iterdir()}


def fit(out: Path, world: TinyWorld, progress: RecordedProgress | None = None, **more: Any) -> FitResult:
    request = FitRequest(tables=world.records, region=world.region, out=out, **more)
    return fit_ranges.fit_ranges(request, progress or RecordedProgress())


def test_a_finished_range_model_on_a_read_only_disk_is_done(
    tiny_world: TinyWorld, small_fits: list[int], small_disk: Callable[[int], SmallDisk]
) -> None:
    disk = small_disk(8000)
    before = fit(disk.folder / "ranges", tiny_world)
    disk.refuse_writing()
    progress = RecordedProgress()
    again = fit(disk.folder / "ranges", tiny_world, progress)
    assert again.to_dict() == before.to_dict() and again.files == before.files and len(small_fits) == 1
    assert any("holds the range model of this request already" in note for note in progress.notes)


def test_a_fit_again_makes_what_is_missing_and_anew_what_was_asked_otherwise(
    tiny_world: TinyWorld, small_fits: list[int], tmp_path: Path
) -> None:
    world, out = tiny_world.copied(tmp_path / "world"), tmp_path / "out"
    fit(out, world)
    whole = tree(out)
    next(out.glob(KEPT_FILES)).unlink()
    fit(out, world)
    assert tree(out) == whole and len(small_fits) == 1
    fit(out, world, seed=1)
    assert len(small_fits) == 2
    with world.records.open("a") as rows:
        rows.write(rows_of(world)[-1])
    fit(out, world, seed=1)
    assert len(small_fits) == 3
    (out / "ranges.safetensors").write_bytes(b"cut short")
    fit(out, world, seed=1)
    assert len(small_fits) == 4


def rows_of(world: TinyWorld) -> list[str]:
    return world.records.read_text().splitlines(keepends=True)


def test_finished_maps_on_a_read_only_disk_are_done(
    tiny_world: TinyWorld, small_fits: list[int], small_disk: Callable[[int], SmallDisk]
) -> None:
    disk = small_disk(8000)
    asked: list[tuple[Any, Any]] = [
        (map_taxon, MapRequest(taxon=TAXA[:2], ranges=tiny_world.ranges, out=disk.folder / "fitted", also=("csv",))),
        (
            map_taxon,
            MapRequest(taxon=TAXA[0], run=tiny_world.run, region=tiny_world.region, out=disk.folder / "photos"),
        ),
        (
            map_taxon,
            MapRequest(
                taxon=TAXA[:2], occurrences=tiny_world.records, region=tiny_world.region, out=disk.folder / "records"
            ),
        ),
        (map_richness, RichnessRequest(ranges=tiny_world.ranges, out=disk.folder)),
    ]
    before = [verb(request).to_dict() for verb, request in asked]
    disk.refuse_writing()
    progress = RecordedProgress()
    assert [verb(request, progress).to_dict() for verb, request in asked] == before
    assert len(small_fits) == 1 and sum(MADE in note for note in progress.notes) == len(asked)


def test_of_several_maps_only_those_that_are_missing_are_made(
    tiny_world: TinyWorld, small_fits: list[int], tmp_path: Path
) -> None:
    request = MapRequest(taxon=TAXA, occurrences=tiny_world.records, region=tiny_world.region, out=tmp_path)
    whole = map_taxon(request).to_dict()
    times = {file.name: file.stat().st_mtime_ns for file in tmp_path.iterdir()}
    bands = (tmp_path / "Parus_major.png").read_bytes()
    for file in tmp_path.glob("Parus_major.*"):
        file.unlink()
    progress = RecordedProgress()
    assert map_taxon(request, progress).to_dict() == whole and len(small_fits) == 2
    assert (tmp_path / "Parus_major.png").read_bytes() == bands
    assert f"Corvus corax, Pica pica: mapped {MADE}." in progress.notes
    for file in tmp_path.iterdir():
        assert (file.stat().st_mtime_ns == times[file.name]) == ("Parus" not in file.name)


@pytest.mark.parametrize("lost", [".png", ".json", ".qml", "_effort.tif"])
def test_a_map_that_was_not_finished_is_made_again(
    lost: str, tiny_world: TinyWorld, small_fits: list[int], tmp_path: Path
) -> None:
    """As where the disk was full before its last file."""
    request = MapRequest(taxon=TAXA[0], occurrences=tiny_world.records, region=tiny_world.region, out=tmp_path)
    made = map_taxon(request)
    file = tmp_path / f"{TAXA[0].replace(' ', '_')}{lost}"
    file.unlink()
    assert map_taxon(request, RecordedProgress()).to_dict() == made.to_dict() and file.is_file()
    with pytest.raises(ConfigError, match="exists already"):
        map_taxon(replace(request, months=(2,)))


def test_formats_are_added_to_a_map_and_files_of_others_beside_it_are_kept(
    tiny_world: TinyWorld, small_fits: list[int], tmp_path: Path
) -> None:
    request = MapRequest(taxon=TAXA[0], ranges=tiny_world.ranges, out=tmp_path)
    map_taxon(request)
    added = map_taxon(replace(request, also=("csv",)))
    assert [file.suffix for file in added.files] == [".tif", ".png", ".csv", ".tif"]
    notes = tmp_path / "Corvus_corax.nc"
    notes.write_text("mine")
    with pytest.raises(ConfigError, match=r"Corvus_corax\.nc exists already"):
        map_taxon(replace(request, also=("netcdf", "parquet")))
    assert notes.read_text() == "mine"


@pytest.mark.parametrize("change", [{"months": (1,)}, {"points": "records"}, {"ranges": "other"}])
def test_a_map_that_is_asked_otherwise_is_not_taken_for_done(
    change: dict[str, Any], tiny_world: TinyWorld, small_fits: list[int], tmp_path: Path
) -> None:
    world = tiny_world.copied(tmp_path / "world")
    asked = {"taxon": TAXA[0], "ranges": world.ranges, "out": tmp_path / "maps"}
    map_taxon(MapRequest(**asked))
    if "points" in change:
        change = {"points": world.records}
    if "ranges" in change:  # another model under the same name
        shutil.rmtree(world.ranges)
        change = {}
        fit(world.ranges, world, seed=5)
    with pytest.raises(ConfigError, match="exists already"):
        map_taxon(MapRequest(**(asked | change)))


def test_the_name_of_a_file_and_what_changes_no_number_have_no_part_in_a_request(
    tiny_world: TinyWorld, tmp_path: Path
) -> None:
    first = FitRequest(tables=tiny_world.records, region=tiny_world.region, out=tmp_path / "a")
    world = tiny_world.copied(tmp_path / "moved")
    moved = FitRequest(tables=world.records, region=str(world.region), out="elsewhere")
    assert request_fingerprint(first) == request_fingerprint(moved)
    absent = FitRequest(tables=tmp_path / "none.csv", region=world.region, out="elsewhere")
    assert request_fingerprint(absent) != request_fingerprint(moved)


def test_a_folder_of_others_is_all_that_lies_in_it(tiny_world: TinyWorld, tmp_path: Path) -> None:
    ranges = tmp_path / "ranges"
    ranges.mkdir()
    (ranges / "a.geojson").write_text("{}")
    request = FitRequest(tables=tiny_world.records, out=tmp_path, taxonomy="avilist", range_folder=ranges)
    before = request_fingerprint(request)
    assert request_fingerprint(request) == before
    (ranges / "photo.jpg").write_bytes(b"nobody reads it")
    assert request_fingerprint(request) == before
    (ranges / "a.geojson").write_text("{ }")
    assert request_fingerprint(request) != before


def test_the_area_of_a_map_is_what_its_file_holds_its_layer_and_the_crs_beside_it(
    tiny_world: TinyWorld, tmp_path: Path
) -> None:
    def fingerprint(**more: str) -> str:
        asked: dict[str, Any] = {"taxon": TAXA[0], "occurrences": tiny_world.records, "within": tmp_path / "a.shp"}
        return request_fingerprint(MapRequest(**asked, **more))

    (tmp_path / "a.shp").write_text("one")
    found = [fingerprint(), fingerprint(within_layer="a"), fingerprint(crs="EPSG:25832")]
    (tmp_path / "a.prj").write_text("one")
    found.append(fingerprint())
    (tmp_path / "a.shp").write_text("another")
    found.append(fingerprint())
    assert len(set(found)) == 5


def test_a_package_is_its_tables_also_where_its_description_is_named(tmp_path: Path) -> None:
    (tmp_path / "datapackage.json").write_text("{}")
    (tmp_path / "observations.csv").write_text("a")
    for named in (tmp_path, tmp_path / "datapackage.json"):
        request = FitRequest(tables=named, out=tmp_path / "out")
        before = request_fingerprint(request)
        (tmp_path / "observations.csv").write_text(f"of {named.name}")
        assert request_fingerprint(request) != before


def test_a_list_of_taxa_is_what_it_holds_and_the_order_of_taxa_says_nothing(tmp_path: Path) -> None:
    (tmp_path / "mine.csv").write_text("scientific_name\nPica pica\n")
    asked: dict[str, Any] = {"occurrences": "t.csv", "taxonomy": str(tmp_path / "mine.csv")}
    one, other = (MapRequest(taxon=taxa, **asked) for taxa in (TAXA, TAXA[::-1]))
    before = request_fingerprint(one)
    assert request_fingerprint(other) == before
    (tmp_path / "mine.csv").write_text("scientific_name\nPica hudsonia\n")
    assert request_fingerprint(one) != before


def test_the_cells_that_a_range_model_remembers_are_an_input(tiny_world: TinyWorld, tmp_path: Path) -> None:
    world = tiny_world.copied(tmp_path / "world")
    request = MapRequest(taxon=TAXA[0], ranges=world.ranges)
    before = request_fingerprint(request)
    with (world.region / "region.json").open("a") as file:
        file.write(" ")
    assert request_fingerprint(request) != before


def test_another_built_in_world_is_another_input(
    tiny_world: TinyWorld, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    on_world = FitRequest(tables=tiny_world.records, out=tmp_path)
    on_region = FitRequest(tables=tiny_world.records, out=tmp_path, region=tiny_world.region)
    before = request_fingerprint(on_world), request_fingerprint(on_region)
    (tmp_path / "world.json").write_text("of another release")
    monkeypatch.setattr("birdsat.workflows.same_request.WORLD_FOLDER", tmp_path)
    assert request_fingerprint(on_world) != before[0] and request_fingerprint(on_region) == before[1]
