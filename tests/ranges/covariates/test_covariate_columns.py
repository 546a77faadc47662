"""Columns of tables over cells: means of rows, shares of classes, and what is refused."""

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from numpy.typing import NDArray
from recorded import RecordedProgress

from birdsat.earth.box import Box
from birdsat.earth.grid import Grid
from birdsat.errors import InputError
from birdsat.ranges.covariates.cell_covariates import check_unchanged, read_cells, read_facts
from birdsat.ranges.covariates.facts import Covariate
from birdsat.ranges.covariates.known import check_known
from birdsat.ranges.covariates.named import parse_covariates

GRID = Grid(Box(0, 40, 4, 44), 1.0)  # 4 x 4 cells
HEAD = "lon,lat,ph,cover,note\n"
PH = Covariate(name="ph")


def numbers_of(*texts: str, progress: RecordedProgress | None = None) -> NDArray[np.float32]:
    said = progress or RecordedProgress()
    return read_cells(read_facts(parse_covariates(texts), GRID, said), None, GRID, said).of(np.arange(GRID.cells))


def write_sites(path: Path, rows: str) -> Path:
    path.write_text(HEAD + rows)
    return path


def test_a_cell_has_the_mean_of_its_rows_and_the_share_of_each_class(tmp_path: Path) -> None:
    rows = "0.2,43.5,6,1,a\n0.8,43.1,8,2,b\n0.5,43.5,,2,c\n3.5,40.5,5,7,d\n50,10,9,1,e\n,,9,1,f\n0.5,95,1,1,g\n"
    sites = write_sites(tmp_path / "sites.csv", rows)
    progress = RecordedProgress()
    found = numbers_of(f"acid={sites}:ph", f"cover={sites}:cover:categorical", progress=progress)
    np.testing.assert_allclose(found[0], [7, 1 / 3, 2 / 3, 0], rtol=1e-6)
    np.testing.assert_allclose(found[15], [5, 0, 0, 1])
    assert np.isnan(found[1:15]).all()
    assert "sites.csv: 1 of 7 rows lie outside the box." in progress.notes
    assert "sites.csv: 1 of 7 rows have no number." in progress.notes
    assert any("2 of 7 rows have no place on Earth" in note and "latitude 95" in note for note in progress.notes)


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
        ("note=sites.csv", "'note' .* holds no numbers"),
        ("a=placeless.csv", "says of no row where it lies"),
        ("v=lists.parquet", "'v' .* holds no numbers"),
        ("far=away.csv", "no data in any cell"),
    ],
)
def test_what_cannot_be_read_is_refused(text: str, said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    write_sites(Path("sites.csv"), "1,41,5,1,a\n")
    Path("away.csv").write_text("lon,lat,far\n50,41,7\n")
    Path("placeless.csv").write_text("a,b\n1,2\n")
    pq.write_table(pa.table({"lon": [1.0], "lat": [41.0], "v": [[1.0, 2.0]]}), "lists.parquet")
    with pytest.raises(InputError, match=said) as error:
        numbers_of(text)
    assert error.value.settings[0] == "covariates"


def test_a_table_that_changed_since_is_refused(tmp_path: Path) -> None:
    sites = write_sites(tmp_path / "sites.csv", "0.2,43.5,6,1,a\n")
    facts = read_facts(parse_covariates([f"ph={sites}"]), GRID)
    check_unchanged(facts, None)
    write_sites(sites, "0.2,43.5,7,1,a\n")
    with pytest.raises(InputError, match="which has changed since"):
        check_unchanged(facts, None)


def known(share: float, count: int = 1000) -> NDArray[np.float32]:
    values = np.full((count, 1), np.nan, np.float32)
    values[: round(share * count)] = 1
    return values


@pytest.mark.parametrize(
    ("records", "background", "cells", "refused", "noted"),
    [
        (1.0, 1.0, 1.0, False, ""),
        (0.5, 0.5, 0.5, False, ""),
        (0.1, 0.1, 0.1, False, ""),  # of a tenth of all alike
        (1.0, 0.03, 0.02, True, ""),  # measured where the records are
        (1.0, 0.97, 0.02, True, ""),  # and at those of other taxa
        (0.0, 0.9, 0.9, True, ""),  # everywhere but where they are
        (1.0, 0.5, 0.5, False, "the fit can tell them by that"),
        (1.0, 1.0, 0.02, False, "by its area of applicability"),  # at all places that are compared
    ],
)
def test_a_covariate_that_says_where_it_was_measured_is_refused_or_noted(
    records: float, background: float, cells: float, refused: bool, noted: str
) -> None:
    progress = RecordedProgress()
    given = known(records), known(background), np.ones(1000), known(cells)
    if refused:
        with pytest.raises(InputError, match="would learn where it was measured"):
            check_known([PH], *given, progress)
        return
    check_known([PH], *given, progress)
    assert noted in " ".join(progress.notes) and bool(progress.notes) is bool(noted)


def test_places_of_the_background_weigh_as_often_as_they_are_drawn() -> None:
    values, weight = known(0.03), np.where(np.arange(1000) < 30, 1000.0, 0.001)
    progress = RecordedProgress()
    check_known([PH], known(1.0), values, weight, known(1.0), progress)
    assert not progress.notes
