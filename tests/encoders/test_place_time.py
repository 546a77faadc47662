import datetime
import math

import pytest
import torch

from birdsat.earth.date import year_fraction
from birdsat.encoders.place_time import (
    PlaceTimeConfig,
    PlaceTimeEncoder,
    PublishedPlaceTimeConfig,
    PublishedPlaceTimeEncoder,
    published_date,
    published_place,
)


@pytest.fixture
def encoder() -> PlaceTimeEncoder:
    torch.manual_seed(0)
    made = PlaceTimeEncoder(PlaceTimeConfig(), width=32)
    torch.nn.init.normal_(made.unknown_place)
    torch.nn.init.normal_(made.unknown_date)
    return made


def at(encoder: PlaceTimeEncoder, lon: float, lat: float, year: float = 0.5) -> torch.Tensor:
    return encoder(torch.tensor([[lon, lat]]), torch.tensor([year]))[0]


def test_both_sides_of_the_antimeridian_are_one_place(encoder: PlaceTimeEncoder) -> None:
    assert torch.allclose(at(encoder, 180.0, 20.0), at(encoder, -180.0, 20.0), atol=1e-4)


def test_longitude_means_nothing_at_a_pole_and_the_poles_differ(encoder: PlaceTimeEncoder) -> None:
    assert torch.allclose(at(encoder, 10.0, 90.0), at(encoder, -120.0, 90.0), atol=1e-4)
    assert not torch.allclose(at(encoder, 0.0, 90.0), at(encoder, 0.0, -90.0), atol=1e-2)


def test_the_year_ends_where_it_begins(encoder: PlaceTimeEncoder) -> None:
    assert torch.allclose(at(encoder, 0.0, 0.0, 0.0), at(encoder, 0.0, 0.0, 1.0), atol=1e-4)
    assert not torch.allclose(at(encoder, 0.0, 0.0, 0.0), at(encoder, 0.0, 0.0, 0.5), atol=1e-2)


def test_a_missing_place_is_the_unknown_vector_and_other_samples_are_untouched(encoder: PlaceTimeEncoder) -> None:
    nan = math.nan
    both = encoder(torch.tensor([[nan, nan], [3.0, 4.0]]), torch.tensor([nan, 0.25]))
    nowhere = encoder.unknown_place + encoder.unknown_date
    assert torch.allclose(both[0], nowhere + encoder.mix(nowhere), atol=1e-5)
    assert torch.allclose(both[1], at(encoder, 3.0, 4.0, 0.25), atol=1e-5)


def test_dropout_is_for_each_sample_alone_and_gives_the_unknown_vector(encoder: PlaceTimeEncoder) -> None:
    n = 400
    same = encoder(torch.tensor([[3.0, 4.0]]).expand(n, 2), torch.full((n,), 0.25), torch.Generator().manual_seed(0))
    kinds = torch.unique((same * 1e3).round(), dim=0)
    assert len(kinds) == 4  # place known or not, date known or not
    nowhere = at(encoder, math.nan, math.nan, math.nan)
    unknown = torch.isclose(same, nowhere, atol=1e-4).all(dim=1).float().mean()
    assert 0.02 < unknown < 0.12  # 0.25 x 0.25


def test_gradients_are_finite_where_place_and_date_are_missing(encoder: PlaceTimeEncoder) -> None:
    encoder(torch.full((2, 2), math.nan), torch.full((2,), math.nan)).sum().backward()
    assert all(p.grad is None or p.grad.isfinite().all() for p in encoder.parameters())


def test_nearby_places_are_nearer_in_embedding_than_far_ones(encoder: PlaceTimeEncoder) -> None:
    home = at(encoder, 10.0, 50.0)
    assert (home - at(encoder, 10.3, 50.0)).norm() < (home - at(encoder, 60.0, 10.0)).norm()


def test_what_a_month_means_depends_on_the_place(encoder: PlaceTimeEncoder) -> None:
    north = at(encoder, 10.0, 50.0, 0.5) - at(encoder, 10.0, 50.0, 0.0)
    south = at(encoder, 20.0, -30.0, 0.5) - at(encoder, 20.0, -30.0, 0.0)
    assert (north - south).norm() > 0.05 * north.norm()


def test_the_published_encoding_is_that_of_the_paper_and_what_is_missing_adds_nothing() -> None:
    torch.manual_seed(0)
    encoder = PublishedPlaceTimeEncoder(PublishedPlaceTimeConfig(), 8)
    day = torch.tensor([year_fraction(datetime.date(2021, 7, 14)), math.nan])
    place = torch.tensor([[math.nan, math.nan], [30.0, -45.0]])
    waves = [math.sin(2 * math.pi * 7 / 12), math.cos(2 * math.pi * 7 / 12)]
    waves += [math.sin(2 * math.pi * 14 / 31), math.cos(2 * math.pi * 14 / 31)]
    ground = [math.sin(-math.pi / 2), math.cos(-math.pi / 2), math.sin(math.pi / 6), math.cos(math.pi / 6)]
    assert torch.allclose(published_date(day[:1]), torch.tensor([waves]), atol=1e-5)
    assert torch.allclose(published_place(place[1:]), torch.tensor([ground]), atol=1e-5)
    given = encoder(place, day)
    assert torch.allclose(given[0], encoder.date(torch.tensor(waves)), atol=1e-5)
    assert torch.allclose(given[1], encoder.place(torch.tensor(ground)), atol=1e-5)


def test_every_day_of_a_common_year_is_read_back_for_the_published_encoding() -> None:
    days = [datetime.date(2021, 1, 1) + datetime.timedelta(n) for n in range(365)]
    read = published_date(torch.tensor([year_fraction(day) for day in days]))
    angles = torch.tensor([[2 * math.pi * day.month / 12, 2 * math.pi * day.day / 31] for day in days])
    wanted = torch.stack([angles.sin(), angles.cos()], dim=2).flatten(1)
    assert torch.allclose(read, wanted, atol=1e-4)
