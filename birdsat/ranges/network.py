"""A network from inputs of a place to every taxon and season; several of them, the members, side by side."""

import math
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from jaxtyping import Float
from numpy.typing import NDArray
from torch import Tensor, nn

from birdsat.embeddings.regions.embed_cells import year_basis
from birdsat.errors import ConfigError
from birdsat.ranges.covariates.hinges import Hinges
from birdsat.ranges.dropout import Dropout


@dataclass(frozen=True, kw_only=True)
class RangeNetworkConfig:
    """Settings of a network and of how it is fitted."""

    inputs: int = 48  # principal components of chip features and place
    width: int = 128
    depth: int = 2  # residual blocks
    dropout: float = 0.5
    # Deviation of what is added to each input in training, whose own is 1 on average: of the first member and of the
    # last, those between in even ratios. Much helps where points are few, little where they are many or ranges sharp:
    # a fit to taxa with many points takes less.
    noise: tuple[float, float] = (0.1, 1.2)
    harmonics: int = 2  # of the year: half as many terms as the seasonal basis has, where points have dates
    basis_harmonics: int = 5  # that it may be made of
    members: int = 5  # networks; each holds out the points of one fold of blocks
    block_km: float = 500.0  # side of the blocks; a fit to records of a small region takes narrower ones
    regional: bool = False  # whether it did: then figures are against background among the records alone
    steps: int = 400  # at most; how many are taken is chosen on the blocks held out
    learning_rate: float = 2e-3
    weight_decay: float = 0.1
    places_a_step: int = 512  # of points, each place and date once; of more, some are drawn anew in each step
    background_a_step: int = 512
    seed: int = 0

    def __post_init__(self) -> None:
        whole = ("inputs", "width", "depth", "steps", "places_a_step", "background_a_step")
        for name in whole:
            if getattr(self, name) < 1:
                raise ConfigError(f"{name} is {getattr(self, name)}; allowed: 1 or more.")
        if self.members < 2:
            raise ConfigError(
                f"members is {self.members}; allowed: 2 or more, whose standard deviation is the uncertainty."
            )
        if not (0 <= self.dropout < 1 and min(self.noise) > 0 and self.block_km > 0):
            raise ConfigError(
                f"dropout {self.dropout}, noise {self.noise}, block_km {self.block_km}: dropout lies from 0 to below "
                "1, noise and block_km above 0."
            )
        if not 0 <= self.harmonics <= self.basis_harmonics:
            raise ConfigError(
                f"harmonics {self.harmonics}, basis_harmonics {self.basis_harmonics}: the first are 0 or more, and no "
                "more than the second."
            )


class RangeNetwork(nn.Module):
    """The members' residual MLPs (as SINR's, Cole et al. 2023, section 3.1), in one batched product each layer.

    A taxon's log odds at a place follow an annual cycle: the last layer gives its coefficients, of the year's mean and
    of a seasonal basis. That basis is learned and the same for all taxa, so that each needs few numbers of its own for
    a long summer and a short passage.
    """

    def __init__(
        self, config: RangeNetworkConfig, *, inputs: int, taxa: int, dated: bool, hinges: Hinges | None = None
    ) -> None:
        """dated: False leaves the seasonal basis out, and the year's mean is the only term. hinges: of covariates, that
        the last layer reads beside what the members make of a place."""
        super().__init__()
        self.config, self.taxa = config, taxa
        seasonal = 2 * config.harmonics if dated else 0
        self.terms = 1 + seasonal  # of an annual cycle
        m, width = config.members, config.width
        self.seasonal_basis = nn.Parameter(torch.eye(seasonal, 2 * config.basis_harmonics).repeat(m, 1, 1))
        self.start = _Linear(m, inputs, width)
        self.blocks = nn.ModuleList(_Block(m, width, config.dropout) for _ in range(config.depth))
        self.hinges = hinges
        self.heads = _Linear(m, self.kept_shape[1], taxa * self.terms, zero=True)

    @torch.no_grad()
    def start_seasons(self, basis: NDArray[np.float32]) -> None:
        """Let every member's seasonal basis start as these rows (seasonal, 2 K), as of `starting_basis`."""
        self.seasonal_basis.copy_(torch.from_numpy(basis).expand_as(self.seasonal_basis))

    @property
    def kept_shape(self) -> tuple[int, int]:
        """Members, and numbers of each, that the maps of a place are read from."""
        return self.config.members, self.config.width + (0 if self.hinges is None else self.hinges.outputs)

    @torch.no_grad()
    def beside(
        self,
        hinges: Hinges,
        weight: Float[Tensor, "members h taxa"],
        bias: Float[Tensor, "members taxa"],
        share: float,
    ) -> "RangeNetwork":
        """One whose log odds over the year are so much this network's, and the rest those of linear models on hinges;
        its seasons are this one's."""
        made = RangeNetwork(
            self.config, inputs=self.start.weight.shape[1], taxa=self.taxa, dated=self.terms > 1, hinges=hinges
        )
        own, of_own = (value.clone() for value in self.heads_by_term())
        own[:, 0] *= share
        of_own[:, 0] = share * of_own[:, 0] + (1 - share) * bias
        more = torch.zeros(len(own), self.terms, hinges.outputs, self.taxa)
        more[:, 0] = (1 - share) * weight
        state = self.state_dict() | hinges.state_dict(prefix="hinges.")
        state["heads.weight"] = (
            torch.cat([own, more], dim=2).transpose(1, 2).reshape(len(own), -1, self.heads.weight.shape[2])
        )
        state["heads.bias"] = of_own.reshape(self.heads.bias.shape)
        made.load_state_dict(state)
        return made.eval().requires_grad_(False)

    def hidden(self, inputs: Float[Tensor, "members n inputs"]) -> Float[Tensor, "members n width"]:
        """What the members make of places; (1, n, inputs) is the same places for all of them. Of a network with hinges
        these stand beside it, the same for all members."""
        hidden = F.gelu(self.start(inputs.expand(self.config.members, -1, -1)))
        for block in self.blocks:
            hidden = hidden + block(hidden)
        hidden = F.layer_norm(hidden, hidden.shape[-1:])
        if self.hinges is None:
            return hidden
        return torch.cat([hidden, self.hinges(inputs).expand(len(hidden), -1, -1)], dim=-1)

    def basis_at(self, year_fraction: NDArray[np.float64]) -> Float[Tensor, "members n terms"]:
        """The values of every term at dates (n,); an unknown date, NaN, leaves the year's mean alone."""
        harmonics = torch.from_numpy(year_basis(np.nan_to_num(year_fraction), self.config.basis_harmonics)[:, 1:])
        known = torch.from_numpy(np.isfinite(year_fraction))[:, None]
        seasonal = (harmonics * known) @ self.seasonal_basis.transpose(1, 2)
        return F.pad(seasonal, (1, 0), value=1.0)

    def logits(
        self, hidden: Float[Tensor, "members n width"], year_fraction: NDArray[np.float64]
    ) -> Float[Tensor, "members n taxa"]:
        """Log odds of every taxon, each place at its own date (n,); NaN is the mean over the year."""
        if self.terms == 1:
            return self.heads(hidden)  # type: ignore[no-any-return]
        basis = self.basis_at(year_fraction)
        at_date = (hidden[:, :, None, :] * basis[..., None]).flatten(2)  # (m, n, terms * width)
        weight, bias = self.heads_by_term()
        return basis @ bias + at_date @ weight.flatten(1, 2)

    def annual_cycles(
        self, hidden: Float[Tensor, "members n width"], taxa: list[int]
    ) -> Float[Tensor, "members _taxa terms n"]:
        """Coefficients of some taxa's log odds: those at a date are their products with `basis_at`, added up."""
        weight, bias = self.heads_by_term()
        weight, bias = weight[..., taxa].permute(0, 3, 1, 2), bias[..., taxa].transpose(1, 2)
        # Places last: a product whose last side is the few terms takes four times as long.
        cycles = torch.baddbmm(bias.flatten(1)[..., None], weight.flatten(1, 2), hidden.transpose(1, 2))
        return cycles.view(*bias.shape, -1)

    def heads_by_term(self) -> tuple[Float[Tensor, "members terms width taxa"], Float[Tensor, "members terms taxa"]]:
        """Weights and biases of the last layer."""
        m, width, _ = self.heads.weight.shape
        weight = self.heads.weight.view(m, width, self.terms, self.taxa).transpose(1, 2)
        return weight, self.heads.bias.view(m, self.terms, self.taxa)


class _Linear(nn.Module):
    """A linear layer of each member."""

    def __init__(self, members: int, inputs: int, outputs: int, *, zero: bool = False) -> None:
        super().__init__()
        bound = 0.0 if zero else 1 / math.sqrt(inputs)  # as nn.Linear's
        self.weight = nn.Parameter(torch.empty(members, inputs, outputs).uniform_(-bound, bound))
        self.bias = nn.Parameter(torch.empty(members, 1, outputs).uniform_(-bound, bound))

    def forward(self, x: Float[Tensor, "members n inputs"]) -> Float[Tensor, "members n outputs"]:
        return torch.baddbmm(self.bias, x, self.weight)


class _Block(nn.Module):
    def __init__(self, members: int, width: int, dropout: float) -> None:
        super().__init__()
        self.first, self.second = _Linear(members, width, width), _Linear(members, width, width)
        self.dropout = Dropout(dropout)

    def forward(self, x: Float[Tensor, "members n width"]) -> Float[Tensor, "members n width"]:
        return self.second(self.dropout(F.gelu(self.first(F.layer_norm(x, x.shape[-1:])))))  # type: ignore[no-any-return]
