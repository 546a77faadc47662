"""Where photos are from: against a slow reference, and where the answer is known."""

from pathlib import Path

import numpy as np
import pytest
from made_regions import made_region

from birdsat.earth.box import Box
from birdsat.earth.date import mid_month
from birdsat.earth.grid import EqualAreaGrid, Grid
from birdsat.embeddings.regions.embed_cells import year_basis
from birdsat.embeddings.regions.region import Region
from birdsat.errors import InputError
from birdsat.tasks import locate_by_likeness as module
from birdsat.tasks.locate import locate, probabilities
from birdsat.tasks.locate_by_likeness import Likeness, LocationPosterior, Queries, fit_scale
from birdsat.tasks.place_prior import PlacePrior, fit_place_prior

GRID = Grid(Box(-180, -80, 180, 80), 20.0)  # 8 x 18
CELLS = np.delete(np.arange(GRID.cells), [0, 5, 100])  # three have no imagery


def unit(vectors: np.ndarray) -> np.ndarray:
    return (vectors / np.linalg.norm(vectors, axis=-1, keepdims=True)).astype(np.float32)


@pytest.fixture
def region(tmp_path: Path) -> Region:
    generator = np.random.default_rng(0)
    year = generator.normal(size=(len(CELLS), 3, 6)).astype(np.float32) / 3
    return made_region(tmp_path / "region", GRID, CELLS, year)


def photos(n: int = 5, *, dated: bool) -> Queries:
    generator = np.random.default_rng(1)
    embedding = unit(generator.normal(size=(n, 6)))
    return Queries(embedding=embedding, year_fraction=generator.random(n) if dated else np.full(n, np.nan))


def by_hand(queries: Queries, region: Region, rule: LocationPosterior) -> np.ndarray:
    """(q, c) probabilities, one by one."""
    year = np.concatenate([block.year for block in region.blocks()]).astype(np.float64)
    centres = GRID.centres(CELLS)
    area = [np.cos(np.radians(lat)) for lat in centres[:, 1]]
    prior = [np.exp(rule.log_prior(centre[None]))[0] for centre in centres]
    found = np.zeros((len(queries), len(CELLS)))
    for q, (photo, when) in enumerate(zip(queries.embedding, queries.year_fraction, strict=True)):
        times = [mid_month(month) for month in range(1, 13)] if np.isnan(when) else [when]
        bases = [year_basis(np.array([t]), 1)[0] for t in times]
        for c in range(len(CELLS)):
            likely = [np.exp(rule.scale * photo @ (basis @ year[c])) for basis in bases]
            found[q, c] = sum(likely) / len(likely) * area[c] * prior[c]
    return found / found.sum(axis=1, keepdims=True)


@pytest.mark.parametrize("dated", [True, False])
@pytest.mark.parametrize("informed", [True, False])
@pytest.mark.parametrize("tile", [1, 1 << 22])
def test_probabilities_are_those_worked_out_one_by_one(
    dated: bool, informed: bool, tile: int, region: Region, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_TILE_NUMBERS", tile)
    queries = photos(dated=dated)
    prior = fit_place_prior(np.array([[10.0, 10.0], [15.0, 20.0]]), np.array([[12.0, 12.0]])) if informed else None
    rule = LocationPosterior(scale=7.0, prior=prior)
    expected = by_hand(queries, region, rule)
    evidence = Likeness(queries, region, rule)
    located = locate(evidence, best=len(CELLS))
    together = np.concatenate([value for _, value in probabilities(evidence, located)], axis=1)
    for row in range(len(queries)):
        blocks = list(probabilities(evidence, located, slice(row, row + 1)))
        np.testing.assert_array_equal(np.concatenate([cells for cells, _ in blocks]), CELLS)
        got = np.concatenate([value for _, value in blocks], axis=1)[0]
        np.testing.assert_allclose(together[row], got, rtol=1e-5)
        np.testing.assert_allclose(got, expected[row], rtol=1e-4)
        assert got.sum() == pytest.approx(1, abs=1e-5)
        at = np.searchsorted(CELLS, located.cells[row])
        np.testing.assert_allclose(located.probability[row], expected[row][at], rtol=1e-4)
        density = expected[row] / np.cos(np.radians(GRID.centres(CELLS)[:, 1]))
        np.testing.assert_array_equal(at, np.argsort(-density))
        np.testing.assert_array_equal(located.lon_lat[row], GRID.centres(located.cells[row]))


def test_known_and_unknown_dates_may_stand_together(region: Region) -> None:
    known, unknown = photos(dated=True), photos(dated=False)
    when = np.where(np.arange(5) < 3, known.year_fraction, np.nan)
    both = Queries(embedding=known.embedding, year_fraction=when)
    mixed, dated, undated = (
        locate(Likeness(asked, region, LocationPosterior(scale=7.0))).probability for asked in (both, known, unknown)
    )
    np.testing.assert_allclose(mixed[:3], dated[:3], rtol=1e-5)
    np.testing.assert_allclose(mixed[3:], undated[3:], rtol=1e-5)


def test_the_estimate_is_where_likely_cells_stand_together_and_not_where_one_stands_alone(tmp_path: Path) -> None:
    grid = Grid(Box(-180, -60, 180, 60), 5.0)
    cells = np.arange(grid.cells)
    centres = grid.centres(cells)
    alone = (centres == [-102.5, -22.5]).all(axis=1)
    together = (abs(centres[:, 0] - 60) < 10) & (abs(centres[:, 1] - 20) < 10)
    cosine = np.where(alone, 1.0, np.where(together, 0.97, -0.5))
    year = np.stack([cosine, np.sqrt(1 - cosine**2)], axis=1)[:, None].astype(np.float32)
    region = made_region(tmp_path / "region", grid, cells, year)
    queries = Queries(embedding=np.array([[1, 0]], np.float32), year_fraction=np.array([np.nan]))
    located = locate(Likeness(queries, region, LocationPosterior(scale=10.0)), best=1)
    assert located.lon_lat[0, 0].tolist() == [-102.5, -22.5]
    assert np.abs(located.estimate[0] - [60, 20]).max() < 10


def test_cells_of_one_area_weigh_alike(tmp_path: Path) -> None:
    grid = EqualAreaGrid(Box(-180, -80, 180, 80), 2000.0)
    year = np.ones((grid.cells, 1, 1), np.float32)
    region = made_region(tmp_path / "region", grid, np.arange(grid.cells), year)
    queries = Queries(embedding=np.ones((1, 1), np.float32), year_fraction=np.array([0.5]))
    np.testing.assert_allclose(
        locate(Likeness(queries, region, LocationPosterior(scale=5.0))).probability, 1 / grid.cells, rtol=1e-6
    )


@pytest.mark.parametrize("scale", [4.0, 16.0])
@pytest.mark.parametrize("cells", [100_000, 40])
def test_the_scale_that_drew_the_places_is_found_again(
    scale: float, cells: int, region: Region, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_FIT_CELLS", cells)
    queries = photos(1500, dated=True)
    generator = np.random.default_rng(2)
    chance = by_hand(queries, region, LocationPosterior(scale=scale))
    places = GRID.centres(CELLS[[generator.choice(len(CELLS), p=row) for row in chance]])
    assert fit_scale(queries, places, region).scale == pytest.approx(scale, rel=0.2)


def test_too_few_places_in_the_region_to_fit_on_are_said(region: Region) -> None:
    places = np.full((5, 2), np.nan)
    places[0] = GRID.centres(CELLS[:1])[0]
    with pytest.raises(InputError, match="1 of the 5 photos"):
        fit_scale(photos(dated=True), places, region)


def test_embeddings_of_another_width_are_refused(region: Region) -> None:
    queries = Queries(embedding=np.ones((1, 4), np.float32), year_fraction=np.array([0.5]))
    with pytest.raises(InputError, match=r"width 4.* 6;"):
        Likeness(queries, region, LocationPosterior(scale=1.0))


@pytest.mark.parametrize("width_km", [50.0, 800.0, 20_000.0])
def test_the_prior_is_a_density_over_the_sphere(width_km: float) -> None:
    generator = np.random.default_rng(0)
    points = unit(generator.normal(size=(3, 3))).astype(np.float64)
    prior = PlacePrior(points=points, width_km=width_km)
    lat = np.degrees(np.arcsin(np.linspace(-1, 1, 1201)))  # even in area
    lon, lat = (axis.ravel() for axis in np.meshgrid(np.linspace(-180, 180, 1200, endpoint=False), lat))
    assert np.exp(prior.log_density(np.stack([lon, lat], axis=1))).mean() == pytest.approx(1, rel=0.02)


def test_the_prior_is_high_where_places_are_and_never_nothing() -> None:
    places = np.random.default_rng(0).normal([20, 40], 3, (500, 2))
    prior = fit_place_prior(places[:400], places[400:])
    near, far = prior.log_density(np.array([[20.0, 40.0], [-160.0, -40.0]]))
    assert near > 3 and far == pytest.approx(np.log(0.05), abs=1e-6)
    assert prior.width_km in (50.0, 100.0, 200.0)
    with pytest.raises(InputError, match="400 train and 0 val places"):
        fit_place_prior(places[:400], places[:0])
