import csv
import datetime
import json

import numpy as np
import pytest
from rich.console import Console

from birdsat.earth.box import Box
from birdsat.earth.grid import Grid
from birdsat.errors import ConfigError, InputError
from birdsat.maps.richness import SuitabilityBlock
from birdsat.maps.survey_gaps import survey_gaps
from birdsat.observations.occurrence_grid import effort, recorded_cells
from birdsat.observations.occurrences import Occurrences

GRID = Grid(Box(170, -10, -170, 10), 5)  # 4 x 4 cells over the antimeridian
TAXA = ("tit", "wren", "owl")  # in the model's order, which is not the alphabet's
MONTHS = (1, 5, 7)


def records(n=200, seed=0):
    random = np.random.default_rng(seed)
    lon = random.uniform(170, 190, n)
    return Occurrences(
        taxa=("owl", "robin", "wren"),
        label=np.sort(random.integers(0, 3, n)).astype(np.int32),
        lon_lat=np.stack([(lon + 180) % 360 - 180, random.uniform(-10, 10, n)], axis=1),
        day=np.where(
            random.random(n) < 0.1, 0, datetime.date(2020, 1, 1).toordinal() + random.integers(0, 366, n)
        ).astype(np.int32),
    )


def blocks(suitability, size):
    for start in range(0, 16, size):
        part = np.arange(start, min(start + size, 16))
        yield SuitabilityBlock(cells=part, suitability=suitability[:, :, part])


def found(suitability, *, size=5, least=0.5, **settings):
    looked = records()
    return survey_gaps(
        blocks(suitability, size),
        TAXA,
        MONTHS,
        GRID,
        recorded=recorded_cells(looked, GRID, TAXA),
        effort=effort(looked, GRID),
        **({"threshold": least, "thresholds": least if isinstance(least, tuple) else (least,) * len(TAXA)} | settings),
    )


def suitabilities(seed=1):
    suitability = np.random.default_rng(seed).random((3, 3, 16)).astype(np.float32)
    suitability[:, :, 6] = np.nan
    return suitability


def slowly(suitability, threshold):
    """Every gap, by its definition."""
    looked = records()
    cell, month = GRID.cells_at(*looked.lon_lat.T), looked.month
    gaps = []
    for t, taxon in enumerate(TAXA):
        for m, when in enumerate(MONTHS):
            for c in range(16):
                here = (cell == c) & ((month == when) | (month == 0))
                seen = taxon in looked.taxa and (here & (looked.label == looked.taxa.index(taxon))).any()
                if suitability[t, m, c] >= threshold and not seen:
                    e = np.count_nonzero((cell == c) & (month == when)) + np.count_nonzero(here & (month == 0)) / 12
                    gaps.append((-suitability[t, m, c] / (1 + e), t, when, c, e))
    return sorted(gaps)


def test_gaps_are_those_of_the_definition_in_its_order():
    suitability = suitabilities()
    gaps, expected = found(suitability, least=0.4), slowly(suitability, 0.4)
    assert gaps.found == len(expected) == len(gaps.label) > 20
    np.testing.assert_allclose(gaps.rank, [-gap[0] for gap in expected], rtol=1e-6)
    assert gaps.label.tolist() == [gap[1] for gap in expected]
    assert gaps.month.tolist() == [gap[2] for gap in expected]
    np.testing.assert_allclose(gaps.effort, [gap[4] for gap in expected])
    row, column = np.divmod([gap[3] for gap in expected], 4)
    np.testing.assert_allclose(gaps.lon_lat[:, 0], (GRID.lon[column] + 180) % 360 - 180)
    np.testing.assert_allclose(gaps.lon_lat[:, 1], GRID.lat[row])


def test_each_taxon_is_expected_from_its_own_threshold():
    suitability, own = suitabilities(), (0.2, 0.5, 0.9)
    gaps = found(suitability, least=own, threshold="p10")
    for label, least in enumerate(own):
        alone = found(suitability, least=least)
        assert np.count_nonzero(gaps.label == label) == np.count_nonzero(alone.label == label) > 0
    assert gaps.to_dict()["threshold"] == "p10"
    assert all(row["threshold"] == pytest.approx(own[TAXA.index(row["taxon"])]) for row in gaps.to_dict()["gaps"])
    assert "of p10 (0.2 to 0.9) or more" in gaps.table().caption
    assert "suitability 0.4 or more" in found(suitability, least=0.4).table().caption


def test_the_size_of_the_blocks_changes_nothing_even_where_ranks_are_equal():
    flat = np.full((3, 3, 16), 0.75, np.float32)
    whole = found(flat, size=16, max_gaps=10)
    for size in (1, 3, 7):
        assert found(flat, size=size, max_gaps=10).to_dict() == whole.to_dict()
    assert len(whole.label) == 10 < whole.found


def test_a_gap_in_the_middle_of_nowhere_outranks_one_where_many_looked():
    gaps = found(np.full((3, 3, 16), 0.75, np.float32))
    assert (np.diff(gaps.rank) <= 0).all()
    assert gaps.effort[0] < gaps.effort[-1]


def test_gaps_as_a_table_a_file_and_a_dictionary_say_the_same(tmp_path):
    gaps = found(suitabilities(), least=0.6)
    gaps.write_csv(tmp_path / "gaps.csv")
    with (tmp_path / "gaps.csv").open() as file:
        rows = list(csv.DictReader(file))
    plain = json.loads(json.dumps(gaps.to_dict()))
    assert [{key: str(value) for key, value in gap.items()} for gap in plain["gaps"]] == rows
    assert plain["found"] == len(rows)
    console = Console(width=100)
    with console.capture() as captured:
        console.print(gaps.table(most=2))
    assert f"{gaps.found} cells and months" in captured.get()
    assert captured.get().count(rows[0]["taxon"]) + captured.get().count(rows[1]["taxon"]) >= 2


def test_nothing_expected_gives_no_gaps():
    gaps = found(np.zeros((3, 3, 16), np.float32))
    assert (gaps.found, len(gaps.label), gaps.to_dict()["gaps"]) == (0, 0, [])


def test_settings_out_of_range_and_other_taxa_or_months_are_refused():
    for setting in ({"least": 0.0}, {"least": 1.5}, {"max_gaps": 0}):
        with pytest.raises(ConfigError, match="threshold"):
            found(suitabilities(), **setting)
    with pytest.raises(InputError, match="3 taxa and suitabilities of 2"):
        found(suitabilities()[:2])
    with pytest.raises(InputError, match="3 months are named"):
        found(suitabilities()[:, :2])
