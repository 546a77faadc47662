"""Evaluating on held-out cells: what a model is told, what it is not, and the figures against slow references."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from sklearn.metrics import roc_auc_score

from birdsat.earth.place import distance_km
from birdsat.earth.raster_values import raster_values
from birdsat.errors import ConfigError, InputError
from birdsat.metrics import boyce_index, max_true_skill
from birdsat.ranges.evaluation.baselines.logistic import QuadraticLogistic
from birdsat.ranges.evaluation.baselines.nearest import NearestPoints, SimilarCells
from birdsat.ranges.evaluation.evaluate import (
    Ranges,
    evaluate_later_surveys,
    evaluate_occurrences,
    evaluate_points,
    evaluate_surveys,
)
from birdsat.ranges.evaluation.evaluation import Evaluation, ModelFigures, TaxonFigures, taxon_figures
from birdsat.ranges.evaluation.hold_out import HoldOut
from birdsat.ranges.evaluation.learning import Scorer
from birdsat.ranges.evaluation.range_grid import RangeGrid, read_range_grid
from birdsat.ranges.points import Cells, Points

BLOCKS = HoldOut(degrees=4, folds=3)


def ranges(taxa: int = 4, seed: int = 0) -> Ranges:
    """A 16 x 12 grid of cells; the last taxon is everywhere."""
    lon, lat = np.meshgrid(np.arange(110.5, 126), np.arange(-31.5, -20))
    lon_lat = np.stack([lon.ravel(), lat.ravel()], axis=1)
    generator = np.random.default_rng(seed)
    centres = np.stack([generator.uniform(111, 125, taxa), generator.uniform(-31, -21, taxa)], axis=1)
    presence = np.linalg.norm(lon_lat[:, None] - centres[None], axis=2) < 5
    presence[:, -1] = True
    species = tuple(f"Taxon {label}" for label in range(taxa))
    truth = RangeGrid(lon_lat=lon_lat, species=species, presence=presence)
    return Ranges(truth=truth, cells=Cells(lon_lat=lon_lat, columns={"lat": lat.reshape(-1, 1)}))


@dataclass
class Spy:
    """Keeps what it was told, and scores cells by their longitude."""

    told: list[Points] = field(default_factory=list)
    asked: list[Cells] = field(default_factory=list)
    name: str = "spy"
    probabilities: bool = False

    def fit(self, points: Points) -> Scorer:
        self.told.append(points)

        def score(cells: Cells) -> NDArray[np.float32]:
            self.asked.append(cells)
            return np.repeat(cells.lon_lat[:, :1].astype(np.float32), points.taxa, axis=1)

        return score


def places(cells: Cells) -> set[tuple[float, float]]:
    return set(map(tuple, cells.lon_lat.tolist()))


def test_a_model_is_told_of_training_cells_alone_and_of_so_many_points_a_taxon() -> None:
    everything, spy = ranges(), Spy()
    evaluate_points(everything, [spy], points=6, hold_out=BLOCKS, seed=2)
    fold = BLOCKS.fold(everything.cells.lon_lat, 2)
    present = {label: places(everything.cells.take(everything.truth.presence[:, label])) for label in range(4)}
    assert len(spy.told) == 3
    for number, told in enumerate(spy.told):
        assert places(told.background) == places(everything.cells.take(fold != number))
        assert places(told.presences) <= places(told.background)
        for label in range(4):
            own = told.presences.take(told.taxon == label)
            assert len(own) in (0, 6) and len(places(own)) == len(own)
            assert places(own) <= present[label]
        assert 3 in told.taxon  # present everywhere: learned, though it cannot be evaluated


def test_figures_are_means_over_folds_then_taxa_of_cells_held_out() -> None:
    everything = ranges()
    evaluated = evaluate_points(everything, [Spy()], points=6, hold_out=BLOCKS)
    fold, lon = BLOCKS.fold(everything.cells.lon_lat), everything.cells.lon_lat[:, 0]
    of_taxon = []
    for label in range(4):
        truth, aucs = everything.truth.presence[:, label], []
        for number in range(3):
            test = fold == number
            if truth[~test].sum() >= 6 and truth[test].any() and not truth[test].all():
                aucs.append(roc_auc_score(truth[test], lon[test]))
        if aucs:
            of_taxon.append(np.mean(aucs))
    means = evaluated.model("spy").means
    assert means.taxa == len(of_taxon) == 3
    assert means.auc == pytest.approx(np.mean(of_taxon))
    assert evaluated.skipped == ("Taxon 3",)


def test_taxa_with_too_few_presences_in_a_fold_are_left_out_of_it() -> None:
    everything = ranges()
    presence = everything.truth.presence.copy()
    presence[np.flatnonzero(presence[:, 0])[5:], 0] = False
    rare = Ranges(
        truth=RangeGrid(lon_lat=everything.truth.lon_lat, species=everything.truth.species, presence=presence),
        cells=everything.cells,
    )
    spy = Spy()
    assert "Taxon 0" in evaluate_points(rare, [spy], points=6, hold_out=BLOCKS).skipped
    assert all(0 not in told.taxon for told in spy.told)
    with pytest.raises(InputError, match="none of 4 taxa could be evaluated"):
        evaluate_points(rare, [Spy()], points=500, hold_out=BLOCKS)


def test_the_points_of_a_taxon_depend_on_the_seed_and_not_on_the_other_taxa() -> None:
    def drawn(everything: Ranges, seed: int) -> list[list[list[float]]]:
        spy = Spy()
        evaluate_points(everything, [spy], points=6, hold_out=BLOCKS, seed=seed)
        label = everything.truth.species.index("Taxon 1")
        return [told.presences.lon_lat[told.taxon == label].tolist() for told in spy.told]

    everything, keep = ranges(), [1, 0]
    fewer = Ranges(
        truth=RangeGrid(
            lon_lat=everything.truth.lon_lat,
            species=("Taxon 1", "Taxon 0"),
            presence=everything.truth.presence[:, keep],
        ),
        cells=everything.cells,
    )
    assert drawn(everything, 0) == drawn(fewer, 0)
    assert drawn(everything, 0) != drawn(everything, 1)


def test_repeats_draw_folds_and_points_anew() -> None:
    spy = Spy()
    evaluated = evaluate_points(ranges(), [spy], points=6, hold_out=BLOCKS, repeats=2)
    assert len(spy.told) == 6
    assert places(spy.told[0].background) != places(spy.told[3].background)
    assert "drawn 2 times" in evaluated.title and evaluated.model("spy").means.taxa == 3


def test_without_a_number_all_presences_are_points() -> None:
    everything, spy = ranges(), Spy()
    evaluated = evaluate_points(everything, [spy], points=None, hold_out=BLOCKS)
    for told in spy.told:
        background = places(told.background)
        present = places(everything.cells.take(everything.truth.presence[:, 1]))
        assert places(told.presences.take(told.taxon == 1)) == present & background
    assert len({one.points for one in evaluated.model("spy").figures}) > 1


def test_later_ranges_evaluate_where_nothing_was_learned_at_other_cells_too() -> None:
    early, spy = ranges(), Spy()
    later_cells = early.cells.take(np.arange(0, len(early.cells), 3))
    lon_lat = later_cells.lon_lat + 0.2
    later = Ranges(
        truth=RangeGrid(lon_lat=lon_lat, species=early.truth.species, presence=early.truth.presence[::3]),
        cells=Cells(lon_lat=lon_lat, columns=later_cells.columns),
    )
    evaluated = evaluate_points(early, [spy], points=6, hold_out=BLOCKS, later=later)
    tested = {place for cells in spy.asked for place in places(cells)}
    assert tested == places(later.cells)
    for told, cells in zip(spy.told, spy.asked, strict=True):
        learned = {(lon // 4, lat // 4) for lon, lat in told.background.lon_lat.tolist()}
        assert learned.isdisjoint({(lon // 4, lat // 4) for lon, lat in cells.lon_lat.tolist()})
    assert evaluated.model("spy").means.taxa == 3


def test_later_ranges_of_other_taxa_are_refused() -> None:
    with pytest.raises(InputError, match="different taxa"):
        evaluate_points(ranges(), [Spy()], later=ranges(taxa=3), hold_out=BLOCKS)


def test_with_a_buffer_nothing_that_is_learned_from_is_near_a_cell_evaluated_on() -> None:
    """Points, surveys over all folds and later surveys; what is drawn is drawn from what the buffer leaves."""
    everything, halves = ranges(), HoldOut(by="regions", folds=2, buffer_km=250)
    points = Spy()

    @dataclass
    class Surveyed(Spy):
        def fit(self, cells: Cells, presence: NDArray[np.bool_]) -> Scorer:  # type: ignore[override]
            assert presence.shape == (len(cells), 4)
            return super().fit(Points(taxa=4, presences=cells, taxon=np.zeros(len(cells), int), background=cells))

    pooled, later = Surveyed(), Surveyed()
    evaluated = [
        evaluate_points(everything, [points], points=6, hold_out=halves),
        evaluate_surveys(everything, [pooled], hold_out=halves),
        evaluate_later_surveys(everything, ranges(seed=1), [later], hold_out=halves),
    ]
    for one, spy in zip(evaluated, (points, pooled, later), strict=True):
        assert one.title.endswith("2 whole regions, 250 km apart")
        assert {place for cells in spy.asked for place in places(cells)} == places(everything.cells)
        for told, asked in zip(spy.told, spy.asked, strict=True):
            assert places(told.presences) <= places(told.background)
            left, tested = told.background.lon_lat, asked.lon_lat
            assert distance_km(*left.T[:, :, None], *tested.T[:, None]).min() > 250
            assert 0 < len(left) < len(everything.cells) - len(tested)


def test_with_a_buffer_too_wide_for_any_taxon_a_smaller_one_is_advised() -> None:
    with pytest.raises(InputError, match=r"none of 4 taxa could be evaluated.*smaller buffer"):
        evaluate_points(ranges(), [Spy()], points=90, hold_out=HoldOut(by="regions", folds=2, buffer_km=250))


def test_random_splits_carry_their_warning_into_every_form() -> None:
    evaluated = evaluate_points(ranges(), [Spy()], points=6, hold_out=HoldOut(by="random"))
    for form in (evaluated.table().caption, evaluated.markdown(), json.dumps(evaluated.to_dict())):
        assert "held out at random" in form
    assert "random" not in evaluate_points(ranges(), [Spy()], points=6, hold_out=BLOCKS).markdown()


def test_cells_without_a_score_are_not_evaluated() -> None:
    class Blind(Spy):
        def fit(self, points: Points) -> Scorer:
            score = super().fit(points)
            return lambda cells: np.where(cells.lon_lat[:, 1:] > -26, score(cells), np.float32(np.nan))

    evaluated = evaluate_points(ranges(), [Spy(), Blind(name="blind")], points=6, hold_out=BLOCKS)
    seeing, blind = ([one.present + one.absent for one in model.figures] for model in evaluated.models)
    assert max(blind) < max(seeing)
    share = 1 - sum(blind) / sum(seeing)
    assert evaluated.notes == (
        f"blind gives no score for {share:.1%} of the cells and taxa; it is not evaluated by these.",
    )


def test_infinite_scores_are_refused_by_the_name_of_the_model() -> None:
    class Infinite(Spy):
        def fit(self, points: Points) -> Scorer:
            return lambda cells: np.full((len(cells), points.taxa), -np.inf, np.float32)

    with pytest.raises(InputError, match="spy gives infinite scores"):
        evaluate_points(ranges(), [Infinite()], points=6, hold_out=BLOCKS)


def test_surveys_are_evaluated_over_all_folds_together_by_models_that_did_not_see_the_cell() -> None:
    everything, model = ranges(), SimilarCells(k=5)
    evaluated = evaluate_surveys(everything, [model], hold_out=BLOCKS)
    fold = BLOCKS.fold(everything.cells.lon_lat)
    score = np.zeros(everything.truth.presence.shape)
    for number in range(3):
        train, test = fold != number, fold == number
        scorer = model.fit(everything.cells.take(train), everything.truth.presence[train])
        score[test] = scorer(everything.cells.take(test))
    expected = [roc_auc_score(everything.truth.presence[:, label], score[:, label]) for label in range(3)]
    assert [one.auc for one in evaluated.model(model.name).figures] == pytest.approx(expected)
    assert evaluated.skipped == ("Taxon 3",)


def test_given_points_anywhere_are_learned_once_and_evaluated_on_every_cell() -> None:
    everything = ranges()
    far = Cells(lon_lat=np.array([[0.0, 0], [1, 1], [2, 2]]), columns={"lat": np.zeros((3, 1))})
    points = Points(taxa=4, presences=far, taxon=np.array([0, 0, 1]), background=everything.cells)
    evaluated = evaluate_occurrences(points, everything, [NearestPoints(), QuadraticLogistic(columns=("lat",))])
    assert {one.taxon for one in evaluated.models[0].figures} == {"Taxon 0", "Taxon 1"}
    assert all(one.present + one.absent == len(everything.cells) for one in evaluated.models[1].figures)
    with pytest.raises(InputError, match="points of 4 taxa cannot be evaluated by ranges of 3"):
        evaluate_occurrences(points, ranges(taxa=3), [NearestPoints()])


def test_all_models_are_evaluated_on_the_same_points_and_cells() -> None:
    models = [NearestPoints(), QuadraticLogistic()]
    evaluated = [evaluate_points(ranges(), models, points=points, hold_out=BLOCKS) for points in (6, 20)]
    evaluated.append(evaluate_surveys(ranges(), [SimilarCells(k=5)], hold_out=BLOCKS))
    assert [one.title.split(",")[0] for one in evaluated] == [
        "6 points a taxon",
        "20 points a taxon",
        "presence and absence",
    ]
    for one in evaluated:
        assert all(model.means.auc > 0.6 for model in one.models)
        told = [[(f.taxon, f.points, f.present) for f in model.figures] for model in one.models]
        assert all(same == told[0] for same in told)


def test_models_of_one_name_are_refused() -> None:
    with pytest.raises(ConfigError, match="two models are called 'nearest point'"):
        evaluate_points(ranges(), [NearestPoints(), NearestPoints()], hold_out=BLOCKS)


def test_columns_of_other_cells_than_the_ranges_are_refused() -> None:
    everything = ranges()
    with pytest.raises(InputError, match="look the columns up"):
        Ranges(truth=everything.truth, cells=everything.cells.take(np.arange(5)))


def figures(taxon: str, points: int, auc: float, bands: Sequence[tuple[float, float]] = ()) -> TaxonFigures:
    nan = float("nan")
    return TaxonFigures(
        taxon=taxon, points=points, present=1, absent=3, auc=auc, average_precision=0.5, skill=nan, boyce=nan,
        calibration_error=nan, brier=nan, bands=tuple(bands),
    )  # fmt: skip


def test_means_are_by_taxon_first_by_bins_of_points_and_by_bands() -> None:
    model = ModelFigures(
        model="m | n",
        seconds=1,
        figures=(
            figures("a", 3, 0.6, [(-20, 0.5), (-10, 0.7)]),
            figures("a", 3, 0.8, [(-20, 0.7)]),
            figures("b", 600, 0.9, [(-20, 1.0)]),
        ),
    )
    assert model.means.auc == pytest.approx((0.7 + 0.9) / 2)
    assert model.means.chance_average_precision == pytest.approx(0.25)
    assert [(name, means.taxa, means.auc) for name, means in model.by_points()] == [
        ("1-9", 1, pytest.approx(0.7)),
        ("500 or more", 1, pytest.approx(0.9)),
    ]
    assert model.by_latitude() == ((-10, 1, pytest.approx(0.7)), (-20, 2, pytest.approx(0.8)))
    evaluated = Evaluation(title="t", models=(model,), skipped=("c",))
    plain = json.loads(json.dumps(evaluated.to_dict(), allow_nan=False))
    assert plain["models"][0]["max_tss"] is None and plain["models"][0]["auc"] == pytest.approx(0.8)
    lines = evaluated.markdown().splitlines()
    assert r"| m \| n | 2 | 0.800 | 0.500 |  |  |  |  | 1.0 |" in lines
    assert "| m \\| n | 0.700 | 0.800 |" in lines
    assert "1 taxa could not be evaluated." in evaluated.markdown()
    assert evaluated.points_table().columns == ["model", "1-9 (1 taxa)", "500 or more (1 taxa)"]
    assert evaluated.latitude_table().columns == ["model", "-10 to 0", "-20 to -10"]
    assert evaluated.table().rows[-1][:4] == ("chance", "", "0.500", "0.250")


def test_a_taxon_has_every_figure_and_an_auc_in_each_band_with_both_kinds() -> None:
    generator = np.random.default_rng(0)
    score, lat = generator.random(200).astype(np.float32), generator.uniform(-25, 5, 200)
    truth = (generator.random(200) < score) & (lat < 0)
    one = taxon_figures("a", score, truth, lat, points=2, probabilities=True)
    assert one.brier == pytest.approx(np.mean((score - truth) ** 2))
    assert one.skill == pytest.approx(max_true_skill(score, truth))
    assert one.boyce == pytest.approx(boyce_index(score, score[truth]))
    bands = {south: roc_auc_score(truth[here], score[here])
             for south in (-30, -20, -10) if (here := (lat >= south) & (lat < south + 10)).any()}  # fmt: skip
    assert dict(one.bands) == pytest.approx(bands)
    assert np.isnan(taxon_figures("a", -score, truth, lat, points=2, probabilities=False).brier)


@pytest.mark.slow
def test_the_ranges_of_australia_give_the_reference_figures(shared_data: Path) -> None:
    """As far as draws of blocks differ, the figures that were made by hand: colour .809, coordinates .908."""
    grid = read_range_grid(shared_data / "geo-birds" / "range_pam_australia.npz").usable(30)
    colour = raster_values(shared_data / "earth" / "bluemarble_21600x10800_cog.tif", grid.lon_lat, cell_degrees=1)
    everything = Ranges(truth=grid, cells=Cells(lon_lat=grid.lon_lat, columns={"colour": colour}))
    evaluated = evaluate_surveys(everything, [SimilarCells(columns=("colour",)), SimilarCells()])
    assert [model.means.taxa for model in evaluated.models] == [476, 476]
    assert [model.means.auc for model in evaluated.models] == pytest.approx([0.809, 0.908], abs=0.02)
