"""Columns of tables over cells: means of rows, shares of classes, and what is refused."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from numpy.typing import NDArray
from recorded import RecordedProgress

from birdsat.earth.box import Box
from birdsat.earth.crs import WGS84, read_crs, transformed
from birdsat.earth.grid import Grid
from birdsat.errors import InputError
from birdsat.observations.readers.columns import TableColumns
from birdsat.ranges.covariates.cell_covariates import check_unchanged, read_cells, read_facts
from birdsat.ranges.covariates.facts import Covariate, CovariateSource
from birdsat.ranges.covariates.known import Places, unevenly_known
from birdsat.ranges.covariates.named import parse_covariates

GRID = Grid(Box(0, 40, 4, 44), 1.0)  # 4 x 4 cells
HEAD = "lon,lat,ph,cover,note\n"
PH = Covariate(name="ph")


def facts_of(*texts: str, progress: RecordedProgress | None = None) -> tuple[CovariateSource, ...]:
    return read_facts(parse_covariates(texts), GRID, progress=progress or RecordedProgress())


def numbers_of(*texts: str, progress: RecordedProgress | None = None) -> NDArray[np.float32]:
    said = progress or RecordedProgress()
    return read_cells(facts_of(*texts, progress=said), None, GRID, said).of(np.arange(GRID.cells))


def write_sites(path: Path, rows: str) -> Path:
    path.write_text(HEAD + rows)
    return path


def test_a_cell_has_the_mean_of_its_rows_and_the_share_of_each_class(tmp_path: Path) -> None:
    rows = "0.2,43.5,6,1,a\n0.8,43.1,8,2,b\n0.5,43.5,,,c\n3.5,40.5,5,7,d\n50,10,9,1,e\n,,9,1,f\n0.5,95,1,1,g\n"
    sites = write_sites(tmp_path / "sites.csv", rows)
    progress = RecordedProgress()
    found = numbers_of(f"acid={sites}:ph", f"cover={sites}:cover:categorical", progress=progress)
    np.testing.assert_allclose(found[0], [7, 0.5, 0.5, 0])
    np.testing.assert_allclose(found[15], [5, 0, 0, 1])
    assert np.isnan(found[1:15]).all()
    assert progress.notes == [
        "sites.csv: 1 row dropped: latitude beyond 90 that is in range as a longitude",
        "sites.csv: 1 row dropped: no place",
        "sites.csv: 1 of 5 places lie outside the box.",
        "sites.csv: 1 row in the box without a value.",
    ]


def test_words_are_classes_and_so_are_numbers_that_are_written_as_text(tmp_path: Path) -> None:
    rows = [("0.2,43.5", "Forest", "1"), ("0.8,43.1", " wet meadow ", "10"), ("0.5,43.5", "", "2")]
    rows += [("3.5,40.5", "Forest", "10.0"), ("3.4,40.5", "NA", "n/a"), ("50,10", "Desert", "3")]
    sites = tmp_path / "sites.csv"
    sites.write_text("\n".join(["lon,lat,habitat,code", *(",".join(row) for row in rows)]))
    habitat, code = facts_of(f"habitat={sites}:habitat:categorical", f"code={sites}:code:categorical")
    assert habitat.covariates == (Covariate(name="habitat", columns=("Forest", "wet meadow"), categorical=True),)
    assert code.covariates == (Covariate(name="code", columns=("1", "2", "10"), categorical=True),)
    found = read_cells([habitat, code], None, GRID).of(np.arange(GRID.cells))
    np.testing.assert_allclose(found[0], [0.5, 0.5, 1 / 3, 1 / 3, 1 / 3])
    np.testing.assert_allclose(found[15], [1, 0, 0, 0, 1])
    assert np.isnan(found[1:15]).all()


def test_a_word_that_a_model_does_not_know_is_no_class_of_it_and_rare_ones_are_pooled(tmp_path: Path) -> None:
    common = "".join(f"{lon},43.5,{word}\n" for lon in (0.3, 0.6) for word in ["other", "sand"] * 1000)
    sites = tmp_path / "sites.csv"
    sites.write_text("lon,lat,soil\n" + common + "3.5,40.5,silt\n")
    progress = RecordedProgress()
    (facts,) = facts_of(f"soil={sites}:soil:categorical", progress=progress)
    assert facts.covariates[0].columns == ("other", "sand", "all other")
    assert any("3 classes in these cells; the 2 most common" in note for note in progress.notes)
    np.testing.assert_allclose(read_cells([facts], None, GRID).of(np.array([0, 15])), [[0.5, 0.5, 0], [0, 0, 1]])
    known = replace(facts, pooled=False)
    assert np.isnan(read_cells([known], None, GRID).of(np.array([15]))).all()


def test_columns_of_truths_are_classes(tmp_path: Path) -> None:
    table = {"lon": [0.5, 0.6, 3.5], "lat": [43.5, 43.5, 40.5], "burnt": [True, False, True]}
    pq.write_table(pa.table(table), tmp_path / "a.parquet")
    (facts,) = facts_of(f"burnt={tmp_path / 'a.parquet'}:burnt:categorical")
    assert facts.words == ("false", "true")
    np.testing.assert_allclose(read_cells([facts], None, GRID).of(np.array([0, 15])), [[0.5, 0.5], [0, 1]])


def test_places_are_read_by_the_columns_and_the_crs_of_records(tmp_path: Path) -> None:
    lon, lat = np.array([0.5, 1.5, 3.5]), np.array([43.5, 42.5, 40.5])
    x, y = transformed(WGS84, read_crs("EPSG:32631"), lon, lat)
    sites = tmp_path / "sites.csv"
    rows = "".join(f"{east},{north},{value}\n" for east, north, value in zip(x, y, (5, 6, 7), strict=True))
    sites.write_text("rw,hw,ph\n" + rows)
    named = TableColumns(taxon="species", lon="rw", lat="hw")
    (facts,) = read_facts(parse_covariates([f"ph={sites}"]), GRID, columns=named, crs="EPSG:32631")
    np.testing.assert_allclose(read_cells([facts], None, GRID).of(GRID.cells_at(lon, lat)), [[5], [6], [7]])
    assert (facts.lon, facts.lat, facts.crs) == ("rw", "hw", "EPSG:32631")
    with pytest.raises(InputError, match="metres of a map projection"):
        read_cells([replace(facts, crs="")], None, GRID)


def test_columns_of_places_that_the_table_has_not_are_found_by_their_usual_names(tmp_path: Path) -> None:
    sites = write_sites(tmp_path / "sites.csv", "0.2,43.5,6,1,a\n")
    (facts,) = read_facts(parse_covariates([f"ph={sites}"]), GRID, columns=TableColumns(lon="X", lat="Y"))
    assert (facts.lon, facts.lat) == ("", "") and read_cells([facts], None, GRID).of(np.array([0])) == 6


def test_points_in_a_column_of_text_are_places(tmp_path: Path) -> None:
    sites = tmp_path / "sites.csv"
    sites.write_text("WKT,ph\nPOINT (0.2 43.5),6\nPOINT (3.5 40.5),5\n")
    np.testing.assert_allclose(numbers_of(f"ph={sites}")[[0, 15], 0], [6, 5])


def test_columns_of_parquet_are_read_as_those_of_text(tmp_path: Path) -> None:
    generator = np.random.default_rng(0)
    lon, lat, value = generator.uniform(0, 4, 500), generator.uniform(40, 44, 500), generator.normal(0, 1, 500)
    pq.write_table(pa.table({"longitude": lon, "latitude": lat, "value": value}), tmp_path / "a.parquet")
    text = "\n".join(f"{x!r},{y!r},{z!r}" for x, y, z in zip(lon.tolist(), lat.tolist(), value.tolist(), strict=True))
    (tmp_path / "b.csv").write_text(f"longitude,latitude,value\n{text}\n")
    one, other = (numbers_of(f"value={tmp_path / name}") for name in ("a.parquet", "b.csv"))
    np.testing.assert_array_equal(one, other)
    cells = GRID.cells_at(lon, lat)
    np.testing.assert_allclose(one[5, 0], value[cells == 5].mean(), rtol=1e-6)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("ph=none.csv", "does not exist"),
        ("acid=sites.csv", r"no column 'acid'.* Its columns are lon, lat, ph, cover, note"),
        ("acid=sites.csv:phs", "nearest: 'ph'"),
        ("note=sites.csv", "'note' .* holds no numbers; .* :categorical"),
        ("a=placeless.csv", "no columns of longitude and latitude"),
        ("note=away.csv:note:categorical", "no data in any cell"),
        ("v=lists.parquet", "'v' .* holds no numbers"),
        ("far=away.csv", "no data in any cell"),
    ],
)
def test_what_cannot_be_read_is_refused(text: str, said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    write_sites(Path("sites.csv"), "1,41,5,1,a\n")
    Path("away.csv").write_text("lon,lat,far,note\n50,41,7,a\n")
    Path("placeless.csv").write_text("a,b\n1,2\n")
    pq.write_table(pa.table({"lon": [1.0], "lat": [41.0], "v": [[1.0, 2.0]]}), "lists.parquet")
    with pytest.raises(InputError, match=said) as error:
        numbers_of(text)
    assert error.value.settings[0] == ("columns" if "placeless" in text else "covariates")


def test_a_table_that_changed_since_is_refused(tmp_path: Path) -> None:
    sites = write_sites(tmp_path / "sites.csv", "0.2,43.5,6,1,a\n")
    facts = read_facts(parse_covariates([f"ph={sites}"]), GRID)
    check_unchanged(facts, None)
    write_sites(sites, "0.2,43.5,7,1,a\n")
    with pytest.raises(InputError, match="which has changed since"):
        check_unchanged(facts, None)


def test_what_stands_for_no_number_is_none_and_a_lone_one_is_noted(tmp_path: Path) -> None:
    grid = "".join(f"{0.1 + 0.01 * n},43.5,NA,1,x\n" for n in range(300))  # as R writes a grid from the sea on
    rows = "1.5,43.5,6,1,a\n1.6,43.5,1e300,1,a\n1.7,43.5,-3.4e38,1,a\n2.5,43.5,5,1,a\n2.6,43.5,-9999,1,a\n"
    more = "".join(f"3.5,40.5,{value},1,a\n" for value in (4.0, 5.5, 6.5))
    sites = write_sites(tmp_path / "sites.csv", grid + rows + more)
    progress = RecordedProgress()
    found = numbers_of(f"ph={sites}", progress=progress)[:, 0]
    assert np.isnan(found[0]) and found[1] == 6 and found[2] == (5 - 9999) / 2
    assert any("-9999" in note and "leave the cells of the table empty" in note for note in progress.notes)
    assert not any("words in place of numbers" in note for note in progress.notes)


def test_columns_of_one_table_are_read_together_and_said_once(tmp_path: Path) -> None:
    sites = write_sites(tmp_path / "sites.csv", "0.2,43.5,6,1,a\n50,10,9,1,e\n3.5,40.5,5,7,d\n")
    progress = RecordedProgress()
    found = numbers_of(f"acid={sites}:ph", f"lat={sites}", f"c={sites}:cover", progress=progress)
    np.testing.assert_allclose(found[[0, 15]], [[6, 43.5, 1], [5, 40.5, 7]])
    assert progress.notes == ["sites.csv: 1 of 3 places lie outside the box."]


def places(share: float, count: int = 1000, land: float = 1.0, weight: NDArray[np.float64] | None = None) -> Places:
    """The first of which are on land; of a share a covariate is known."""
    values = np.full((count, 1), np.nan, np.float32)
    values[: round(share * count)] = 1
    on_land = np.arange(count) < round(land * count)
    return Places(values=values, on_land=on_land, weight=np.ones(count) if weight is None else weight)


def said(records: Places, background: Places, cells: Places, taxa: int = 1) -> str:
    count = len(records.values)
    names = [f"taxon {label}" for label in range(taxa)]
    return " ".join(unevenly_known([PH], names, np.arange(count) * taxa // count, records, background, cells))


@pytest.mark.parametrize(
    ("records", "background", "cells", "refused", "noted"),
    [
        (1.0, 1.0, 1.0, False, ""),
        (0.5, 0.5, 0.5, False, ""),
        (0.1, 0.1, 0.1, False, ""),  # of a tenth of all alike
        (1.0, 0.03, 0.02, True, "between the records"),  # measured where the records are
        (1.0, 0.97, 0.02, True, "between the records"),  # and at those of other taxa
        (0.0, 0.9, 0.9, True, "where the records are as well"),  # everywhere but where they are
        (1.0, 0.5, 0.5, False, "may be where it was measured"),
        (0.2, 0.1, 0.01, False, "may be where it was measured"),  # of one country, on a map of the world
        (1.0, 1.0, 0.02, False, "as its area of applicability says"),  # at all places that are compared
    ],
)
def test_a_covariate_that_says_where_it_was_measured_is_refused_or_noted(
    records: float, background: float, cells: float, refused: bool, noted: str
) -> None:
    given = places(records), places(background), places(cells)
    if refused:
        with pytest.raises(InputError, match=f"would learn where it was measured; .*{noted}"):
            said(*given)
        return
    assert noted in said(*given) and bool(said(*given)) is bool(noted)


def test_places_of_the_background_weigh_as_often_as_they_are_drawn() -> None:
    weight = np.where(np.arange(1000) < 30, 1000.0, 0.001)
    assert not said(places(1.0), places(0.03, weight=weight), places(1.0))


def test_what_is_known_on_land_alone_tells_land_from_sea_and_not_where_it_was_measured() -> None:
    assert not said(places(1.0), places(0.1, land=0.1), places(0.1, land=0.1))
    with pytest.raises(InputError):  # of a taxon of the sea it is where nothing was measured
        said(places(0.0, land=0.0), places(0.9, land=0.9), places(0.9, land=0.9))


def test_a_few_records_where_it_is_not_known_are_chance() -> None:
    assert "may be where it was measured" in said(places(0.0, count=2), places(0.6), places(0.6))


def test_a_taxon_alone_of_which_it_is_not_known_is_named() -> None:
    noted = said(places(0.9), places(0.9), places(0.9), taxa=10)
    assert "of the places of taxon 9 than elsewhere" in noted
    assert not said(places(0.9, count=90), places(0.9), places(0.9), taxa=10)  # of nine records, by chance
