"""Embedding a split: everything encoded once, deterministic, what is missing marked missing."""

import json
import math
import struct
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import torch
from torch import Tensor, nn

from birdsat.dataset.batch import Batch
from birdsat.dataset.read import RowFacts
from birdsat.embeddings.embed import embed_batches
from birdsat.embeddings.table import EmbeddingTable, join
from birdsat.embeddings.taxa import load_taxon_means, save_taxon_means, taxon_means
from birdsat.embeddings.write import write_embeddings
from birdsat.errors import CheckpointError, DatasetError, UnknownTaxonError
from birdsat.methods.method import Method, Reconstruction

TAXA = ("Corvus corax", "Setophaga citrina", "Turdus merula")
D = 4


class MeanColour(Method):
    """A stand-in whose embeddings can be worked out by hand: the image's mean colour, and longitude."""

    def __init__(self, *, sees_chips: bool = True, uses_metadata: bool = True) -> None:
        super().__init__()
        self.sees_chips, self.uses_metadata = sees_chips, uses_metadata
        self.dropout = nn.Dropout(0.5)
        self.chips_encoded = 0

    def losses(self, batch: Batch, generator: torch.Generator) -> dict[str, Tensor]:
        raise NotImplementedError

    def reconstruct(self, batch: Batch, generator: torch.Generator) -> Reconstruction:
        raise NotImplementedError

    def embed_photo(self, photo: Tensor) -> Tensor:
        return nn.functional.normalize(
            self.dropout(nn.functional.pad(photo.float().mean((2, 3)), (0, 1), value=1.0)), dim=1
        )

    def encode_chip(self, chip: Tensor) -> Tensor:
        self.chips_encoded += len(chip)
        return chip.float().mean((2, 3)) + 1

    def embed_chip(self, features: Tensor, lon_lat: Tensor, year_fraction: Tensor) -> Tensor:
        return nn.functional.normalize(torch.cat([features, lon_lat[:, :1].nan_to_num(0.0)], 1), dim=1)


def rows(n: int = 7, seed: int = 0) -> tuple[list[Batch], RowFacts]:
    generator = np.random.default_rng(seed)
    lon_lat = generator.uniform(-80, 80, (n, 2))
    lon_lat[1] = math.nan
    year = generator.random(n)
    year[2] = math.nan
    label = np.arange(n) % 2  # the last taxon has no row
    facts = RowFacts(ids=tuple(f"o{i}" for i in range(n)), label=label, lon_lat=lon_lat, year_fraction=year)
    has_photo, has_chip = torch.ones(n, dtype=torch.bool), torch.ones(n, dtype=torch.bool)
    has_photo[3], has_chip[4] = False, False
    photo = torch.from_numpy(generator.integers(0, 255, (n, 3, 8, 8), dtype=np.uint8))
    whole = Batch(
        photos=(photo,),
        chip=torch.from_numpy(generator.integers(0, 255, (n, 3, 4, 4), dtype=np.uint8)),
        has_photo=has_photo,
        has_chip=has_chip,
        lon_lat=torch.from_numpy(lon_lat).float(),
        year_fraction=torch.from_numpy(year).float(),
        label=torch.from_numpy(label),
        row=torch.arange(n),
    )
    parts = [slice(0, 3), slice(3, n)]
    return [whole._with_all(lambda tensor, part=part: tensor[part]) for part in parts], facts


def embedded(method: Method | None = None) -> EmbeddingTable:
    batches, facts = rows()
    return join(list(embed_batches(method or MeanColour(), batches, facts, TAXA, device="cpu")))


def test_every_chip_is_encoded_once_for_both_embeddings() -> None:
    method = MeanColour()
    table = embedded(method)
    assert method.chips_encoded == len(table) == 7
    assert table.knows_metadata
    assert table.chip is not None and table.chip_without_metadata is not None
    placed = ~np.isnan(table.lon_lat[:, 0]) & table.has_chip
    assert not np.isclose(table.chip[placed], table.chip_without_metadata[placed]).all(axis=1).any()
    np.testing.assert_array_equal(table.chip[1], table.chip_without_metadata[1])


def test_embedding_twice_gives_the_same_bits_and_leaves_the_method_training() -> None:
    method = MeanColour().train()
    first, second = embedded(method), embedded(method)
    np.testing.assert_array_equal(first.photo, second.photo)
    np.testing.assert_array_equal(first.chip, second.chip)
    assert method.training


def test_missing_photos_and_chips_are_nan_and_all_others_unit_vectors() -> None:
    table = embedded()
    assert np.flatnonzero(~table.has_photo).tolist() == [3]
    assert np.flatnonzero(~table.has_chip).tolist() == [4]
    assert np.isnan(table.photo[3]).all()
    np.testing.assert_allclose(np.linalg.norm(table.photo[table.has_photo], axis=1), 1, rtol=1e-6)
    assert table.ids == tuple(f"o{i}" for i in range(7))


def test_a_method_without_chips_or_metadata_says_so_in_the_table() -> None:
    photo_only = embedded(MeanColour(sees_chips=False))
    assert photo_only.chip is None and not photo_only.has_chip.any() and not photo_only.knows_metadata
    placeless = embedded(MeanColour(uses_metadata=False))
    assert placeless.chip is placeless.chip_without_metadata and not placeless.knows_metadata


def test_geoparquet_holds_the_embeddings_with_nulls_for_what_is_missing(tmp_path: Path) -> None:
    batches, facts = rows()
    path = tmp_path / "test.parquet"
    assert write_embeddings(path, embed_batches(MeanColour(), batches, facts, TAXA, device="cpu")) == 7
    table = pq.read_table(path)
    assert pq.ParquetFile(path).num_row_groups == len(batches)
    geo = json.loads(table.schema.metadata[b"geo"])
    assert geo["columns"][geo["primary_column"]]["encoding"] == "WKB"
    points = table["geometry"].to_pylist()
    assert points[1] is None
    assert struct.unpack("<BIdd", points[0]) == (1, 1, *facts.lon_lat[0])
    assert table["year_fraction"].null_count == table["photo"].null_count == table["chip"].null_count == 1
    np.testing.assert_array_equal(np.array(table["photo"][0].as_py(), np.float32), embedded().photo[0])
    assert table["taxon"].to_pylist()[:2] == ["Corvus corax", "Setophaga citrina"]


def test_float16_halves_the_vectors_and_stays_close(tmp_path: Path) -> None:
    path = tmp_path / "half.parquet"
    write_embeddings(path, [embedded()], width="float16")
    column = pq.read_table(path)["photo"]
    assert str(column.type.value_type) == "halffloat"
    np.testing.assert_allclose(np.array(column[0].as_py(), np.float32), embedded().photo[0], atol=1e-3)


def test_an_interrupted_write_leaves_no_file(tmp_path: Path) -> None:
    def breaks() -> Iterator[EmbeddingTable]:
        yield embedded()
        raise OSError("no space left on device")

    with pytest.raises(OSError, match="no space"):
        write_embeddings(tmp_path / "x.parquet", breaks())
    with pytest.raises(DatasetError, match="no embeddings"):
        write_embeddings(tmp_path / "x.parquet", [])
    assert list(tmp_path.iterdir()) == []


def test_taxon_means_are_the_directions_of_the_summed_photos() -> None:
    table = embedded()
    means = taxon_means(table)
    assert means.photos.tolist() == [4, 2, 0]
    for label in (0, 1):
        summed = np.zeros(D)
        for row in range(len(table)):
            if table.labels[row] == label and table.has_photo[row]:
                summed += table.photo[row]
        np.testing.assert_allclose(means.embedding[label], summed / np.linalg.norm(summed), rtol=1e-5)
    assert np.isnan(means.embedding[2]).all()


def test_taxon_means_survive_the_run_folder(tmp_path: Path) -> None:
    means = taxon_means(embedded())
    save_taxon_means(means, tmp_path)
    loaded = load_taxon_means(tmp_path)
    assert loaded.taxa == means.taxa
    np.testing.assert_array_equal(loaded.photos, means.photos)
    np.testing.assert_array_equal(loaded.embedding, means.embedding)
    assert loaded.vectors(("Setophaga citrina", "Corvus corax")).shape == (2, D)


def test_a_misspelt_taxon_is_answered_with_the_nearest_names(tmp_path: Path) -> None:
    save_taxon_means(taxon_means(embedded()), tmp_path)
    with pytest.raises(UnknownTaxonError, match=r"citrna'.*nearest: 'Setophaga citrina'.*birdsat taxa"):
        load_taxon_means(tmp_path).vector("Setophaga citrna")


def test_a_taxon_without_photos_has_no_vector() -> None:
    with pytest.raises(UnknownTaxonError, match="Turdus merula"):
        taxon_means(embedded()).vector("Turdus merula")


def test_a_run_without_or_with_damaged_taxon_embeddings_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match=r"not a finished training run.*`birdsat pretrain`, or resume it"):
        load_taxon_means(tmp_path)
    (tmp_path / "model.safetensors").touch()
    with pytest.raises(CheckpointError, match=r"knows no taxa.*A run of chips alone has none"):
        load_taxon_means(tmp_path)
    (tmp_path / "taxa.parquet").write_bytes(b"PAR1 but not really")
    with pytest.raises(CheckpointError, match="damaged"):
        load_taxon_means(tmp_path)


def test_taxon_embeddings_in_plain_lists_are_damaged(tmp_path: Path) -> None:
    table = pa.table({"taxon": ["Corvus corax"], "photos": [3], "embedding": [[0.6, 0.8]]})
    pq.write_table(table, tmp_path / "taxa.parquet")
    with pytest.raises(CheckpointError, match=r"damaged \(column embedding holds list.*resume the run"):
        load_taxon_means(tmp_path)
