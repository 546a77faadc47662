"""Presence and absence in one fit, from tables."""

import json
import re
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from recorded import RecordedProgress
from small_world import GRID

from birdsat.cli import main
from birdsat.earth.land import on_land
from birdsat.errors import ConfigError, InputError
from birdsat.ranges.model import RangeModel
from birdsat.workflows.fit_ranges import fit_ranges
from birdsat.workflows.map_taxon import map_taxon
from birdsat.workflows.requests.maps import MapRequest
from birdsat.workflows.requests.ranges import FitRequest

pytestmark = pytest.mark.usefixtures("small_fits", "small_world")

TAXON, OTHER = "Corvus corax", "Pica pica"


def places(west: float, south: float, east: float, north: float, count: int = 40) -> NDArray[np.float64]:
    generator = np.random.default_rng(0)
    lon, lat = generator.uniform(west, east, 20 * count), generator.uniform(south, north, 20 * count)
    land = np.flatnonzero(on_land(lon, lat))
    lon_lat = np.column_stack([lon[land], lat[land]])
    cells = GRID.cells_at(*lon_lat.T)
    _, first = np.unique(cells, return_index=True)  # one of each
    return lon_lat[np.sort(first)[:count]]


def survey(path: Path, *parts: tuple[str, NDArray[np.float64], int], date: str = "2020-06-01") -> Path:
    """A table of taxa at places, each found (1) or not (0)."""
    rows = [f"{taxon},{lon:.4f},{lat:.4f},{date},{found}" for taxon, at, found in parts for lon, lat in at.tolist()]
    path.write_text("\n".join(["species,lon,lat,date,presence", *rows]) + "\n")
    return path


WEST, EAST = places(0, 42, 12, 55), places(16, 44, 30, 60)
ABSENT = len(EAST)  # cells


def fitted(table: Path, out: Path, progress: RecordedProgress | None = None, **settings: object) -> RangeModel:
    request = FitRequest(tables=[table], out=out, **settings)  # type: ignore[arg-type]
    return fit_ranges(request, progress or RecordedProgress()).model


def test_absences_are_learned_from_where_they_are_asked_for_and_noted_where_they_are_not(tmp_path: Path) -> None:
    table = survey(tmp_path / "t.csv", (TAXON, WEST, 1), (TAXON, EAST, 0), (OTHER, EAST, 1), (OTHER, WEST[:3], 0))
    without, asked = RecordedProgress(), RecordedProgress()
    model = fitted(table, tmp_path / "without", without)
    assert model.facts.absences == ()
    assert any(
        f"{ABSENT + 3} rows say that a taxon was looked for and not found, and are not used" in n for n in without.notes
    )
    model = fitted(table, tmp_path / "asked", asked, absences=True)
    assert model.facts.absences == (ABSENT, 0) and model.facts.points == (len(WEST), ABSENT)
    assert f"{ABSENT} absences of 1 taxon, one a cell and month, are learned from." in asked.notes
    assert f"3 absences are not used, of taxa with fewer than 5 in different cells or months: {OTHER}." in asked.notes
    assert 0.5 < model.evaluation["held_out_survey_auc"] <= 1


def test_a_table_without_an_absence_gives_the_same_model_to_the_last_bit_and_a_note(tmp_path: Path) -> None:
    table, progress = survey(tmp_path / "t.csv", (TAXON, WEST, 1), (OTHER, EAST, 1)), RecordedProgress()
    models = [fitted(table, tmp_path / "one"), fitted(table, tmp_path / "two", progress, absences=True)]
    one, two = (model.network.state_dict() for model in models)
    assert all(bool((one[name] == two[name]).all()) for name in one)
    assert models[0].evaluation == models[1].evaluation
    assert any("no row of the tables says that a taxon was looked for and not found" in note for note in progress.notes)


def test_one_absence_and_absences_beside_presences_change_nothing_and_are_noted(tmp_path: Path) -> None:
    table, progress = tmp_path / "t.csv", RecordedProgress()
    survey(table, (TAXON, WEST, 1), (TAXON, WEST, 0), (TAXON, EAST[:1], 0), (OTHER, EAST, 1))
    model = fitted(table, tmp_path / "ranges", progress, absences=True)
    assert model.facts.absences == () and model.facts.points == (len(WEST), ABSENT)
    assert (
        f"1 absences are not used, of taxa with fewer than 5 in different cells or months: {TAXON}." in progress.notes
    )


def test_a_taxon_that_was_never_found_is_refused_by_name_and_left_out_of_all(tmp_path: Path) -> None:
    table = survey(tmp_path / "t.csv", (TAXON, WEST, 1), (TAXON, EAST, 0), (OTHER, EAST, 0))
    progress = RecordedProgress()
    model = fitted(table, tmp_path / "ranges", progress, absences=True)
    assert model.facts.taxa == (TAXON,)
    assert any(f"{ABSENT} absences of taxa that are not fitted" in note and OTHER in note for note in progress.notes)
    with pytest.raises(InputError, match=f"{OTHER} was looked for and not found in {ABSENT} places and dates"):
        fitted(table, tmp_path / "other", absences=True, taxa=(OTHER,))
    request = MapRequest(taxon=[OTHER], occurrences=[table], out=tmp_path / "maps", absences=True)
    with pytest.raises(InputError, match=f"{OTHER} was looked for and not found"):
        map_taxon(request)
    alone = survey(tmp_path / "absent.csv", (TAXON, WEST, 0))
    with pytest.raises(InputError, match="absences alone"):
        fitted(alone, tmp_path / "alone", absences=True)


def test_presences_and_absences_may_be_two_tables(tmp_path: Path) -> None:
    found = survey(tmp_path / "found.csv", (TAXON, WEST, 1), (OTHER, EAST, 1))
    missed = survey(tmp_path / "missed.csv", (TAXON, EAST, 0))
    request = FitRequest(tables=[found, missed], out=tmp_path / "ranges", absences=True)
    model = fit_ranges(request).model
    assert model.facts.absences == (ABSENT, 0) and model.evaluation["held_out_survey_rows"] > ABSENT


def test_the_option_is_of_fits_and_of_maps_from_records(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    table = survey(tmp_path / "t.csv", (TAXON, WEST, 1), (TAXON, EAST, 0))
    main(
        ["map", TAXON, "--occurrences", str(table), "--out", str(tmp_path / "maps"), "--absences", "--box=-10,35,40,65"]
    )
    assert f"{ABSENT} absences of 1 taxon" in capsys.readouterr().err
    about = json.loads((tmp_path / "maps" / "Corvus_corax.json").read_text())
    assert about["sources"]["absences of the taxon"] == str(ABSENT) and about["evaluation"]["held_out_survey_auc"] > 0.5
    progress = RecordedProgress()  # the extent is that of the records and a margin
    map_taxon(MapRequest(taxon=[TAXON], occurrences=[table], out=tmp_path / "near", absences=True), progress)
    said = [note for note in progress.notes if "absences" in note]
    assert re.match(r"\d+ absences lie outside the cells of the fit", said[0]) and "are learned from" in said[1]
    assert sum(int(note.split()[0]) for note in said) == ABSENT
    with pytest.raises(ConfigError, match="records to fit to"):
        MapRequest(taxon=[TAXON], ranges=tmp_path, out=tmp_path / "x", absences=True).check()


def test_complete_checklists_are_learned_from_where_they_are_asked_for(tmp_path: Path) -> None:
    """Ravens on the checklists of the west, magpies on those of the east; and checklists without either."""
    head = "SCIENTIFIC NAME\tLONGITUDE\tLATITUDE\tOBSERVATION DATE\tSAMPLING EVENT IDENTIFIER\tALL SPECIES REPORTED"
    rows = [
        f"{taxon}\t{lon:.4f}\t{lat:.4f}\t2020-06-01\tS\t1"
        for taxon, at in ((TAXON, WEST), (OTHER, EAST[:20]))
        for lon, lat in at.tolist()
    ]
    (tmp_path / "ebd.txt").write_text("\n".join([head, *rows]) + "\n")
    sampled = [f"{lon:.4f}\t{lat:.4f}\t2020-06-01\tS\t1" for lon, lat in EAST[20:].tolist()]
    (tmp_path / "sampling.txt").write_text("\n".join([head.split("\t", 1)[1], *sampled]) + "\n")
    request = FitRequest(
        tables=[tmp_path / "ebd.txt", tmp_path / "sampling.txt"], out=tmp_path / "ranges", checklists=True
    )
    model = fit_ranges(request).model
    assert model.facts.absences == (ABSENT, len(WEST) + ABSENT - 20)
    assert model.evaluation["held_out_survey_taxa"] == 2
    with pytest.raises(ConfigError, match="records to fit to"):
        MapRequest(taxon=[TAXON], ranges=tmp_path, out=tmp_path / "x", checklists=True).check()


def test_figures_of_surveys_alone_do_not_make_a_map_evaluated(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """By points nothing could be told, as they lie in too few blocks; absences lie all over."""
    near = places(8, 44, 12, 47, 12)
    table = survey(tmp_path / "t.csv", (TAXON, near, 1), (TAXON, EAST, 0), (TAXON, WEST, 0))
    main(["map", TAXON, "--occurrences", str(table), "--out", str(tmp_path), "--absences", "--box=-10,35,40,65"])
    said = capsys.readouterr().err
    about = json.loads((tmp_path / "Corvus_corax.json").read_text())
    if "held_out_auc" not in about["evaluation"]:
        assert "not evaluated" in said and not about["evaluated"]
    assert "those above are of other taxa" not in said


def test_what_became_of_every_absence_is_said(tmp_path: Path) -> None:
    again = [(TAXON, EAST[:4], 0), (TAXON, EAST[4:7], 1)]  # the same place and date as an absence
    table, progress = survey(tmp_path / "t.csv", (TAXON, WEST, 1), (TAXON, EAST, 0), *again), RecordedProgress()
    model = fitted(table, tmp_path / "m", progress, absences=True)
    assert model.facts.absences == (ABSENT - 3,) and model.facts.read.absences == ABSENT + 4
    assert (
        "7 rows of absences say again what another does, or are of the place and date of a presence." in progress.notes
    )
