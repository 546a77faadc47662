"""The verb `evaluate disdat` on a small made region."""

import json
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from made_disdat import SPECIES, write_region
from recorded import RecordedProgress
from sklearn.ensemble import ExtraTreesClassifier
from tiny_world import small_settings

from birdsat.errors import BirdsatError, ConfigError, InputError
from birdsat.ranges.evaluation.presence_only import models
from birdsat.ranges.evaluation.presence_only.report import DisdatReport
from birdsat.workflows.evaluate_disdat import evaluate_disdat
from birdsat.workflows.requests.evaluation import EvaluateDisdatRequest

QUICK = ("logistic", "logistic_target_group")


def _evaluated(folder: Path, out: Path, **settings: object) -> DisdatReport:
    return evaluate_disdat(EvaluateDisdatRequest(folder=folder, out=out, **settings), RecordedProgress()).report


def test_models_rank_the_surveyed_sites_of_every_species_and_differences_are_paired(tmp_path: Path) -> None:
    write_region(tmp_path)
    trees = ExtraTreesClassifier(n_estimators=20)
    report = _evaluated(tmp_path, tmp_path / "out", models=(*QUICK, trees), ensembles=("mean", "committee"))
    (region,) = report.regions
    assert region.classes == ("soil",) and region.covariates == ("rain", "height", "soil") and region.sites == 150
    assert [model.model for model in region.models] == [
        *QUICK, "sklearn.ensemble.ExtraTreesClassifier(n_estimators=20)", "mean", "committee",
    ]  # fmt: skip
    for model in region.models:
        assert [one.species for one in model.figures] == list(SPECIES)
        assert min(one.auc for one in model.figures) > 0.7
    assert sum(region.ranks()) == pytest.approx(15)
    written = json.loads((tmp_path / "out" / "evaluation.json").read_text())
    (same,) = [one for one in written["regions"][0]["models"] if one["name"] == written["regions"][0]["reference"]]
    assert same["auc_less_reference"] == {"mean": 0, "low": 0, "high": 0}
    assert "C 0.01" in (tmp_path / "out" / "evaluation.md").read_text()


def test_ours_is_what_a_fit_makes_of_covariates_with_or_without_chips_and_places(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(models, "RangeNetworkConfig", lambda seed: small_settings(seed))
    write_region(tmp_path)
    asked = ("ours", "ours_covariates", "ours_chip_place")
    (region,) = _evaluated(tmp_path, tmp_path / "out", models=asked).regions
    assert [one.model for one in region.models] == list(asked)
    chosen, alone, beside = ([one.auc for one in model.figures] for model in region.models)
    assert alone != beside and chosen in (alone, beside)
    said = [text for model in region.models for _, text in model.chosen]
    assert said[1].startswith("covariates; ") and said[2].startswith("chip + place + covariates; ")
    assert "a hinge regression of covariates (C " in said[1]


def test_no_survey_is_opened_before_every_model_has_learned(tmp_path: Path) -> None:
    write_region(tmp_path)
    (tmp_path / "xyz_test.parquet").write_bytes(b"not a table")
    progress = RecordedProgress()
    with pytest.raises(InputError, match=r"xyz_test\.parquet is empty or damaged"):
        evaluate_disdat(EvaluateDisdatRequest(folder=tmp_path, out=tmp_path / "out", models=QUICK), progress)
    assert [text for text in progress.said if "fitting" in text] == [
        "xyz: fitting logistic regression to 3 species",
        "xyz: fitting logistic regression, target group to 3 species",
    ]
    assert not (tmp_path / "out").exists()


def test_each_group_learns_from_its_own_places_and_is_evaluated_by_its_own_surveys(tmp_path: Path) -> None:
    write_region(tmp_path, groups=True)
    write_region(tmp_path, "other")
    report = _evaluated(tmp_path, tmp_path / "out", models=QUICK, regions=("xyz",))
    (region,) = report.regions
    assert {one.species for one in region.models[0].figures} == set(SPECIES) and region.sites == 300
    assert [group for group, _ in region.models[0].chosen] == ["bat", "bird"]


def test_a_row_of_another_group_says_nothing_of_a_species(tmp_path: Path) -> None:
    write_region(tmp_path, groups=True)
    bats = pq.read_table(tmp_path / "xyz_test_bat.parquet")
    bats = bats.append_column(SPECIES[0], pa.array([0] * len(bats)))  # as zeros in rows where it was not looked for
    pq.write_table(bats, tmp_path / "xyz_test_bat.parquet")
    (region,) = _evaluated(tmp_path, tmp_path / "out", models=("logistic",)).regions
    of = {one.species: one.present + one.absent for one in region.models[0].figures}
    assert of == dict.fromkeys(SPECIES, 150)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda folder: (folder / "xyz_background.parquet").unlink(), "has no xyz_background.parquet"),
        (lambda folder: (folder / "xyz_test.parquet").unlink(), "has no xyz_test"),
        (lambda folder: (folder / "xyz_train_presences.parquet").unlink(), "holds no region"),
        (lambda folder: _drop(folder / "xyz_train_presences.parquet", "spid"), "has no column 'spid'"),
        (lambda folder: _drop(folder / "xyz_background.parquet", "lon"), "has no column 'lon'"),
        (lambda folder: _drop(folder / "xyz_test.parquet", "rain"), "are missing: rain"),
        (lambda folder: _drop(folder / "xyz_test.parquet", *SPECIES), "no column of a species that was learned"),
    ],
)
def test_a_region_that_lacks_something_is_an_error_that_names_it(tmp_path: Path, change: object, said: str) -> None:
    write_region(tmp_path)
    change(tmp_path)
    with pytest.raises(InputError, match=said):
        _evaluated(tmp_path, tmp_path / "out", models=("logistic",))


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"regions": ("xzy",)}, "holds no region 'xzy'"),
        ({"models": ("logistc",)}, "nearest: 'logistic'"),
        ({"models": ("sklearn.ensemble.RandomForest",)}, "no estimator 'RandomForest'"),
        ({"models": ("sklearn.svm.LinearSVC",)}, "has no predict_proba"),
        ({"models": ("logistic",), "ensembles": ("mean",)}, "ensemble of logistic alone"),
    ],
)
def test_what_cannot_be_meant_is_an_error(tmp_path: Path, settings: dict[str, object], said: str) -> None:
    write_region(tmp_path)
    with pytest.raises(BirdsatError, match=said):
        _evaluated(tmp_path, tmp_path / "out", **settings)


def test_a_covariate_of_many_numbers_is_of_classes_when_it_is_said(tmp_path: Path) -> None:
    write_region(tmp_path)
    (region,) = _evaluated(
        tmp_path, tmp_path / "out", models=("logistic",), categorical=("height", "elsewhere")
    ).regions
    assert set(region.classes) == {"height", "soil"}


def _drop(path: Path, *names: str) -> None:
    pq.write_table(pq.read_table(path).drop_columns(list(names)), path)


def test_requests_hold_an_estimator_as_text() -> None:
    asked = EvaluateDisdatRequest(folder="f", out="o", models=ExtraTreesClassifier(max_depth=3))
    assert asked.models == ("sklearn.ensemble.ExtraTreesClassifier(max_depth=3)",)
    with pytest.raises(ConfigError, match="cannot be written as text"):
        EvaluateDisdatRequest(folder="f", out="o", models=[ExtraTreesClassifier(random_state=print)])
