"""A taxon to map or fit is found as its name is meant, however it is written."""

import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from made_runs import TAXON

from birdsat.embeddings.taxa import load_taxon_means, save_taxon_means
from birdsat.training.run_folder import load_run
from birdsat.workflows import fit_ranges as fits
from birdsat.workflows import map_taxon
from birdsat.workflows.requests.maps import MapRequest
from birdsat.workflows.requests.ranges import FitRequest

pytestmark = pytest.mark.usefixtures("small_fits")


@pytest.mark.parametrize("asked", ["corvus corax", "Corvus corax (Linnaeus, 1758)", "CORVUS CORAX", "Corvus_corax"])
def test_a_taxon_is_found_as_it_is_meant_in_records_points_photos_and_range_models(
    asked: str, run: Path, region: Path, records: Path, ranges: Path, tmp_path: Path
) -> None:
    signed = tmp_path / "signed.csv"
    signed.write_text(records.read_text().replace(TAXON, f'"{TAXON} (Linnaeus, 1758)"'))
    ways: tuple[dict[str, Any], ...] = ({"occurrences": signed}, {"ranges": ranges}, {"run": run})
    for number, way in enumerate(ways):
        request = MapRequest(taxon=asked, region=region, points=signed, out=tmp_path / str(number), **way)
        (made,) = map_taxon.map_taxon(request).maps
        assert made.taxon == TAXON and made.files[0].name == "Corvus_corax.tif"


def test_photos_of_a_taxon_are_found_whatever_it_was_called_when_they_were_learned_from(
    run: Path, tmp_path: Path
) -> None:
    shutil.copytree(run, tmp_path / "run")
    means = load_taxon_means(run)
    names = tuple("corvus corax (Linnaeus, 1758)" if name == TAXON else name for name in means.taxa)
    save_taxon_means(replace(means, taxa=names), tmp_path / "run")
    opened = load_run(tmp_path / "run")
    found, expected = (fits.photos_of(one, (TAXON, "Parus ater")) for one in (opened, load_run(run)))
    np.testing.assert_array_equal(found, expected)
    assert np.isfinite(found[0]).all() and np.isnan(found[1]).all()


def test_taxa_of_a_fit_are_found_as_they_are_meant(region: Path, records: Path, tmp_path: Path) -> None:
    request = FitRequest(tables=records, region=region, out=tmp_path / "out", taxa="corvus corax (Linnaeus, 1758)")
    assert fits.fit_ranges(request).model.facts.taxa == (TAXON,)
