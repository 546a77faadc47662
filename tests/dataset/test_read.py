"""Reading datasets: what comes, in what order, and what happens to damaged files."""

import itertools
import multiprocessing
import pickle
import subprocess
from collections.abc import Iterator
from dataclasses import fields, replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import torch
from small_dataset import (
    GROUP_ROWS,
    HALF_A_PLACE,
    ROWS,
    TAXA,
    WITHOUT_CHIP,
    WITHOUT_DATE,
    WITHOUT_PHOTO,
    WITHOUT_PLACE,
    write_dataset,
)

from birdsat.dataset.batch import Batch
from birdsat.dataset.manifest import SHARD_SCHEMA
from birdsat.dataset.read import (
    Batches,
    Dataset,
    TrainingStream,
    epoch_order,
    read_rows,
    read_split,
    row_facts,
)
from birdsat.dataset.views import ViewsConfig
from birdsat.errors import ConfigError, DatasetError
from birdsat.imagery.photos import decode_rgb

GROUPS = np.array([8] * 8 + [3])
VIEWS = ViewsConfig(photo_px=16, chip_px=8)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_dataset(tmp_path_factory.mktemp("dataset"))


@pytest.fixture(scope="module")
def dataset(folder: Path) -> Dataset:
    return Dataset(folder)


def stream(dataset: Dataset, **settings: object) -> TrainingStream:
    return TrainingStream(dataset, **{"batch_size": 4, "views": VIEWS, "seed": 1, "window_groups": 3} | settings)


def first(batches: object, count: int) -> list[Batch]:
    return list(itertools.islice(iter(batches), count))  # type: ignore[call-overload]


def rows_of(batches: list[Batch]) -> list[int]:
    return [row for batch in batches for row in batch.row.tolist()]


def assert_same(batches: list[Batch], others: list[Batch]) -> None:
    assert len(batches) == len(others)
    for batch, other in zip(batches, others, strict=True):
        for field in fields(Batch):
            torch.testing.assert_close(
                getattr(batch, field.name), getattr(other, field.name), rtol=0, atol=0, equal_nan=True
            )


def test_an_epoch_order_holds_every_row_once() -> None:
    order = np.concatenate(list(epoch_order(GROUPS, seed=1, epoch=0, window_groups=4)))
    every = [(group, row) for group, rows in enumerate(GROUPS) for row in range(rows)]
    assert sorted(map(tuple, order.tolist())) == every


@pytest.mark.parametrize("start", [0, 1, 20, 24, 63, 67])
def test_an_epoch_order_from_a_later_start_is_the_rest_of_the_whole(start: int) -> None:
    whole = np.concatenate(list(epoch_order(GROUPS, seed=1, epoch=0, window_groups=3)))
    rest = list(epoch_order(GROUPS, seed=1, epoch=0, window_groups=3, start=start))
    assert np.array_equal(np.concatenate([np.empty((0, 2), int), *rest]), whole[start:])


def test_an_epoch_order_depends_on_seed_and_epoch() -> None:
    orders = [
        np.concatenate(list(epoch_order(GROUPS, seed=seed, epoch=epoch, window_groups=3))).tolist()
        for seed, epoch in [(1, 0), (1, 1), (2, 0), (1, 0)]
    ]
    assert orders[0] == orders[3]
    assert orders[0] != orders[1] and orders[0] != orders[2] and orders[1] != orders[2]


def test_the_shuffle_mixes_row_groups_of_the_whole_split() -> None:
    many = np.full(200, 64)
    window = next(epoch_order(many, seed=0, epoch=0, window_groups=16))
    assert len(set(window[:, 0])) == 16
    assert np.ptp(window[:, 0]) > 100
    # any 64 rows in turn come from most of the window's 16 groups
    assert all(len(set(window[i : i + 64, 0])) > 10 for i in range(0, len(window), 64))


def test_an_epoch_holds_every_row_once_but_for_less_than_a_batch(dataset: Dataset) -> None:
    whole = stream(dataset)
    rows = rows_of(first(whole, whole.batches_per_epoch))
    assert whole.batches_per_epoch == ROWS // 4
    assert len(set(rows)) == len(rows) == ROWS // 4 * 4


def test_epochs_follow_each_other_in_different_orders_and_views(dataset: Dataset) -> None:
    batches = first(stream(dataset), 2 * (ROWS // 4))
    one, two = batches[: ROWS // 4], batches[ROWS // 4 :]
    assert rows_of(one) != rows_of(two)
    photo_of = {int(row): photo for batch in one for row, photo in zip(batch.row, batch.photo, strict=True)}
    changed = [
        not torch.equal(photo_of[int(row)], photo)
        for batch in two
        for row, photo in zip(batch.row, batch.photo, strict=True)
        if int(row) in photo_of and int(row) != WITHOUT_PHOTO
    ]
    assert sum(changed) > 0.9 * len(changed)


def test_ranks_share_the_global_batches_in_turn(dataset: Dataset) -> None:
    ranks = [stream(dataset, rank=rank, ranks=3) for rank in range(3)]
    assert {rank.batches_per_epoch for rank in ranks} == {ROWS // 12}
    per_rank = [first(rank, ROWS // 12) for rank in ranks]
    in_turn = [batch for together in zip(*per_rank, strict=True) for batch in together]
    assert_same(in_turn, first(stream(dataset), len(in_turn)))


@pytest.mark.filterwarnings("ignore:This DataLoader will create")
@pytest.mark.parametrize("workers", [1, 2, 3])
def test_workers_change_neither_order_nor_pixels(dataset: Dataset, workers: int) -> None:
    count = 2 * (ROWS // 4) + 3
    settings = stream(dataset)
    assert_same(first(Batches(settings, workers=workers), count), first(Batches(settings, workers=0), count))


@pytest.mark.parametrize(("start", "workers"), [(1, 0), (7, 2), (15, 2), (16, 0), (35, 2)])
def test_a_later_start_continues_as_if_never_stopped(dataset: Dataset, start: int, workers: int) -> None:
    continued = first(Batches(stream(dataset, start_batch=start), workers=workers), 5)
    through = first(Batches(stream(dataset), workers=0), start + 5)
    assert_same(continued, through[start:])


@pytest.mark.parametrize("name", ["INT", "TERM"])
def test_workers_outlive_a_signal_to_the_whole_group_that_the_training_process_handles(
    dataset: Dataset, name: str
) -> None:
    batches = iter(Batches(stream(dataset), workers=1))
    next(batches)
    for worker in multiprocessing.active_children():
        subprocess.run(["kill", f"-{name}", str(worker.pid)], check=True)
    assert len(first(batches, 8)) == 8


def test_a_worker_ends_when_its_parent_asks(dataset: Dataset) -> None:
    batches = iter(Batches(stream(dataset), workers=1))
    next(batches)
    (worker,) = multiprocessing.active_children()
    worker.terminate()  # as Python does with those that are left when it exits
    worker.join(10)
    assert worker.exitcode == 0


def test_without_chips_their_pixels_are_zero_and_all_else_is_the_same(dataset: Dataset) -> None:
    whole, without = first(stream(dataset), 5), first(stream(dataset, with_chips=False), 5)
    assert any(batch.chip.any() for batch in whole)
    assert_same(without, [replace(batch, chip=torch.zeros_like(batch.chip)) for batch in whole])


def test_another_seed_gives_another_order(dataset: Dataset) -> None:
    assert rows_of(first(stream(dataset, seed=1), 5)) != rows_of(first(stream(dataset, seed=2), 5))


def test_skipping_reads_only_the_row_groups_of_the_window(dataset: Dataset, monkeypatch: pytest.MonkeyPatch) -> None:
    read: list[int] = []
    whole = pq.ParquetFile.read_row_group
    monkeypatch.setattr(
        pq.ParquetFile, "read_row_group", lambda self, index, **how: read.append(index) or whole(self, index, **how)
    )
    first(stream(dataset, start_batch=ROWS // 4 * 1000 + 10), 1)
    assert len(read) <= 2 * 3


def test_row_groups_are_read_once_an_epoch(dataset: Dataset, monkeypatch: pytest.MonkeyPatch) -> None:
    read: list[int] = []
    whole = pq.ParquetFile.read_row_group
    monkeypatch.setattr(
        pq.ParquetFile, "read_row_group", lambda self, index, **how: read.append(index) or whole(self, index, **how)
    )
    first(stream(dataset, batch_size=1), ROWS)
    assert len(read) == len(GROUPS)


def test_batches_have_the_documented_shapes_and_types(dataset: Dataset) -> None:
    (batch,) = first(stream(dataset), 1)
    assert batch.photo.shape == (4, 3, 16, 16) and batch.photo.dtype == torch.uint8
    assert batch.chip.shape == (4, 3, 8, 8) and batch.chip.dtype == torch.uint8
    assert batch.photo.is_contiguous() and batch.chip.is_contiguous()
    assert batch.has_photo.shape == batch.has_chip.shape == (4,)
    assert batch.has_photo.dtype == batch.has_chip.dtype == torch.bool
    assert batch.lon_lat.shape == (4, 2) and batch.lon_lat.dtype == torch.float32
    assert batch.year_fraction.shape == (4,) and batch.year_fraction.dtype == torch.float32
    assert batch.label.dtype == batch.row.dtype == torch.int64


def test_training_rows_carry_their_own_facts(dataset: Dataset) -> None:
    for batch in first(stream(dataset), ROWS // 4):
        assert torch.equal(batch.label, batch.row % 3)
        known = ~batch.lon_lat.isnan().any(1)
        assert torch.equal(batch.lon_lat[known, 0], batch.row[known].float())
        dated = ~batch.year_fraction.isnan()
        torch.testing.assert_close(batch.year_fraction[dated], batch.row[dated] / 365)


@pytest.mark.parametrize("workers", [0, 2])
@pytest.mark.parametrize("batch_size", [5, 8, 100])
def test_a_split_is_read_whole_and_in_file_order(dataset: Dataset, batch_size: int, workers: int) -> None:
    batches = list(read_split(dataset, "train", batch_size=batch_size, photo_px=16, chip_px=10, workers=workers))
    assert rows_of(batches) == list(range(ROWS))
    assert [len(batch) for batch in batches[:-1]] == [batch_size] * (len(batches) - 1)


def test_an_empty_split_gives_no_batches(dataset: Dataset) -> None:
    assert list(read_split(dataset, "val", batch_size=4, photo_px=16, chip_px=10, workers=0)) == []
    assert row_facts(dataset, "val").lon_lat.shape == (0, 2)


def test_reading_without_chance_gives_the_central_square(dataset: Dataset, folder: Path) -> None:
    (batch,) = read_split(dataset, "train", batch_size=100, photo_px=30, chip_px=10, workers=0)
    stored = pq.read_table(folder / "train-00000.parquet").to_pylist()[11]
    photo, chip = decode_rgb(stored["photo"]["bytes"]), decode_rgb(stored["chip"]["bytes"])
    assert np.array_equal(batch.photo[11].permute(1, 2, 0).numpy(), photo[:, 5:35])
    assert np.array_equal(batch.chip[11].permute(1, 2, 0).numpy(), chip)


def test_what_is_missing_is_marked(dataset: Dataset) -> None:
    (batch,) = read_split(dataset, "train", batch_size=100, photo_px=16, chip_px=10, workers=0)
    every = set(range(ROWS))
    assert set(batch.row[batch.has_photo].tolist()) == every - {WITHOUT_PHOTO}
    assert set(batch.row[batch.has_chip].tolist()) == every - {WITHOUT_CHIP}
    assert batch.photo[WITHOUT_PHOTO].eq(0).all() and batch.photo[WITHOUT_CHIP].ne(0).any()
    assert batch.chip[WITHOUT_CHIP].eq(0).all() and batch.chip[WITHOUT_PHOTO].ne(0).any()
    for column in range(2):
        assert set(batch.row[batch.lon_lat[:, column].isnan()].tolist()) == {WITHOUT_PLACE, HALF_A_PLACE}
    assert set(batch.row[batch.year_fraction.isnan()].tolist()) == {WITHOUT_DATE}


def test_row_facts_agree_with_the_batches(dataset: Dataset) -> None:
    facts = row_facts(dataset, "train")
    (batch,) = read_split(dataset, "train", batch_size=100, photo_px=16, chip_px=10, workers=0)
    assert facts.ids == tuple(f"id-{row}" for row in range(ROWS))
    assert np.array_equal(facts.label, batch.label.numpy())
    assert np.array_equal(facts.lon_lat.astype(np.float32), batch.lon_lat.numpy(), equal_nan=True)
    assert np.array_equal(facts.year_fraction.astype(np.float32), batch.year_fraction.numpy(), equal_nan=True)


def test_a_dataset_survives_pickling_and_knows_its_taxa(dataset: Dataset, folder: Path) -> None:
    copy = pickle.loads(pickle.dumps(dataset))
    assert copy.folder == folder and copy.manifest == dataset.manifest
    assert copy.taxa == TAXA and copy.rows("train") == ROWS and copy.rows("test") == 0
    assert_same(first(pickle.loads(pickle.dumps(stream(copy))), 2), first(stream(dataset), 2))


def test_a_dataset_smaller_than_a_global_batch_says_what_fits(dataset: Dataset) -> None:
    with pytest.raises(DatasetError, match=r"Lower the batch size to at most 33"):
        stream(dataset, batch_size=34, ranks=2)
    assert stream(dataset, batch_size=33, ranks=2).batches_per_epoch == 1


@pytest.mark.parametrize("setting", [{"rank": 1}, {"batch_size": 0}, {"start_batch": -1}, {"window_groups": 0}])
def test_impossible_settings_are_refused(dataset: Dataset, setting: dict[str, int]) -> None:
    with pytest.raises(ConfigError, match="allowed"):
        stream(dataset, **setting)


def damaged_copies(folder: Path) -> Iterator[tuple[str, bytes]]:
    """Ways for the second shard to be damaged."""
    whole = (folder / "train-00001.parquet").read_bytes()
    yield "cut short", whole[: len(whole) // 2]
    yield "no parquet", b"nothing"


@pytest.mark.parametrize("workers", [0, 2])
@pytest.mark.parametrize("damage", ["cut short", "no parquet", "absent"])
def test_a_damaged_shard_is_named_by_our_own_error(tmp_path: Path, damage: str, workers: int) -> None:
    folder = write_dataset(tmp_path)
    shard = folder / "train-00001.parquet"
    if damage == "absent":
        shard.unlink()
    else:
        shard.write_bytes(dict(damaged_copies(folder))[damage])
    with pytest.raises(DatasetError, match=r"train-00001\.parquet, row group \d.*birdsat data check") as caught:
        first(Batches(stream(Dataset(folder)), workers=workers), ROWS // 4)
    assert "Traceback" not in str(caught.value)


@pytest.mark.parametrize("workers", [0, 1])
def test_an_undecodable_image_is_named_with_its_row(tmp_path: Path, workers: int) -> None:
    folder = write_dataset(tmp_path)
    shard = folder / "train-00000.parquet"
    rows = pq.read_table(shard).to_pylist()
    rows[18]["chip"]["bytes"] = rows[18]["chip"]["bytes"][:100]
    pq.write_table(pa.Table.from_pylist(rows, schema=SHARD_SCHEMA), shard, row_group_size=GROUP_ROWS)
    batches = read_split(Dataset(folder), "train", batch_size=8, photo_px=16, chip_px=8, workers=workers)
    assert rows_of([next(batches), next(batches)]) == list(range(16))
    with pytest.raises(DatasetError, match=r"train-00000\.parquet, row group 2, row 2 .* cannot be decoded"):
        next(batches)


def test_a_taxon_unknown_to_the_manifest_is_a_damaged_dataset(tmp_path: Path) -> None:
    folder = write_dataset(tmp_path)
    shard = folder / "train-00000.parquet"
    rows = pq.read_table(shard).to_pylist()
    rows[0]["taxon"] = "Parus minor"
    pq.write_table(pa.Table.from_pylist(rows, schema=SHARD_SCHEMA), shard, row_group_size=GROUP_ROWS)
    with pytest.raises(DatasetError, match="Parus minor"):
        row_facts(Dataset(folder), "train")


@pytest.mark.parametrize("workers", [0, 2])
def test_single_rows_are_read_in_the_order_asked_and_are_those_of_the_split(dataset: Dataset, workers: int) -> None:
    rows = np.array([66, 0, 41, 0, 3, 17])
    sizes = {"batch_size": 4, "photo_px": 16, "chip_px": 8}
    (whole,) = read_split(dataset, "train", batch_size=ROWS, photo_px=16, chip_px=8, workers=0)
    batches = list(read_rows(dataset, "train", rows, **sizes, workers=workers))
    assert [len(batch) for batch in batches] == [4, 2]
    for name in ("photo", "chip", "has_photo", "has_chip", "lon_lat", "year_fraction", "label", "row"):
        got = torch.cat([getattr(batch, name) for batch in batches])
        assert torch.equal(got.nan_to_num(-1), getattr(whole, name)[rows].nan_to_num(-1))
