"""What `birdsat evaluate identify` measured, as tables and as JSON."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from birdsat.metrics import without_nan
from birdsat.tables import Table
from birdsat.tasks.identify.figures import WayFigures
from birdsat.tasks.identify.kept_out import KeptOutFigures


@dataclass(frozen=True, kw_only=True, slots=True)
class GateFigures:
    """How well one kind of strangers is told from test photos of known taxa, before any prior."""

    photos: int
    auroc: float
    false_positives_at_95: float  # share that passes where 95% of known test photos do
    passes: float  # share that passes the threshold that was chosen on held-out photos


@dataclass(frozen=True, kw_only=True, slots=True)
class IdentifyReport:
    """Figures of a run on the test photos of a dataset."""

    run: str
    dataset: str
    scores: str  # what named photos
    fitted_on: str
    coverage: float
    sure: float
    joinings: Mapping[str, Mapping[str, Any]]  # way -> temperature, weight, floor, set rule
    ways: tuple[WayFigures, ...]
    left_out: int  # test photos of taxa that the run does not know
    known_pass: float  # share of test photos of known taxa that pass the gate
    gate: Mapping[str, GateFigures]
    kept_out: KeptOutFigures | None
    notes: tuple[str, ...]

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values; NaN is None."""
        plain: dict[str, Any] = asdict(self)
        return without_nan(plain)  # type: ignore[no-any-return]

    def tables(self) -> tuple[Table, ...]:
        """For the console and for Markdown."""
        found = [self._ways(), self._certainty(), self._gate()]
        if self.kept_out is not None:
            found.append(self._taught(self.kept_out))
        return tuple(found)

    def _ways(self) -> Table:
        photos = self.ways[0].photos
        table = Table(title=f"{photos:,} test photos, named by {self.scores}")
        for name in ("by", "top-1 (95%)", "gain (95%)", "top-5", "genus", "ECE", "known places", "true but unexpected"):
            table.add_column(name)
        for way in self.ways:
            table.add_row(
                way.name,
                way.top1.text(),
                "" if way.gain is None else _signed(way.gain.value, way.gain.low, way.gain.high),
                f"{way.top5:.1%}",
                f"{way.genus:.1%}",
                f"{way.calibration_error:.3f}",
                f"{way.told:.1%}" if way.gain is not None else "",
                f"{way.expected_absent:.1%}" if way.gain is not None else "",
            )
        return table

    def _certainty(self) -> Table:
        table = Table(
            title=f"Sets that are to hold the true taxon at {self.coverage:.0%}; names right at {self.sure:.0%}"
        )
        for name in (
            "by", "sets hold", "taxa in a set", "worst family", "worst block", "names right", "species", "genus",
            "family", "Aves",
        ):  # fmt: skip
            table.add_column(name)
        for way in self.ways:
            of, rolled = way.coverage, way.rolled_up
            table.add_row(
                way.name,
                of.share.text(),
                f"{of.mean_size:.1f}",
                _percent(of.worst_family),
                _percent(of.worst_block),
                "" if np.isnan(rolled.accuracy.value) else rolled.accuracy.text(),
                *(_percent(rolled.depth.get(rank, 0.0)) for rank in ("species", "genus", "family", "class")),
            )
        return table

    def _gate(self) -> Table:
        table = Table(title=f"The gate, which {self.known_pass:.1%} of test photos of known taxa pass")
        for name in ("strangers", "photos", "AUROC", "false positives at 95%", "pass"):
            table.add_column(name)
        for name, figures in self.gate.items():
            table.add_row(
                name,
                f"{figures.photos:,}",
                f"{figures.auroc:.3f}",
                f"{figures.false_positives_at_95:.1%}",
                f"{figures.passes:.1%}",
            )
        return table

    def _taught(self, kept_out: KeptOutFigures) -> Table:
        table = Table(title=f"{len(kept_out.taxa)} taxa kept out, then taught", words=1)
        for name in ("by", "photos a taxon", "their top-1", "others before", "others after"):
            table.add_column(name)
        for one in kept_out.taught:
            table.add_row(
                one.by,
                str(one.photos),
                f"{one.new_top1:.1%}",
                f"{one.old_before:.1%}",
                f"{one.old_after:.1%}",
            )
        table.caption = (
            f"the gate tells them from known taxa with an AUROC of {kept_out.auroc:.3f}; "
            f"{kept_out.false_positives_at_95:.1%} pass where 95% of these do"
        )
        return table


def _signed(value: float, low: float, high: float) -> str:
    return f"{value:+.1%} ({low:+.1%} to {high:+.1%})"


def _percent(value: float) -> str:
    return "" if np.isnan(value) else f"{value:.1%}"
