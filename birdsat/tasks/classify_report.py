"""What classification gives: figures of one or several classifiers, as a table and as JSON."""

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from birdsat.methods.inputs import INPUT_WORDS, Inputs
from birdsat.tables import Table
from birdsat.tasks.classify_figures import Figures, figures_dict

ClassifierName = Literal[
    "probe",
    "1-NN",
    "20-NN",
    "fine-tuned",
    "head on frozen features",
    "head on random features",
    "supervised from scratch",
]


@dataclass(frozen=True, kw_only=True, slots=True)
class PairsToldApart:
    """How often the right one of two taxa is chosen when only these two are allowed."""

    pairs: int  # pairs that could be evaluated: both taxa trained on, both in the test split
    left_out: int  # pairs that could not
    rows: int  # test rows evaluated
    accuracy: float  # mean over pairs of the mean over the two taxa, so that chance is 0.5; NaN without pairs


@dataclass(frozen=True, kw_only=True, slots=True)
class ClassifyScore:
    """One classifier on one set of inputs, over the rows of the test split."""

    classifier: ClassifierName
    inputs: Inputs
    c: float | None  # of the probe's penalty; None for others
    figures: Figures
    told_apart: PairsToldApart | None  # None when no pairs were asked for

    @property
    def top1(self) -> float:
        """Share of the rows whose taxon scores highest."""
        return self.figures.top1

    @property
    def top5(self) -> float:
        """Share of the rows whose taxon is among the five that score highest."""
        return self.figures.top5

    @property
    def right(self) -> tuple[int, ...]:
        """Rows of each taxon classified right, in the order of the taxa."""
        return self.figures.right


@dataclass(frozen=True, kw_only=True, slots=True)
class ClassifyReport:
    """Everything `classify` measured; all shares are of the test rows that have a photo."""

    taxa: tuple[str, ...]
    train_rows: tuple[int, ...]  # photos of each taxon to learn from
    test_rows: tuple[int, ...]  # photos of each taxon to classify
    left_out: int  # test rows without a photo
    unseen: int  # test rows of taxa without a training photo; they count as wrong
    chance_top1: float  # 1 / taxa with training photos
    chance_top5: float  # 5 / taxa with training photos
    majority_top1: float  # always naming the commonest training taxon
    scores: tuple[ClassifyScore, ...]

    def score(self, classifier: ClassifierName = "probe", inputs: Inputs = "photo") -> ClassifyScore:
        """The score of one classifier on one set of inputs. Raises KeyError when it was not measured."""
        for score in self.scores:
            if (score.classifier, score.inputs) == (classifier, inputs):
                return score
        raise KeyError((classifier, inputs))

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values; NaN is None."""
        return {
            "rows": sum(self.test_rows),
            "left_out_without_photo": self.left_out,
            "rows_of_unseen_taxa": self.unseen,
            "chance": {"top1": self.chance_top1, "top5": self.chance_top5},
            "majority": {"top1": self.majority_top1},
            "scores": [self._score_dict(score) for score in self.scores],
            "per_taxon": [
                {
                    "taxon": taxon,
                    "train": train,
                    "test": test,
                    "top1": {f"{s.classifier}, {s.inputs}": s.right[i] / test for s in self.scores if test},
                }
                for i, (taxon, train, test) in enumerate(zip(self.taxa, self.train_rows, self.test_rows, strict=True))
            ],
        }

    def table(self) -> Table:
        """For the console. Columns of which nothing is known are left out."""
        taxa = np.count_nonzero(self.test_rows)
        columns = [name for name in _COLUMNS if any(_cell(name, score) for score in self.scores)]
        table = Table(
            columns=["classifier", "inputs"], words=2, title=f"{sum(self.test_rows):,} test photos of {taxa:,} taxa"
        )
        for name in columns:
            table.add_column(name)
        for score in self.scores:
            table.add_row(score.classifier, INPUT_WORDS[score.inputs], *(_cell(name, score) for name in columns))
        table.add_section()
        chance = {"top-1": self.chance_top1, "top-5": self.chance_top5, "pairs told apart": 0.5}
        for title, known in (("commonest taxon", {"top-1": self.majority_top1}), ("chance", chance)):
            table.add_row(title, "", *(f"{known[name]:.3f}" if name in known else "" for name in columns))
        scaled = any(score.figures.calibration.temperature is not None for score in self.scores)
        table.caption = "ECE: expected calibration error; " + (
            "scaled: with the temperature fitted on val"
            if scaled
            else "there are no val photos to fit a temperature on"
        )
        return table

    @property
    def best(self) -> ClassifyScore:
        """The score with the highest top-1; the first of several."""
        return max(self.scores, key=lambda score: score.top1)

    def taxon_table(self, classifier: ClassifierName = "probe", inputs: Inputs = "photo") -> Table:
        """The per-taxon table of one score for the console; taxa without test photos are left out."""
        score = self.score(classifier, inputs)
        table = Table(columns=["taxon"], title=f"{classifier} on {INPUT_WORDS[inputs]}, by taxon")
        for name in ("train", "test", "top-1"):
            table.add_column(name)
        rows = zip(self.taxa, self.train_rows, self.test_rows, score.right, strict=True)
        for taxon, train, test, right in rows:
            if test:
                table.add_row(taxon, f"{train:,}", f"{test:,}", f"{right / test:.3f}")
        return table

    def _score_dict(self, score: ClassifyScore) -> dict[str, Any]:
        plain: dict[str, Any] = {"classifier": score.classifier, "inputs": score.inputs, "c": score.c}
        plain |= figures_dict(score.figures, self.taxa)
        apart = score.told_apart
        if apart is not None:
            plain["pairs_told_apart"] = {
                "pairs": apart.pairs,
                "left_out": apart.left_out,
                "rows": apart.rows,
                "accuracy": apart.accuracy if apart.pairs else None,
            }
        return plain


_COLUMNS = ("top-1", "top-5", "macro", "genus", "family", "ECE", "scaled", "pairs told apart")


def _cell(column: str, score: ClassifyScore) -> str:
    figures, apart = score.figures, score.told_apart
    value = {
        "top-1": figures.top1,
        "top-5": figures.top5,
        "macro": figures.macro,
        "genus": figures.genus.accuracy,
        "family": figures.family.accuracy,
        "ECE": figures.calibration.error,
        "scaled": figures.calibration.scaled_error,
        "pairs told apart": apart.accuracy if apart else None,
    }[column]
    return "" if value is None or np.isnan(value) else f"{value:.3f}"
