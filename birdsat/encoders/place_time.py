"""Where and when as one token: continuous on the sphere and over the year."""

import math
from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float
from torch import Tensor, nn

from birdsat.earth.place import EARTH_RADIUS_KM
from birdsat.encoders.blocks import initialise

_MONTH_STARTS = (0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334)  # days before each month of 365


@dataclass(frozen=True, kw_only=True)
class PlaceTimeConfig:
    """Settings of the place and date encoder."""

    place_scales_km: tuple[float, ...] = (6000.0, 2000.0, 700.0, 250.0)  # wavelengths over 2 pi, coarse to fine
    waves_per_scale: int = 16  # random directions on the sphere at each scale
    year_harmonics: int = 3  # 1: once a year, 2: twice, ...
    hidden_width: int = 256
    dropout: float = 0.25  # share of samples, in training, whose place (and, drawn apart, date) is made unknown
    seed: int = 0  # of the waves' directions, which are fixed

    def build(self, width: int) -> "PlaceTimeEncoder":
        """The encoder to vectors of this width, with fresh weights."""
        return PlaceTimeEncoder(self, width)


@dataclass(frozen=True, kw_only=True)
class PublishedPlaceTimeConfig:
    """Settings of the encoding that the published BirdSAT models were trained with."""

    dropout: float = 0.25  # share of samples, in training, whose place (and, drawn apart, date) is left out

    def build(self, width: int) -> "PublishedPlaceTimeEncoder":
        """The encoder to vectors of this width, with fresh weights."""
        return PublishedPlaceTimeEncoder(self, width)


AnyPlaceTimeConfig = PlaceTimeConfig | PublishedPlaceTimeConfig


class PlaceTimeEncoder(nn.Module):
    """Place and date to one vector of the encoder's width.

    The place goes in as sines and cosines of plane waves through the unit sphere, whose scales run from continents
    to counties, so that it is smooth over the antimeridian and at the poles (random Fourier features, Tancik et al.
    2020, taken on the sphere as in Mai et al. 2023, "Sphere2Vec"). The date goes in as harmonics of the year. A
    missing place or date, and one dropped in training, becomes the same learned "unknown" vector. The two are added and
    then mixed: where a migrant is to be found depends on the month.
    """

    def __init__(self, config: PlaceTimeConfig, width: int) -> None:
        super().__init__()
        self.config = config
        directions = torch.Generator().manual_seed(config.seed)
        scales = torch.tensor(config.place_scales_km).repeat_interleave(config.waves_per_scale)
        waves = torch.randn(3, len(scales), generator=directions) * (EARTH_RADIUS_KM / scales)
        self.waves: Tensor
        self.register_buffer("waves", waves)
        self.place = nn.Sequential(
            nn.Linear(3 + 2 * len(scales), config.hidden_width),
            nn.GELU(),
            nn.Linear(config.hidden_width, width),
        )
        self.date = nn.Sequential(
            nn.Linear(2 * config.year_harmonics, config.hidden_width),
            nn.GELU(),
            nn.Linear(config.hidden_width, width),
        )
        self.mix = nn.Sequential(
            nn.LayerNorm(width), nn.Linear(width, config.hidden_width), nn.GELU(), nn.Linear(config.hidden_width, width)
        )
        initialise(self)
        self.unknown_place = nn.Parameter(torch.zeros(width))
        self.unknown_date = nn.Parameter(torch.zeros(width))

    def forward(
        self,
        lon_lat: Float[Tensor, "n 2"],
        year_fraction: Float[Tensor, " n"],
        generator: torch.Generator | None = None,
    ) -> Float[Tensor, "n width"]:
        """Encode places (degrees, NaN where missing) and dates (0..1 of the year, NaN where missing).

        `generator` drops places and dates at random, each sample alone; without it, as in eval mode, none is dropped.
        """
        place_known, date_known = _known(lon_lat, year_fraction, self.config.dropout, generator)
        place = _where(place_known, self.place(self._place_waves(lon_lat.nan_to_num())), self.unknown_place)
        date = _where(date_known, self.date(self._date_waves(year_fraction.nan_to_num())), self.unknown_date)
        both = place + date  # (n, width)
        return both + self.mix(both)  # type: ignore[no-any-return]

    def _place_waves(self, lon_lat: Float[Tensor, "n 2"]) -> Float[Tensor, "n features"]:
        lam, phi = lon_lat.float().deg2rad().unbind(dim=1)
        sphere = torch.stack([phi.cos() * lam.cos(), phi.cos() * lam.sin(), phi.sin()], dim=1)
        with torch.autocast(sphere.device.type, enabled=False):  # bf16 would blur the finest waves
            phase = sphere @ self.waves
        return torch.cat([sphere, phase.sin(), phase.cos()], dim=1)

    def _date_waves(self, year_fraction: Float[Tensor, " n"]) -> Float[Tensor, "n features"]:
        harmonic = torch.arange(1, self.config.year_harmonics + 1, device=year_fraction.device)
        phase = 2 * math.pi * year_fraction[:, None] * harmonic
        return torch.cat([phase.sin(), phase.cos()], dim=1)


class PublishedPlaceTimeEncoder(nn.Module):
    """Place and date as the published BirdSAT models take them: four numbers each, through a linear layer each.

    sin and cos of pi lat / 90 and of pi lon / 180; sin and cos of 2 pi month / 12 and of 2 pi day / 31. It gives both
    poles the same numbers and jumps at the end of a month; `PlaceTimeEncoder` does neither. What is not known adds
    nothing.
    """

    def __init__(self, config: PublishedPlaceTimeConfig, width: int) -> None:
        super().__init__()
        self.config = config
        self.place = nn.Linear(4, width)
        self.date = nn.Linear(4, width)

    def forward(
        self,
        lon_lat: Float[Tensor, "n 2"],
        year_fraction: Float[Tensor, " n"],
        generator: torch.Generator | None = None,
    ) -> Float[Tensor, "n width"]:
        """As `PlaceTimeEncoder.forward`. The day of a date after February may be one off in a leap year."""
        place_known, date_known = _known(lon_lat, year_fraction, self.config.dropout, generator)
        nothing = torch.zeros_like(self.place.bias)
        place = _where(place_known, self.place(published_place(lon_lat.nan_to_num())), nothing)
        return place + _where(date_known, self.date(published_date(year_fraction.nan_to_num())), nothing)


def published_place(lon_lat: Float[Tensor, "n 2"]) -> Float[Tensor, "n 4"]:
    """Places in degrees as the published models take them."""
    lon, lat = lon_lat.float().unbind(dim=1)
    return _circle(lat / 180, lon / 360)


def published_date(year_fraction: Float[Tensor, " n"]) -> Float[Tensor, "n 4"]:
    """Dates as the published models take them: month 1..12 and day 1..31 of a year of 365 days."""
    starts = torch.tensor(_MONTH_STARTS, device=year_fraction.device)
    # A hundred-thousandth of a day is what float32 may be off by; a thousandth is added lest a day become its eve.
    day_of_year = (year_fraction.float() * 365 + 1e-3).floor().long().clamp(0, 364)  # 0 on 1 January
    month = (day_of_year[:, None] >= starts).sum(dim=1)  # searchsorted, which ONNX does not have
    day = day_of_year - starts[month - 1] + 1
    return _circle(month / 12, day / 31)


def _circle(one: Float[Tensor, " n"], other: Float[Tensor, " n"]) -> Float[Tensor, "n 4"]:
    """Sine and cosine of each, in turns."""
    angles = [2 * math.pi * turns.float() for turns in (one, other)]
    return torch.stack([wave for angle in angles for wave in (angle.sin(), angle.cos())], dim=1)


def _known(
    lon_lat: Float[Tensor, "n 2"], year_fraction: Float[Tensor, " n"], dropout: float, generator: torch.Generator | None
) -> tuple[Bool[Tensor, " n"], Bool[Tensor, " n"]]:
    """Which places, and which dates, are known and not dropped."""
    place, date = ~lon_lat.isnan().any(dim=1), ~year_fraction.isnan()
    if generator is None:
        return place, date
    kept = torch.rand(2, len(lon_lat), generator=generator, device=generator.device) >= dropout
    return place & kept[0].to(place.device), date & kept[1].to(date.device)


def _where(known: Bool[Tensor, " n"], value: Float[Tensor, "n width"], unknown: Float[Tensor, " width"]) -> Tensor:
    return torch.where(known[:, None], value, unknown.to(value.dtype))
