"""Where photos are from by what they show: against the range model's own maps, and where the answer is known."""

import datetime
from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray
from tiny_world import CELLS, TAXA, TinyWorld

from birdsat.earth.date import year_fraction
from birdsat.embeddings.regions.region import Region
from birdsat.errors import InputError
from birdsat.ranges import all_taxa
from birdsat.ranges.calibrate import Calibration
from birdsat.ranges.effort import LOOKED_SHARE
from birdsat.ranges.feature_cache import iter_features
from birdsat.ranges.load import load_ranges
from birdsat.ranges.model import RangeModel
from birdsat.tasks import locate_by_ranges as module
from birdsat.tasks.locate import locate, probabilities
from birdsat.tasks.locate_by_ranges import ANY_MONTH, Ranges, month_of, shown_taxa
from birdsat.tasks.naming import Named
from birdsat.tasks.place_prior import PlacePrior, fit_place_prior
from birdsat.workflows.open_ranges import region_of

RAVEN, TIT, MAGPIE = TAXA
UNKNOWN = "Turdus merula"
YEAR = range(1, 13)


@pytest.fixture(scope="module")
def model(tiny_world: TinyWorld) -> RangeModel:
    """Fitted in a few steps, so that its maps are flat; this one's are not."""
    flat = load_ranges(tiny_world.ranges)
    facts = replace(flat.facts, calibration=Calibration(scale=300.0, fitted=True))
    return RangeModel(facts, flat.network, flat.projection, flat.applicability, None, flat.folder)


@pytest.fixture(scope="module")
def region(model: RangeModel) -> Region:
    return region_of(model)


def seen(*shares: dict[str, float]) -> Named:
    """Photos that may show so much of each taxon."""
    taxa = tuple(sorted({taxon for one in shares for taxon in one}))
    score = np.array([[one.get(taxon, 0.0) for taxon in taxa] for one in shares], np.float32)
    return Named(taxa=taxa, score=score, meaning="probability")


def months(*of: int) -> NDArray[np.int64]:
    return np.array(of, np.int64)


def cell_probabilities(
    named: Named, month: NDArray[np.int64], model: RangeModel, region: Region, prior: PlacePrior | None = None
) -> NDArray[np.float64]:
    """(q, c)"""
    evidence = Ranges(shown_taxa(named, model, month), model, region, prior)
    blocks = list(probabilities(evidence, locate(evidence)))
    np.testing.assert_array_equal(np.concatenate([cells for cells, _ in blocks]), region.cells())
    found = np.concatenate([value for _, value in blocks], axis=1).astype(np.float64)
    np.testing.assert_allclose(found.sum(axis=1), 1, rtol=1e-5)
    return found


def own_map(taxon: str, month: int, model: RangeModel, region: Region) -> NDArray[np.float64]:
    """(c,) by hand: the taxon's odds times area, over the cells of the region."""
    asked = list(YEAR) if month == ANY_MONTH else [month]
    blocks = list(model.predict(iter_features(model, region), (taxon,), asked))
    p = np.concatenate([block.suitability[0] for block in blocks], axis=1).astype(np.float64)
    odds = (p / (1 - p)).sum(axis=0) * area(region)
    return odds / odds.sum()


def area(region: Region) -> NDArray[np.float64]:
    return np.cos(np.radians(region.grid.centres(region.cells())[:, 1]))


@pytest.mark.parametrize("month", [1, 7, ANY_MONTH])
def test_a_sure_taxon_gives_its_own_map(month: int, model: RangeModel, region: Region) -> None:
    assert model.facts.dated
    got = cell_probabilities(seen({RAVEN: 1.0}), months(month), model, region)
    np.testing.assert_allclose(got[0], own_map(RAVEN, month, model, region), rtol=1e-4)
    assert got[0].max() > 1.5 * got[0].min()


def test_two_taxa_mix_by_how_likely_they_are(model: RangeModel, region: Region) -> None:
    got = cell_probabilities(seen({RAVEN: 0.75, MAGPIE: 0.25}), months(7), model, region)
    mixed = 0.75 * own_map(RAVEN, 7, model, region) + 0.25 * own_map(MAGPIE, 7, model, region)
    np.testing.assert_allclose(got[0], mixed, rtol=1e-4)


def test_a_taxon_without_a_range_may_be_anywhere_by_area(model: RangeModel, region: Region) -> None:
    alone, half = cell_probabilities(
        seen({UNKNOWN: 1.0, RAVEN: 0.0}, {UNKNOWN: 0.5, RAVEN: 0.5}), months(7, 7), model, region
    )
    even = area(region) / area(region).sum()
    np.testing.assert_allclose(alone, even, rtol=1e-5)
    np.testing.assert_allclose(half, (even + own_map(RAVEN, 7, model, region)) / 2, rtol=1e-4)


def test_a_photo_of_a_taxon_without_a_range_alone_is_located_as_well(model: RangeModel, region: Region) -> None:
    named = seen({UNKNOWN: 1.0, RAVEN: 0.0})
    assert shown_taxa(named, model, months(7)).taxa == ()
    got = cell_probabilities(named, months(7), model, region)
    np.testing.assert_allclose(got[0], area(region) / area(region).sum(), rtol=1e-5)


def test_photos_of_several_months_together_are_each_as_alone(
    model: RangeModel, region: Region, monkeypatch: pytest.MonkeyPatch
) -> None:
    shares = [{RAVEN: 0.9, TIT: 0.1}, {MAGPIE: 0.6, UNKNOWN: 0.4}, {RAVEN: 0.2, TIT: 0.3, MAGPIE: 0.5}, {TIT: 1.0}]
    when = (1, ANY_MONTH, 7, 1)
    every = seen(*shares)
    alone = [
        cell_probabilities(replace(every, score=every.score[[row]]), months(month), model, region)[0]
        for row, month in enumerate(when)
    ]
    monkeypatch.setattr(all_taxa, "_NUMBERS", 500)  # few cells at once
    monkeypatch.setattr(module, "_TILE_NUMBERS", 10)  # and few photos
    np.testing.assert_allclose(cell_probabilities(every, months(*when), model, region), alone, rtol=1e-4)
    evidence = Ranges(shown_taxa(every, model, months(*when)), model, region)
    some = np.concatenate([value for _, value in probabilities(evidence, locate(evidence), slice(1, 3))], axis=1)
    np.testing.assert_allclose(some, alone[1:3], rtol=1e-4)


def test_where_photos_are_taken_takes_the_place_of_where_anybody_looked(model: RangeModel, region: Region) -> None:
    lon_lat = region.grid.centres(region.cells())
    prior = fit_place_prior(lon_lat[:3], lon_lat[1:4])
    got = cell_probabilities(seen({RAVEN: 1.0}), months(7), model, region, prior)
    looked = 1 - LOOKED_SHARE + LOOKED_SHARE * np.exp(prior.log_density(lon_lat))
    weight = own_map(RAVEN, 7, model, region) * looked
    np.testing.assert_allclose(got[0], weight / weight.sum(), rtol=1e-4)


def test_a_model_without_dates_has_one_map_for_all_months(model: RangeModel, region: Region) -> None:
    undated = RangeModel(
        replace(model.facts, dated=False), model.network, model.projection, model.applicability, None, model.folder
    )
    january, july, any_month = cell_probabilities(seen(*[{RAVEN: 1.0}] * 3), months(1, 7, ANY_MONTH), undated, region)
    np.testing.assert_array_equal(january, july)
    np.testing.assert_array_equal(january, any_month)


def test_taxa_meet_by_the_species_that_their_names_mean(model: RangeModel) -> None:
    shown = shown_taxa(seen({"Corvus corax Linnaeus, 1758": 0.7, "Pica pica": 0.2, UNKNOWN: 0.1}), model, months(7))
    assert dict(zip(shown.taxa, shown.share[0].round(3).tolist(), strict=True)) == {RAVEN: 0.7, MAGPIE: 0.2}
    assert shown.elsewhere.tolist() == pytest.approx([0.1]) and shown.without_range == (UNKNOWN,)


def test_taxa_that_hardly_come_into_question_are_not_looked_up_and_lose_no_probability(model: RangeModel) -> None:
    shown = shown_taxa(seen({RAVEN: 1 - 1e-7, MAGPIE: 1e-7}), model, months(7))
    assert shown.taxa == (RAVEN,)
    assert float(shown.share.sum() + shown.elsewhere.sum()) == pytest.approx(1, abs=1e-12)


def test_a_range_model_of_other_taxa_is_refused(model: RangeModel) -> None:
    with pytest.raises(
        InputError, match=r"none of the 1 taxa that the run knows \(Turdus merula\).*3 of the range"
    ) as e:
        shown_taxa(seen({UNKNOWN: 1.0}), model, months(7))
    assert e.value.settings == ("ranges",)


def test_days_are_of_their_months_in_leap_years_and_others() -> None:
    days = [datetime.date(year, 1, 1) + datetime.timedelta(days=day) for year in (2020, 2021) for day in range(365)]
    got = month_of(np.array([year_fraction(day) for day in days]))
    assert got.tolist() == [day.month for day in days]
    assert month_of(np.array([np.nan, 0.5])).tolist() == [ANY_MONTH, 7]


def test_every_cell_of_the_region_has_a_part(model: RangeModel, region: Region) -> None:
    found = locate(Ranges(shown_taxa(seen({TIT: 1.0}), model, months(7)), model, region), best=CELLS)
    assert sorted(found.cells[0].tolist()) == region.cells().tolist()
    assert found.probability.sum() == pytest.approx(1)
