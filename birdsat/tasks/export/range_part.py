"""The part of a range model: chip features, place and date to the relative suitability of every taxon."""

import math

import torch
from torch import Tensor, nn

from birdsat.errors import ConfigError
from birdsat.ranges.covariates.scaling import CovariateScaling
from birdsat.ranges.estimator_network import EstimatorNetwork
from birdsat.ranges.intervals import intervals
from birdsat.ranges.model import PhotoTerm, RangeModel
from birdsat.ranges.network import RangeNetwork
from birdsat.tasks.export.part import BATCH, Part, Port, place_ports


class Covariates(nn.Module):
    """`CovariateScaling` in operations that any runtime has: curves of straight lines as sums of bends."""

    def __init__(self, scaling: CovariateScaling) -> None:
        super().__init__()
        kept = scaling.kept
        knots, levels = scaling.knots[kept].double(), scaling.levels[kept].double()
        slopes = levels.diff(dim=1) / knots.diff(dim=1)  # (k, q - 1)
        self.columns = nn.Buffer(torch.nonzero(kept)[:, 0])
        self.first_knot, self.first_level = nn.Buffer(knots[:, 0].float()), nn.Buffer(levels[:, 0].float())
        self.first_slope = nn.Buffer(slopes[:, 0].float())
        self.knots = nn.Buffer(knots[:, 1:-1].float())
        self.bends = nn.Buffer(slopes.diff(dim=1).float())  # at the inner knots
        flagged = scaling.flags != 0
        self.flagged = nn.Buffer(torch.nonzero(flagged)[:, 0])
        self.missing, self.flags = nn.Buffer(scaling.missing[flagged]), nn.Buffer(scaling.flags[flagged])

    def forward(self, covariates: Tensor) -> Tensor:
        """(n, k), NaN where not known, to (n, inputs)."""
        unknown = covariates.isnan()
        values = torch.where(unknown, 0.0, covariates)[:, self.columns]
        along = self.first_level + self.first_slope * (values - self.first_knot)
        along = along + (self.bends * (values[:, :, None] - self.knots).clamp(min=0.0)).sum(dim=2)
        along = torch.where(unknown[:, self.columns], 0.0, along)
        return torch.cat([along, (unknown[:, self.flagged].float() - self.missing) * self.flags], dim=1)


class Photos(nn.Module):
    """`PhotoTerm` of places whose embedding at the date is known."""

    def __init__(self, term: PhotoTerm) -> None:
        super().__init__()
        self.vectors = nn.Buffer(torch.from_numpy(term.vectors))
        self.mean, self.deviation = nn.Buffer(torch.from_numpy(term.mean)), nn.Buffer(torch.from_numpy(term.deviation))

    def forward(self, embedding: Tensor) -> Tensor:
        """(n, d) to (n, taxa)."""
        return (embedding @ self.vectors.T - self.mean) / self.deviation


class Ranges(nn.Module):
    """A range model as a plain module, in single precision throughout."""

    def __init__(self, model: RangeModel, network: RangeNetwork) -> None:
        super().__init__()
        self.network, self.calibration = network.eval(), model.facts.calibration
        self.centre, self.directions = nn.Buffer(model.projection.centre), nn.Buffer(model.projection.directions)
        scaling = model.projection.covariates
        self.covariates = None if scaling is None else Covariates(scaling)
        self.records = nn.Buffer(torch.tensor(model.facts.points, dtype=torch.float32))
        self.photos = None if model.photos is None else Photos(model.photos)

    def forward(
        self,
        chip_features: Tensor,
        lon_lat: Tensor,
        year_fraction: Tensor,
        first: Tensor | None = None,
        second: Tensor | None = None,
    ) -> tuple[Tensor, Tensor, Tensor]:
        """chip_features (n, f), lon_lat (n, 2), year_fraction (n,) to suitabilities and their bounds, each (n, taxa).

        first, second: covariates (n, k) and then embeddings (n, d), as far as it learned from them.
        """
        left = [one for one in (first, second) if one is not None]
        lam, phi = lon_lat.deg2rad().unbind(dim=1)
        sphere = torch.stack([phi.cos() * lam.cos(), phi.cos() * lam.sin(), phi.sin()], dim=1)
        inputs = (torch.cat([chip_features, sphere], dim=1) - self.centre) @ self.directions
        if self.covariates is not None:
            inputs = torch.cat([inputs, self.covariates(left.pop(0))], dim=1)
        logit = self._logits(self.network.hidden(inputs[None]), year_fraction)  # (members, n, taxa)
        photo: Tensor | float = 0.0
        if self.photos is not None:
            photo = self.photos(left.pop(0))
        log_odds = self.calibration.log_odds(logit, photo)
        suitability = log_odds.sigmoid().mean(dim=0)
        by_taxon = log_odds.transpose(1, 2)[:, :, None]  # (members, taxa, 1, n)
        low, high = intervals(by_taxon, suitability.T[:, None], self.records)
        return suitability, low[:, 0].T, high[:, 0].T

    def _logits(self, hidden: Tensor, year_fraction: Tensor) -> Tensor:
        """As `RangeNetwork.logits`, with dates that are a tensor."""
        if self.network.terms == 1:
            heads: Tensor = self.network.heads(hidden)
            return heads
        known = ~year_fraction.isnan()
        order = torch.arange(1, self.network.config.basis_harmonics + 1)
        phase = 2 * math.pi * torch.where(known, year_fraction, 0.0)[:, None] * order
        harmonics = torch.stack([phase.cos(), phase.sin()], dim=2).flatten(1) * known[:, None]
        seasonal = harmonics @ self.network.seasonal_basis.transpose(1, 2)  # (members, n, terms - 1)
        basis = torch.cat([torch.ones_like(seasonal[..., :1]), seasonal], dim=2)
        weight, bias = self.network.heads_by_term()
        at_date = (hidden[:, :, None, :] * basis[..., None]).flatten(2)  # (members, n, terms * width)
        return basis @ bias + at_date @ weight.flatten(1, 2)


def range_part(model: RangeModel) -> Part:
    """The part of a range model. Raises ConfigError for one whose taxa classifiers learned."""
    if isinstance(model.network, EstimatorNetwork):
        raise ConfigError(
            f"{model.folder} was learned by {model.facts.estimator}, a classifier of scikit-learn's kind; the range "
            "network alone can be exported. Fit without a model of your own."
        )
    features, taxa = len(model.projection.centre) - 3, len(model.facts.taxa)
    reads_chips = model.projection.directions.shape[1] > 0
    ports = [
        Port(
            name="chip_features",
            type="float32",
            shape=(BATCH, features),
            meaning="as the region has them: `region.at`, or the features of the exported place encoder"
            if reads_chips
            else "any, as the model learned from covariates alone",
        ),
        *place_ports(),
    ]
    if (scaling := model.projection.covariates) is not None:
        named = ", ".join(raster.name for raster in model.facts.rasters)
        ports.append(
            Port(
                name="covariates",
                type="float32",
                shape=(BATCH, scaling.width),
                meaning=f"{named}; NaN where not known",
            )
        )
    if model.photos is not None:
        width = model.photos.vectors.shape[1]
        ports.append(
            Port(
                name="place_embedding",
                type="float32",
                shape=(BATCH, width),
                meaning="of chip, place and date, by the exported place encoder of its run",
            )
        )
    bound = "of the interval that holds four of five places"
    return Part(
        name="range-model",
        module=Ranges(model, model.network).eval(),
        inputs=tuple(ports),
        outputs=(
            Port(
                name="suitability", type="float32", shape=(BATCH, taxa), meaning="of each label; relative, as a map's"
            ),
            Port(name="low", type="float32", shape=(BATCH, taxa), meaning=f"lower bound {bound}"),
            Port(name="high", type="float32", shape=(BATCH, taxa), meaning=f"upper bound {bound}"),
        ),
    )
