"""What surveys add to the fit of a range network: cross-entropy of taxa that were looked for, found and not found."""

from collections.abc import Sequence
from dataclasses import dataclass, fields

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor, nn

from birdsat.metrics import map_scores
from birdsat.ranges.network import RangeNetwork, RangeNetworkConfig
from birdsat.ranges.points import SurveyRows

_LEAST_FOUND = 5  # held out, without which figures would be chance
_TRIED_VISITS = 2048  # that members are tried on, at most
_OFFSET_RATE = 10.0  # times that of other weights, at which offsets learn: they alone carry how common a taxon is
# Of a taxon's loss, what its surveys have where all its points are of them; points and background have the rest, which
# is what is known of places where nobody surveyed.
SHARE = 0.9


@dataclass(frozen=True, kw_only=True, slots=True)
class HeldOutSurveys:
    """What members say of the visits that they did not learn from: survey rows (r,)."""

    logit: NDArray[np.float32]  # (r,)
    taxon: NDArray[np.int64]  # (r,)
    present: NDArray[np.bool_]  # (r,)
    half: NDArray[np.int64]  # (r,) 0 or 1: of the blocks, as those of points

    def where(self, mask: NDArray[np.bool_]) -> "HeldOutSurveys":
        """The rows where mask (r,) is True."""
        return HeldOutSurveys(**{field.name: getattr(self, field.name)[mask] for field in fields(self)})

    @classmethod
    def together(cls, parts: "Sequence[HeldOutSurveys]") -> "HeldOutSurveys":
        """Rows of all parts."""
        names = [field.name for field in fields(cls)]
        return cls(**{name: np.concatenate([getattr(part, name) for part in parts]) for name in names})


class SurveyTerm:
    """Survey rows as tensors: which member learns from which, and with what weight.

    Points and surveys see one surface, a taxon's log odds z, as in integrated species distribution models (Dorazio
    2014; Fithian et al. 2015): points against background say where z is higher, up to a constant that depends on how
    much was looked; in a survey the taxon is found with log odds z + a, a being learned for each member and taxon.
    Found and not found weigh one half each, which a takes up as well, so that rare taxa count as much as common ones.
    """

    def __init__(
        self,
        surveys: SurveyRows,
        visits: Tensor,
        out: Tensor,
        half: Tensor,
        config: RangeNetworkConfig,
        points: NDArray[np.int64],
    ) -> None:
        """visits (v, d) inputs; out (m, s) which member holds out which of s survey rows; half (v,) 0 or 1, of the
        blocks of visits; points (taxa,) of each taxon, surveys' too."""
        self.config, self.inputs, self.out, self.half = config, visits, out, half
        self.dates = surveys.year_fraction
        self.visit, self.taxon = torch.from_numpy(surveys.visit), torch.from_numpy(surveys.taxon)
        self.present = torch.from_numpy(surveys.present)
        self.generator = np.random.default_rng(config.seed)
        taxa = len(points)
        rows = np.bincount(surveys.taxon, minlength=taxa)
        alone = np.maximum(points - np.bincount(surveys.taxon[surveys.present], minlength=taxa), 0)  # of no survey
        share = SHARE * torch.from_numpy(rows / np.maximum(rows + alone, 1)).float()
        own = torch.from_numpy(surveys.weight).float()
        self.weight, self.known = _weights(~out * own, self.taxon, self.present, taxa)
        # (m, taxa) what is left for points and background: all of it where a member learns from no survey of the taxon.
        self.of_points = 1 - share * self.known
        self.weight *= 2 * share[self.taxon]  # as points and background, which have one each
        self.offset = nn.Parameter(torch.zeros(config.members, taxa))
        self.parameters = [self.offset]
        tried = np.unique(np.linspace(0, len(visits) - 1, min(len(visits), _TRIED_VISITS)).astype(np.int64))
        self.tried = torch.from_numpy(tried)

    def loss(self, network: RangeNetwork, noise: Tensor) -> Tensor:
        """Sum over members and their taxa; of some of the visits, drawn anew, where there are many."""
        visits, row, more = torch.arange(len(self.inputs)), torch.arange(len(self.visit)), 1.0
        if len(visits) > self.config.places_a_step:
            more = len(visits) / self.config.places_a_step
            drawn = self.generator.choice(len(visits), self.config.places_a_step, replace=False)
            visits, row = self._rows_of(torch.from_numpy(np.sort(drawn)))
        inputs = self.inputs[visits][None]
        inputs = inputs + noise * torch.randn(self.config.members, *inputs.shape[1:])
        z = self._logits(network, inputs, visits, row) + _OFFSET_RATE * self.offset[:, self.taxon[row]]
        entropy = F.softplus(torch.where(self.present[row], -z, z)) * self.weight[:, row]
        return entropy.sum() * more

    @torch.inference_mode()
    def trial(self, network: RangeNetwork) -> list[tuple[float, int]]:
        """The sum over taxa of the area under the ROC curve of what was held out, found against not found, and of how
        many taxa: of all of it, and of each half."""
        held, found = self.held_out(network), []
        for rows in (held, *(held.where(held.half == half) for half in (0, 1))):
            areas = areas_by_taxon(rows.logit, rows.taxon, rows.present)
            found.append((float(areas.sum()), len(areas)))
        return found

    @torch.inference_mode()
    def held_out(self, network: RangeNetwork) -> HeldOutSurveys:
        """Each row by the member that did not see it."""
        visits, row = self._rows_of(self.tried)
        logit = self._logits(network, self.inputs[visits][None], visits, row)
        member, at = torch.nonzero(self.out[:, row], as_tuple=True)
        return HeldOutSurveys(
            logit=logit[member, at].numpy(),
            taxon=self.taxon[row[at]].numpy(),
            present=self.present[row[at]].numpy(),
            half=self.half[self.visit[row[at]]].numpy(),
        )

    def _rows_of(self, visits: Tensor) -> tuple[Tensor, Tensor]:
        """The visits, and the rows of these."""
        if len(visits) == len(self.inputs):
            return visits, torch.arange(len(self.visit))
        chosen = torch.zeros(len(self.inputs), dtype=torch.bool)
        chosen[visits] = True
        return visits, torch.nonzero(chosen[self.visit])[:, 0]

    def _logits(self, network: RangeNetwork, inputs: Tensor, visits: Tensor, row: Tensor) -> Tensor:
        """(m, r) of rows, each of its taxon, visit and date; visits ascending, inputs (1 or m, v, d) theirs."""
        logits = network.logits(network.hidden(inputs), self.dates[visits.numpy()])
        return logits[:, torch.searchsorted(visits, self.visit[row]), self.taxon[row]]


def survey_figures(held_out: HeldOutSurveys) -> dict[str, float]:
    """How places where taxa were found stand against those where they were looked for and not found, of visits that
    were held out: means over the taxa that have both, of each the mean over the halves of the blocks by how often it
    was found there, as log odds of two numbers of steps are of two scales."""
    if np.count_nonzero(held_out.present) < _LEAST_FOUND:
        return {}
    of_taxa: dict[int, list[tuple[int, float, float]]] = {}  # of each half: times found, AUC, average precision
    part = held_out.taxon * 2 + held_out.half
    order = np.argsort(part, kind="stable")
    for rows in np.split(order, np.flatnonzero(np.diff(part[order])) + 1):
        there = held_out.present[rows]
        if there.any() and not there.all():
            area, precision = map_scores(held_out.logit[rows], there)[:2]
            of_taxa.setdefault(int(held_out.taxon[rows[0]]), []).append((int(there.sum()), area, precision))
    if not of_taxa:
        return {}
    means = [
        np.average([one[1:] for one in halves], axis=0, weights=[one[0] for one in halves])
        for halves in of_taxa.values()
    ]
    area, precision = np.mean(means, axis=0).tolist()
    return {
        "held_out_survey_taxa": float(len(of_taxa)),
        "held_out_survey_rows": float(len(held_out.present)),
        "held_out_survey_auc": area,
        "held_out_survey_average_precision": precision,
    }


def areas_by_taxon(
    score: NDArray[np.floating], taxon: NDArray[np.int64], present: NDArray[np.bool_]
) -> NDArray[np.float64]:
    """(t,) area under the ROC curve of each taxon of rows (r,) that has both kinds, by ascending label."""
    order = np.lexsort((present, score, taxon))  # of equal scores the present ones come last, and ...
    reverse = np.lexsort((~present, score, taxon))  # ... first: the mean of both areas counts ties one half
    return (_areas(taxon[order], present[order]) + _areas(taxon[reverse], present[reverse])) / 2


def _areas(taxon: NDArray[np.int64], present: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Of rows sorted by taxon, then score (Mann and Whitney 1947)."""
    if len(taxon) == 0:
        return np.zeros(0)
    there = np.bincount(taxon, weights=present)
    gone = np.bincount(taxon, weights=~present)
    below = np.cumsum(~present)  # absences so far, those of earlier taxa as well
    earlier = np.concatenate([[0.0], np.cumsum(gone)[:-1]])
    won = np.bincount(taxon, weights=present * below) - there * earlier
    both = (there > 0) & (gone > 0)
    areas: NDArray[np.float64] = won[both] / (there * gone)[both]
    return areas


def _weights(learned: Tensor, taxon: Tensor, present: Tensor, taxa: int) -> tuple[Tensor, Tensor]:
    """Of rows that count so much for each member (m, s): weights that add up to one half over those found and to one
    half over those not found of each member and taxon; and which (m, taxa) have both kinds."""
    kind = taxon * 2 + present
    sums = torch.zeros(len(learned), 2 * taxa).index_add_(1, kind, learned)
    both = (sums.view(-1, taxa, 2) > 0).all(dim=2)
    return learned / sums.clamp(min=1e-12)[:, kind] / 2 * both[:, taxon], both
