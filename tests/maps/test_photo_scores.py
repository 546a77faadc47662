"""Maps over a grid: right cells, months and nodata, each chip encoded once, flat memory."""

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from recorded import RecordedProgress
from torch import Tensor, nn

from birdsat.dataset.batch import Batch
from birdsat.earth.box import Box
from birdsat.earth.date import mid_month
from birdsat.earth.grid import Grid
from birdsat.earth.place import Place
from birdsat.embeddings.regions import cut_chips as cut
from birdsat.errors import ConfigError, ImageError, InputError, PlaceError
from birdsat.maps import photo_scores as predict
from birdsat.maps.photo_scores import predict_blocks, predict_maps
from birdsat.methods.method import Method, Reconstruction

GRID = Grid(Box(170, -20, -170, 0), 4.0)  # over the antimeridian, 5 x 5 cells


class Longitudes:
    """Chips whose red is the whole degrees of longitude east of 90 E; none on the northernmost row."""

    def chips(self, place: Place) -> tuple[NDArray[np.uint8], ...]:
        if place.lat > -4:
            raise PlaceError("no imagery")
        return (np.full((2, 2, 3), round((place.lon - 90) % 360), dtype=np.uint8),)


class Checkerboard:
    """Chips of 4 px, black and white by turns; those of the western column are damaged."""

    def chips(self, place: Place) -> tuple[NDArray[np.uint8], ...]:
        if 170 < place.lon < 174:
            raise ImageError("cut short")
        squares = np.indices((4, 4)).sum(axis=0) % 2 * 255
        return (np.repeat(squares[:, :, None], 3, axis=2).astype(np.uint8),)


class Broken:
    def chips(self, place: Place) -> tuple[NDArray[np.uint8], ...]:
        raise InputError("the raster has no CRS")


class Stub(Method):
    """Embeds the chip's red, the longitude, and the time of year."""

    sees_chips = True
    uses_metadata = True

    def __init__(self) -> None:
        super().__init__()
        self.encoded: list[int] = []
        self.px: set[int] = set()

    def losses(self, batch: Batch, generator: torch.Generator) -> dict[str, Tensor]:
        raise NotImplementedError

    def embed_photo(self, photo: Tensor) -> Tensor:
        raise NotImplementedError

    def reconstruct(self, batch: Batch, generator: torch.Generator) -> Reconstruction:
        raise NotImplementedError

    def encode_chip(self, chip: Tensor) -> Tensor:
        self.encoded.append(len(chip))
        self.px.add(chip.shape[-1])
        return chip[:, :1].float().mean((2, 3))

    def embed_chip(self, features: Tensor, lon_lat: Tensor, year_fraction: Tensor) -> Tensor:
        return nn.functional.normalize(torch.cat([features, lon_lat[:, :1], 100 * year_fraction[:, None]], 1), dim=1)


class PhotosOnly(Stub):
    sees_chips = False


def test_every_cell_and_month_is_the_cosine_worked_out_by_hand(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cut, "BLOCK_CELLS", 7)
    method = Stub()
    vectors = np.eye(3, dtype=np.float32)[:2]
    maps = predict_maps(method, vectors, GRID, (1, 7), Longitudes(), device="cpu")
    assert maps.score.shape == (2, 2, 5, 5)
    for row, lat in enumerate(GRID.lat):
        for column, lon in enumerate(GRID.lon):
            for m, month in enumerate((1, 7)):
                if lat > -4:
                    assert np.isnan(maps.score[:, m, row, column]).all()
                    continue
                wrapped = (lon + 180) % 360 - 180
                raw = np.array([round(lon - 90), wrapped, 100 * mid_month(month)])
                np.testing.assert_allclose(maps.score[:, m, row, column], (raw / np.linalg.norm(raw))[:2], rtol=1e-5)
    assert sum(method.encoded) == 20  # once a cell, whatever the months and taxa
    assert max(method.encoded) <= 7


def test_only_the_cells_asked_for_are_cut_and_scored() -> None:
    method = Stub()
    where = np.zeros(GRID.shape, dtype=bool)
    where[2:4, 1] = True
    maps = predict_maps(method, np.eye(1, 3, dtype=np.float32), GRID, (5,), Longitudes(), where=where, device="cpu")
    np.testing.assert_array_equal(np.isfinite(maps.score[0, 0]), where)
    assert sum(method.encoded) == 2


def test_worker_processes_cut_the_same_map(monkeypatch: pytest.MonkeyPatch) -> None:
    vectors = np.eye(2, 3, dtype=np.float32)
    alone = predict_maps(Stub(), vectors, GRID, (1,), Longitudes(), device="cpu")
    monkeypatch.setattr(cut, "BLOCK_CELLS", 7)
    shared = predict_maps(Stub(), vectors, GRID, (1,), Longitudes(), workers=1, device="cpu")
    np.testing.assert_array_equal(alone.score, shared.score)


def test_a_region_without_imagery_is_nodata_and_never_zero() -> None:
    north = Grid(Box(0, 0, 8, 8), 4.0)
    maps = predict_maps(Stub(), np.eye(1, 3, dtype=np.float32), north, (1,), Longitudes(), device="cpu")
    assert np.isnan(maps.score).all()


@pytest.mark.parametrize("workers", [0, 1])
def test_chips_of_another_size_are_averaged_and_damaged_ones_leave_a_hole(workers: int) -> None:
    method = Stub()
    vectors = np.eye(1, 3, dtype=np.float32)
    maps = predict_maps(method, vectors, GRID, (1,), Checkerboard(), chip_px=2, workers=workers, device="cpu")
    assert method.px == {2}
    np.testing.assert_array_equal(np.isnan(maps.score[0, 0]), np.arange(5)[None, :].repeat(5, 0) == 0)
    raw = np.array([127.5, 176, 100 * mid_month(1)])  # grey; the centre of the second column
    np.testing.assert_allclose(maps.score[0, 0, :, 1], (raw / np.linalg.norm(raw))[0], atol=2e-3)


def test_the_progress_of_a_map_counts_cells() -> None:
    vectors, progress = np.eye(1, 3, dtype=np.float32), RecordedProgress()
    predict_maps(Stub(), vectors, GRID, (1,), Longitudes(), device="cpu", progress=progress)
    assert [(bar.done, bar.total, bar.unit) for bar in progress.bars] == [(25, 25, "cells")]


def test_scores_that_take_too_much_memory_are_refused_before_anything_is_cut(monkeypatch: pytest.MonkeyPatch) -> None:
    one = np.eye(1, 3, dtype=np.float32)
    monkeypatch.setattr(predict, "MOST_SCORE_BYTES", 2 * 25 * 4)
    assert predict_maps(Stub(), one, GRID, (1, 7), Longitudes(), device="cpu").score.shape == (1, 2, 5, 5)
    with pytest.raises(InputError, match="5 x 5 cells, 3 months and 1 taxa need"):
        predict_maps(Stub(), one, GRID, (1, 6, 7), Broken(), device="cpu")


def test_what_is_wrong_is_said() -> None:
    one = np.eye(1, 3, dtype=np.float32)
    with pytest.raises(InputError, match="photos only"):
        predict_maps(PhotosOnly(), one, GRID, (1,), Longitudes(), device="cpu")
    with pytest.raises(InputError, match="width 4"):
        predict_maps(Stub(), np.eye(1, 4, dtype=np.float32), GRID, (1,), Longitudes(), device="cpu")
    with pytest.raises(InputError, match="at least one"):
        predict_maps(Stub(), one, GRID, (), Longitudes(), device="cpu")
    with pytest.raises(ConfigError):
        predict_maps(Stub(), one, GRID, (13,), Longitudes(), device="cpu")
    with pytest.raises(InputError, match="mask"):
        predict_maps(Stub(), one, GRID, (1,), Longitudes(), where=np.ones((2, 2), dtype=bool), device="cpu")
    with pytest.raises(InputError, match="CRS"):
        next(predict_blocks(Stub(), one, GRID, (1,), Broken(), device="cpu"))


def test_a_grid_whose_scores_would_not_fit_is_refused_in_numbers() -> None:
    world = Grid(Box(-180, -90, 180, 90), 0.001)
    with pytest.raises(InputError, match=r"180,000 x 360,000 cells.*241\.4 GiB.*at most 2 GiB.*larger step"):
        predict_maps(Stub(), np.eye(1, 3, dtype=np.float32), world, (6,), Longitudes())
