"""What place and date say of taxa, by each source of it."""

from collections.abc import Callable

import numpy as np
import pytest

from birdsat.embeddings.taxa import TaxonMeans
from birdsat.errors import InputError
from birdsat.ranges.model import RangeModel
from birdsat.tasks.identify.place_date import ChipPlaceDate, ListPlaceDate, RangesPlaceDate
from birdsat.workflows.open_ranges import open_ranges
from birdsat.workflows.requests.maps import RangesOptions

RAVEN, TIT, MAGPIE = "Corvus corax", "Parus major", "Pica pica"
NORTH, SOUTH, NOWHERE = (-149.0, 11.0), (-149.0, 1.0), (np.nan, np.nan)
UNKNOWN = np.array([np.nan, np.nan])
Opened = tuple[RangeModel, object]


@pytest.fixture(scope="module")
def opened(tiny_world) -> Opened:
    return open_ranges(RangesOptions(ranges=tiny_world.ranges))


def _ranges(opened: Opened, *taxa: str) -> RangesPlaceDate:
    return RangesPlaceDate(taxa, *opened)  # type: ignore[arg-type]


def test_densities_are_the_odds_of_the_range_model_at_the_cell_and_month(opened: Opened) -> None:
    source = _ranges(opened, RAVEN, MAGPIE)
    found = source(np.array([NORTH, SOUTH]), np.array([0.04, np.nan])).log_density
    model, region = opened
    points = region.at(np.array([NORTH]), model.columns)  # type: ignore[attr-defined]
    assert points.found.all()
    assert found[0, 0] - found[0, 1] > found[1, 0] - found[1, 1]  # ravens in the north, magpies in the south


def test_a_taxon_without_a_range_is_as_dense_as_the_others_on_the_mean_and_is_named(opened: Opened) -> None:
    source = _ranges(opened, RAVEN, "Turdus merula", MAGPIE)
    assert source.unknown == ("Turdus merula",) and "Turdus merula" in str(source.note)
    said = source(np.array([NORTH]), UNKNOWN[:1])
    density = np.exp(said.log_density[0])
    assert density[1] == pytest.approx(density[[0, 2]].mean())
    assert not said.unexpected[0, 1]


def test_names_meet_with_authors_or_in_english(opened: Opened) -> None:
    source = _ranges(opened, "Corvus corax Linnaeus, 1758", "Northern Raven", "Eurasian Magpie")
    assert source.unknown == ()
    said = source(np.array([NORTH]), UNKNOWN[:1]).log_density[0]
    assert said[0] == said[1]


def test_a_place_in_no_cell_says_nothing_and_so_does_none(opened: Opened) -> None:
    said = _ranges(opened, RAVEN, MAGPIE)(np.array([NOWHERE, (100.0, 50.0)]), UNKNOWN)
    assert np.isnan(said.log_density).all() and not said.unexpected.any()


def test_the_same_place_says_the_same_whatever_is_asked_with_it(opened: Opened) -> None:
    places = np.array([NORTH, SOUTH, NOWHERE])
    together = _ranges(opened, RAVEN, MAGPIE)(places, np.full(3, 0.5)).log_density
    alone = _ranges(opened, RAVEN, MAGPIE)(places[1:2], np.full(1, 0.5)).log_density
    np.testing.assert_array_equal(together[1:2], alone)


def test_other_taxa_alone_are_refused(opened: Opened) -> None:
    with pytest.raises(InputError, match="none of the 1 taxa"):
        _ranges(opened, "Turdus merula")


def test_a_list_is_the_same_everywhere_and_names_what_it_cannot_use() -> None:
    source = ListPlaceDate((RAVEN, TIT), ["parus major", "Nothing known"])
    said = source(np.array([NOWHERE, NORTH]), UNKNOWN)
    assert (said.log_density[:, 1] > said.log_density[:, 0]).all() and said.unexpected[:, 0].all()
    assert source.not_found == ("Nothing known",)
    assert source.identity != ListPlaceDate((RAVEN, TIT), [RAVEN]).identity


def test_chips_say_of_each_taxon_how_like_its_mean_photo_the_place_is() -> None:
    means = TaxonMeans(
        taxa=(RAVEN, TIT), photos=np.array([3, 3]), embedding=np.array([[1, 0], [0, 1]], dtype=np.float32)
    )

    def years(lon_lat: np.ndarray) -> np.ndarray:
        cycle = np.zeros((len(lon_lat), 3, 2), np.float32)
        cycle[:, 0, 0], cycle[:, 1, 1] = 1, 1  # the second taxon at the turn of the year
        return cycle

    source: Callable[..., object] = ChipPlaceDate((RAVEN, TIT, MAGPIE), means, 5.0, years, "made")
    said = source(np.array([NORTH, NORTH]), np.array([0.0, 0.25]))
    gap = said.log_density[:, 1] - said.log_density[:, 0]  # type: ignore[attr-defined]
    assert gap[0] == pytest.approx(0, abs=1e-5) and gap[1] == pytest.approx(-5, abs=1e-4)
    assert source.unknown == (MAGPIE,)  # type: ignore[attr-defined]
