"""`birdsat taxa`: what a run or a range model can map."""

from pathlib import Path

import pytest
from made_runs import TAXON

import birdsat
from birdsat.cli.main import main
from birdsat.errors import ConfigError, UnknownTaxonError


def test_taxa_of_a_run_come_with_their_photos_and_those_of_a_range_model_with_their_records(
    run: Path, ranges: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    of_run, of_ranges = birdsat.taxa(run=run), birdsat.taxa(run=ranges)
    assert of_run.of == "photos" and of_run.counts[TAXON] > 0
    assert of_ranges.of == "records" and of_ranges.to_dict()["taxa"][TAXON] == of_ranges.counts[TAXON] > 0
    main(["taxa", str(ranges)])
    assert f"{TAXON}\t{of_ranges.counts[TAXON]}\n" in capsys.readouterr().out


def test_a_taxon_that_a_range_model_does_not_know_leads_to_the_list_of_those_it_does(ranges: Path) -> None:
    with pytest.raises(UnknownTaxonError, match=r"nearest: 'Corvus corax'.*`birdsat taxa .*ranges`"):
        birdsat.map(taxon="Corvus corx", ranges=ranges)


def test_two_names_that_would_be_one_file_are_refused() -> None:
    with pytest.raises(ConfigError, match=r"would all be written to Corvus_corax\.tif"):
        birdsat.map(taxon=["Corvus corax", "Corvus_corax"], ranges="ranges")
