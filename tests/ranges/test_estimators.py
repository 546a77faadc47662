"""Classifiers as text: read, written, and refused."""

import numpy as np
import pytest
from sklearn.base import BaseEstimator
from sklearn.ensemble import HistGradientBoostingClassifier, RandomForestClassifier
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from birdsat.errors import ConfigError
from birdsat.ranges.estimators import (
    TRUSTED,
    estimator_text,
    fit_one,
    parse_estimator,
    short_text,
    takes_weights,
    with_seed,
)


@pytest.mark.parametrize(
    "estimator",
    [
        RandomForestClassifier(),
        RandomForestClassifier(n_estimators=7, max_features=None, class_weight={0: 1.5, 1: 2}),
        make_pipeline(StandardScaler(with_mean=False), LogisticRegression(C=0.3)),
        make_pipeline(SimpleImputer(), LogisticRegression(C=np.inf)),
        make_pipeline(SimpleImputer(missing_values=-np.inf), LogisticRegression(C=np.float64(0.5))),
        HistGradientBoostingClassifier(max_iter=np.int64(30)),
    ],
)
def test_an_estimator_is_what_its_text_says(estimator: BaseEstimator) -> None:
    again = parse_estimator(estimator_text(estimator), from_file=True)
    assert repr(again) == repr(estimator).replace("np.float64(0.5)", "0.5").replace("np.int64(30)", "30")
    assert type(again) is type(estimator)


def test_a_class_may_be_told_from_its_module_by_a_colon_made_without_brackets_or_named_alone() -> None:
    assert isinstance(parse_estimator("sklearn.ensemble:RandomForestClassifier"), RandomForestClassifier)
    forest = parse_estimator("RandomForestClassifier(max_depth=2)", from_file=True)
    assert isinstance(forest, RandomForestClassifier) and forest.max_depth == 2
    assert short_text("sklearn.ensemble:RandomForestClassifier(max_depth=2)") == "RandomForestClassifier(max_depth=2)"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("os.system('true')", "os has no estimator 'system'"),
        ("sklearn.ensemble.RandomForestClassifier(n_estimator=3)", "nearest: 'n_estimators'"),
        ("sklearn.ensemble.RandomForestClassifer", "nearest: 'RandomForestClassifier'"),
        ("sklearn.ensemble.RandomForestClassifier(300)", "keywords only"),
        ("sklearn.ensemble.RandomForestClassifier(n_estimators=open('x'))", "has no estimator 'open'"),
        ("sklearn.ensemble.RandomForestClassifier(n_estimators=1 + x)", "is not plain"),
        ("sklearn.ensemble.RandomForestRegressor", "no predict_proba"),
        ("sklearn.svm.SVC", "CalibratedClassifierCV"),
        ("sklearn.pipeline.Pipeline()", "cannot be made"),
        ("nowhere_at_all.Forest", "cannot be imported"),
        ("sklearn.ensemble.RandomForestClassifier(", "cannot be read"),
        ("(lambda: 3)()", "has no estimator"),
        ("RandomForestClasifier", "scikit-learn has no estimator 'RandomForestClasifier'; nearest: 'RandomForestClass"),
    ],
)
def test_a_text_of_anything_else_says_what_is_wrong(text: str, said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        parse_estimator(text)


def test_a_file_may_name_classes_of_trusted_packages_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    text = f"{Own.__module__}.Own"
    assert isinstance(parse_estimator(text), Own)
    with pytest.raises(ConfigError, match=TRUSTED):
        parse_estimator(text, from_file=True)
    monkeypatch.setenv(TRUSTED, f"lightgbm, {Own.__module__}")
    assert isinstance(parse_estimator(text, from_file=True), Own)
    with pytest.raises(ConfigError, match="folder of pickles"):
        parse_estimator(f"sklearn.pipeline.Pipeline(steps=[('own', {text}())], memory='x')", from_file=True)


def test_every_estimator_inside_gets_the_seed_but_those_that_have_one() -> None:
    forest = with_seed(make_pipeline(StandardScaler(), RandomForestClassifier()), 3)
    assert forest.get_params()["randomforestclassifier__random_state"] == 3
    assert with_seed(RandomForestClassifier(random_state=1), 3).get_params()["random_state"] == 1
    assert takes_weights(RandomForestClassifier()) and not takes_weights(forest)


class Own(BaseEstimator):
    """A classifier that is not of scikit-learn."""

    def fit(self, x: object, y: object) -> "Own":
        return self

    def predict_proba(self, x: object) -> object:
        return x


@pytest.mark.parametrize(
    "text", ["LogisticRegression(C=-1)", "KNeighborsClassifier(n_neighbors=99)", "MultinomialNB()"]
)
def test_what_a_classifier_cannot_do_with_the_records_is_said_in_words(text: str) -> None:
    rows = np.random.default_rng(0).normal(size=(40, 3))
    with pytest.raises(ConfigError, match=rf"^{text.partition('(')[0]}.* cannot learn from these records: ") as caught:
        fit_one(parse_estimator(text), rows[:20], rows[20:], np.ones(20))(rows)
    assert caught.value.settings == ("model", "models")
