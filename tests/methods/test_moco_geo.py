"""The queue, the slow encoder and the clusters of places of moco_geo."""

import math
from dataclasses import replace
from typing import Any

import torch
from small_methods import METHODS, batch, seeded

from birdsat.methods.moco_geo import MocoGeo, MocoGeoConfig


def moco(**settings: Any) -> MocoGeo:
    torch.manual_seed(0)
    config = METHODS["moco_geo"]
    assert isinstance(config, MocoGeoConfig)
    return MocoGeo(replace(config, **settings))


def test_the_queue_goes_round_whatever_the_batch_size() -> None:
    method = moco(queue=7)
    before = method.queue.clone()
    method.losses(batch(), seeded())  # four of the five samples have a photo
    assert int(method.queue_next) == 4
    assert torch.equal(method.queue[4:], before[4:]) and not torch.isclose(method.queue[:4], before[:4]).any()
    second = method.queue.clone()
    method.losses(batch(), seeded())
    assert int(method.queue_next) == 1  # 8 mod 7
    assert torch.equal(method.queue[1:4], second[1:4])


def test_a_batch_larger_than_the_queue_leaves_its_last_photos_in_it() -> None:
    method = moco(queue=2)
    method.losses(batch(), seeded())
    assert torch.allclose(method.queue.norm(dim=1), torch.ones(2), atol=1e-5)


def test_the_slow_encoder_follows_in_training_and_neither_it_nor_the_queue_moves_in_eval_mode() -> None:
    method = moco(momentum=0.5)
    with torch.no_grad():
        method.encoder.class_token += 1.0
    method.losses(batch(), seeded())
    assert torch.allclose(method.encoder.class_token - method.slow_encoder.class_token, torch.tensor(0.5), atol=1e-6)
    method.eval()
    kept = {name: value.clone() for name, value in method.state_dict().items()}
    method.losses(batch(), seeded())
    assert all(torch.equal(kept[name], value) for name, value in method.state_dict().items())


def test_photos_learn_the_cluster_nearest_to_their_place() -> None:
    places = torch.tensor([[1.0, -1.0], [179.0, 5.0], [58.0, 61.0], [math.nan, math.nan]])
    assert moco().cluster(places)[:3].tolist() == [0, 2, 2]


def test_clusters_of_places_are_the_same_in_bf16() -> None:
    generator = seeded()
    places = torch.rand(500, 2, generator=generator) * 20  # a country: all directions nearly alike
    centres = tuple((lon, lat) for lon, lat in (torch.rand(100, 2, generator=generator) * 20).tolist())
    method = moco(centres=centres)
    with torch.autocast("cpu", torch.bfloat16):
        rounded = method.cluster(places)
    assert torch.equal(rounded, method.cluster(places))


def test_one_view_of_each_photo_still_has_a_contrast_to_judge_moco_by() -> None:
    method = moco().eval()
    same = replace(batch(), photos=batch().photos[:1])
    losses = [method.losses(same, seeded(seed))["contrast"] for seed in (0, 0, 1)]
    assert losses[0] == losses[1] != losses[2]
