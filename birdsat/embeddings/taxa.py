"""The mean photo embedding of every taxon: what a map asks the place."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from birdsat.embeddings.table import EmbeddingTable
from birdsat.embeddings.write import vector_column
from birdsat.errors import CheckpointError, not_a
from birdsat.files import atomic_path
from birdsat.observations.taxonomy import known_taxon
from birdsat.training.run_folder import MODEL_FILE

TAXA_FILE = "taxa.parquet"


@dataclass(frozen=True, kw_only=True, slots=True)
class TaxonMeans:
    """t taxa, in the order of the labels. A taxon without photos has no vector: its row is NaN."""

    taxa: tuple[str, ...]  # t names
    photos: NDArray[np.int64]  # (t,) photos behind each mean
    embedding: NDArray[np.float32]  # (t, d) unit vectors
    run: str = "RUN"  # where they were loaded from, for messages

    def named(self, taxon: str) -> str:
        """The label that a name means. Raises UnknownTaxonError when there is none, or it had no photo."""
        seen = [name for name, photos in zip(self.taxa, self.photos, strict=True) if photos > 0]
        return known_taxon(taxon, seen, listing=f"`birdsat taxa {self.run}`")

    def vector(self, taxon: str) -> NDArray[np.float32]:
        """(d,) unit vector of `taxon`. Raises UnknownTaxonError when it is not a label or had no photo."""
        vector: NDArray[np.float32] = self.embedding[self.taxa.index(self.named(taxon))]
        return vector

    def vectors(self, taxa: tuple[str, ...]) -> NDArray[np.float32]:
        """(len(taxa), d) unit vectors. Raises UnknownTaxonError for the first that has none."""
        return np.stack([self.vector(taxon) for taxon in taxa])


def taxon_means(table: EmbeddingTable) -> TaxonMeans:
    """The direction of the mean photo embedding of each taxon, over the rows that have a photo."""
    rows = np.flatnonzero(table.has_photo)
    labels = table.labels[rows]
    total = np.zeros((len(table.taxa), table.photo.shape[1]), dtype=np.float64)
    np.add.at(total, labels, table.photo[rows])
    photos = np.bincount(labels, minlength=len(table.taxa))
    length = np.linalg.norm(total, axis=1, keepdims=True)
    embedding = np.divide(total, length, out=np.full_like(total, np.nan), where=length > 0)
    return TaxonMeans(taxa=table.taxa, photos=photos.astype(np.int64), embedding=embedding.astype(np.float32))


def save_taxon_means(means: TaxonMeans, run: Path) -> Path:
    """Write `means` into the run folder as taxa.parquet, whole or not at all; returns the file's path."""
    path = run / TAXA_FILE
    table = pa.table(
        {
            "taxon": pa.array(means.taxa, pa.string()),
            "photos": pa.array(means.photos, pa.int64()),
            "embedding": vector_column(means.embedding),
        }
    )
    with atomic_path(path) as partial:
        pq.write_table(table, partial)
    return path


def load_taxon_means(run: Path) -> TaxonMeans:
    """Read what `save_taxon_means` wrote. Raises CheckpointError when it is absent or damaged."""
    path = run / TAXA_FILE
    if not path.is_file() and (run / MODEL_FILE).is_file():
        raise CheckpointError(
            f"{run} knows no taxa: it has no {TAXA_FILE}. A run of chips alone has none; one that is imported takes "
            "those of a dataset (taxa_from); one that was stopped at its end is resumed with `birdsat pretrain`."
        )
    if not path.is_file():
        raise CheckpointError(
            f"{not_a('finished training run', run, TAXA_FILE)} Train one with `birdsat pretrain`, or resume it."
        )
    try:
        table = pq.read_table(path, columns=["taxon", "photos", "embedding"])
        _check_types(table.schema)
        column = table["embedding"].combine_chunks()
        width = column.type.list_size
        embedding = np.full((len(column), width), np.nan, dtype=np.float32)
        present = column.is_valid().to_numpy(zero_copy_only=False)
        embedding[present] = column.drop_null().flatten().to_numpy().reshape(-1, width)
        taxa, photos = tuple(table["taxon"].to_pylist()), table["photos"].to_numpy()
    except (pa.ArrowException, OSError, LookupError, TypeError, ValueError, MemoryError) as error:
        raise CheckpointError(
            f"{path} is damaged ({error}); delete it and resume the run with `birdsat pretrain` to write it again."
        ) from error
    return TaxonMeans(taxa=taxa, photos=photos, embedding=embedding, run=str(run))


def _check_types(schema: pa.Schema) -> None:
    kinds = {
        "taxon": pa.types.is_string,
        "photos": pa.types.is_integer,
        "embedding": lambda kind: pa.types.is_fixed_size_list(kind) and pa.types.is_floating(kind.value_type),
    }
    for name, fits in kinds.items():
        if not fits(schema.field(name).type):
            raise TypeError(f"column {name} holds {schema.field(name).type}")
