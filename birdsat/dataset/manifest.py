"""What a dataset folder holds: shards with checksums, counts, taxa and band statistics, in manifest.json."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa

from birdsat import config
from birdsat.errors import ConfigError, DatasetError, NewerFormatError, newer, not_a
from birdsat.imagery.ground_sizes import GroundSizes
from birdsat.imagery.photos import RGB
from birdsat.observations.observation import SPLITS, Split
from birdsat.observations.taxonomy import Taxon, Taxonomy

SCHEMA_VERSION = 1
MANIFEST_FILE = "manifest.json"
PLAN_FILE = "building.sqlite"  # the build's plan and journal; gone once the dataset is complete
DROPPED_FILE = "dropped.csv"
CARD_FILE = "README.md"
ROW_GROUP_ROWS = 64  # small, so that a shuffled read fetches little that it does not use


_IMAGE = pa.struct([("bytes", pa.binary()), ("path", pa.string())])
_FEATURES = {
    "photo": {"_type": "Image"},
    "chip": {"_type": "Image"},
    "taxon": {"dtype": "string", "_type": "Value"},
    "lon": {"dtype": "float64", "_type": "Value"},
    "lat": {"dtype": "float64", "_type": "Value"},
    "date": {"dtype": "date32", "_type": "Value"},
    "id": {"dtype": "string", "_type": "Value"},
    "licence": {"dtype": "string", "_type": "Value"},
    "attribution": {"dtype": "string", "_type": "Value"},
}
SHARD_SCHEMA = pa.schema(
    [
        pa.field("photo", _IMAGE),
        pa.field("chip", _IMAGE),
        pa.field("taxon", pa.string(), nullable=False),
        pa.field("lon", pa.float64()),
        pa.field("lat", pa.float64()),
        pa.field("date", pa.date32()),
        pa.field("id", pa.string(), nullable=False),
        pa.field("licence", pa.string()),
        pa.field("attribution", pa.string()),
    ],
    # The Hugging Face hub reads this key and shows the two columns as images.
    metadata={"huggingface": json.dumps({"info": {"features": _FEATURES}})},
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Shard:
    """One Parquet file of one split."""

    file: str  # name within the dataset's folder, such as train-00000.parquet
    split: Split
    rows: int
    row_group_rows: tuple[int, ...]  # rows of each row group, in file order
    sha256: str  # of the whole file, in hexadecimal
    size_bytes: int


@dataclass(frozen=True, kw_only=True, slots=True)
class SplitCounts:
    """What one split holds."""

    split: Split
    rows: int
    photos: int
    chips: int
    places: int
    dates: int
    taxon_rows: tuple[int, ...]  # rows of each taxon, in the order of the labels


@dataclass(frozen=True, kw_only=True, slots=True)
class Count:
    """How many rows share a name: a licence, or a reason for dropping."""

    name: str
    rows: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Manifest:
    """Facts of a complete dataset. A taxon's label is its index in `taxa`."""

    schema_version: int = SCHEMA_VERSION
    title: str
    licence: str  # of the dataset as a whole; each row names its own as well
    sources: tuple[str, ...]  # where photos, places and chips come from, for the data card
    command: str  # how the dataset was built
    named_by: str = ""  # the list that taxa are named by, with its version; "": as the sources have them
    completeness: str = ""  # whether it is the whole of a published collection; "" where it is of none
    fingerprint: str  # of the rows and settings it was built from
    taxa: tuple[Taxon, ...]  # sorted by name
    shards: tuple[Shard, ...]  # by split, then in order
    counts: tuple[SplitCounts, ...]  # train, val, test
    licences: tuple[Count, ...]
    dropped: tuple[Count, ...]  # rows left out, by reason; dropped.csv lists them
    remarked: tuple[Count, ...]  # rows kept without a part that could not be used, by reason
    photo_px: int | None  # longest allowed shorter side of a photo; None: as they came
    photo_mean: RGB | None  # over train, 0..1 scale; None where train has no photo
    photo_std: RGB | None
    chip_mean: RGB | None  # over train, 0..1 scale; None where train has no chip
    chip_std: RGB | None
    chip_px: int | None  # None where no chips were asked for
    chip_ground_km: GroundSizes  # sides on the ground; a chip of several is of one, drawn by its place; (): no chips

    @property
    def taxonomy(self) -> Taxonomy:
        """The taxa with a look-up from name to label."""
        return Taxonomy(self.taxa)

    def split_counts(self, split: Split) -> SplitCounts:
        """The counts of one split."""
        return self.counts[SPLITS.index(split)]

    def rows(self, split: Split | None = None) -> int:
        """Rows of one split, or of all."""
        return sum(counts.rows for counts in self.counts if split in (None, counts.split))

    def split_shards(self, split: Split) -> Sequence[Shard]:
        """The shards of one split, in order."""
        return [shard for shard in self.shards if shard.split == split]


def save_manifest(manifest: Manifest, folder: Path) -> None:
    """Write manifest.json, whole or not at all."""
    config.save(manifest, folder / MANIFEST_FILE)


def load_manifest(folder: Path) -> Manifest:
    """Read manifest.json.

    Raises DatasetError when the folder is not a dataset, is half built, is damaged, or is of a newer schema.
    """
    path = folder / MANIFEST_FILE
    if not path.is_file():
        if (folder / PLAN_FILE).is_file():
            raise DatasetError(
                f"{folder} is half built: it has a plan but no {MANIFEST_FILE}. Run the same "
                "`birdsat data build` again; it continues where it stopped."
            )
        raise DatasetError(f"{not_a('dataset', folder, MANIFEST_FILE)} Build one with `birdsat data build`.")
    try:
        manifest = config.load(Manifest, path, schema=SCHEMA_VERSION)
        _check_manifest(manifest)
        return manifest
    except NewerFormatError as error:
        raise DatasetError(newer(folder, error, "build the dataset again")) from error
    except ConfigError as error:
        raise DatasetError(f"{path} is damaged: {error} Restore it, or build the dataset again.") from error


def _check_manifest(manifest: Manifest) -> None:
    """Raise ConfigError where the facts do not agree with one another, as after changes by hand."""
    if tuple(counts.split for counts in manifest.counts) != SPLITS:
        raise ConfigError(f"{MANIFEST_FILE} counts the splits otherwise than as {', '.join(SPLITS)}.")
    if any(len(counts.taxon_rows) != len(manifest.taxa) for counts in manifest.counts):
        raise ConfigError(f"{MANIFEST_FILE} counts another number of taxa than it lists.")
    for counts in manifest.counts:
        if counts.rows != sum(shard.rows for shard in manifest.split_shards(counts.split)):
            raise ConfigError(f"{MANIFEST_FILE} counts other rows of {counts.split} than its files hold.")
    for shard in manifest.shards:
        if shard.rows != sum(shard.row_group_rows) or min(shard.row_group_rows, default=0) < 0:
            raise ConfigError(f"{MANIFEST_FILE} counts {shard.file} otherwise than the sum of its row groups.")
    if len({taxon.name for taxon in manifest.taxa}) < len(manifest.taxa):
        raise ConfigError(f"{MANIFEST_FILE} lists a taxon twice.")
