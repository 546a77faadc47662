"""Requests about datasets."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated

from birdsat.dataset.collections.registry import COLLECTIONS
from birdsat.errors import ConfigError
from birdsat.workflows.requests.request import AnyPath, Degrees, Folder, OneOf, Positional, Request
from birdsat.workflows.requests.taxonomies import TaxonomyOptions


@dataclass(frozen=True, kw_only=True)
class NewDataset(Request):
    """Where a dataset is built, and by how many processes."""

    out: Positional[Folder[AnyPath]]
    """Folder of the new dataset."""
    workers: int = 2
    """Processes; 0 builds in this one."""


@dataclass(frozen=True, kw_only=True)
class CardWords(Request):
    """What the data card says."""

    title: str = ""
    """For the data card; by default the folder's name."""
    licence: str = ""
    """Of the dataset as a whole, for the data card; by default that of the collection."""


@dataclass(frozen=True, kw_only=True)
class BuildDatasetRequest(NewDataset, CardWords, TaxonomyOptions):
    """Build a dataset from a table of observations, or from a published collection. Started again, it continues."""

    table: AnyPath | None = None
    """Observations with their taxon, and where known photo (a path; in Parquet the picture itself as well), lon, lat,
    date, split, id, licence, attribution: CSV, Parquet, a GBIF download, a Darwin Core Archive, a Camtrap DP
    package."""
    photos: AnyPath | None = None
    """Folder that the table's photo paths start from; the table's own folder by default."""
    collection: Annotated[str | None, OneOf(COLLECTIONS)] = None
    """What lies in the folder in its own layout, in place of a table; docs/collections.md has each."""
    folder: AnyPath | None = None
    """Folder of the collection."""
    crop: bool = False
    """Crop each photo to its bounding box. Of cub and nabirds."""
    level: str | None = None
    """What a taxon of nabirds is: a visual category (the default) or its species."""
    mini: bool = False
    """Take train_mini.json of inat2021 in place of train.json."""
    max_uncertainty_km: float | None = None
    """Leave out places that are uncertain by more. inat2021: 10 by default; birdsat_release: inf."""
    taxa: AnyPath | None = None
    """Table of the allowed taxa with genus, family, order; others are dropped and counted."""
    chips: str | None = None
    """Raster of any CRS to cut chips from, table of ready chips (lon, lat, image), or virtual:SEED."""
    chip_km: Sequence[float] = ()
    """Side of a chip on the ground, kilometres; with several, each place has a chip of one of them, drawn by where it
    is. Of birdsat_release: 10 m a pixel by default."""
    chip_px: int = 64
    """Side of a chip cut from a raster, pixels."""
    bands: tuple[int, int, int] | None = None
    """Numbers of the raster's bands to show as red, green and blue, such as 4 3 2; by default those that it says
    are."""
    stretch: tuple[float, float] | None = None
    """Values of a raster that is not 8-bit which become black and white, such as 0 3000."""
    photo_px: int | None = None
    """Shrink photos whose shorter side is longer than this."""
    val_fraction: float = 0.1
    """Share drawn for val; of the source's train split where it brings train and test only."""
    test_fraction: float = 0.1
    """Share drawn for test where the source brings no split."""
    block_km: float | None = None
    """Draw whole blocks of this size, so that neighbours do not fall into train and test."""
    ignore_source_split: bool = False
    """Draw splits even where the source brings its own."""
    columns: Sequence[str] = ()
    """Names of columns of the table that are not found by themselves, as taxon=NAME lon=X lat=Y."""
    crs: str | None = None
    """In which the coordinates of the table are, as EPSG:25832; degrees of WGS84 without it."""
    seed: int = 0
    """Of the draw of splits."""

    def check(self) -> None:
        """Raise ConfigError unless there is exactly one source, and for settings of the other one."""
        super().check()
        if (self.table is None) == (self.collection is None):
            raise ConfigError(
                "give either a table or a collection: one source of observations.", settings=("table", "collection")
            )
        if (self.collection is None) != (self.folder is None):
            raise ConfigError(
                "collection and folder go together: a collection's name, and where it lies.",
                settings=("collection", "folder"),
            )
        if self.table is None:
            self.reject_unused(("photos", "columns", "crs"), "a table")
        if self.chips is None:
            self.reject_unused(("bands", "stretch"), "chips")


@dataclass(frozen=True, kw_only=True)
class VirtualDatasetRequest(NewDataset):
    """Build a dataset of the virtual world, whose birds, ranges and imagery are all known."""

    observations: int = 6000
    """How many."""
    seed: int = 0
    """Of the world and its observations."""
    photo_px: int = 64
    """Side of a photo, pixels."""
    chip_km: Sequence[float] = (50.0,)
    """Side of a chip on the ground, kilometres; with several, each place has a chip of one of them, drawn by where it
    is."""
    chip_px: int = 32
    """Side of a chip, pixels."""
    block_km: float | None = None
    """Draw splits as whole blocks of this size."""

    def check(self) -> None:
        """Raise ConfigError for fewer observations than one."""
        super().check()
        if self.observations < 1:
            raise ConfigError(f"observations is {self.observations}; allowed: 1 or more.", settings=("observations",))


@dataclass(frozen=True, kw_only=True)
class RandomChipsRequest(NewDataset, CardWords):
    """Build chips of random places, without birds, to pretrain a chip encoder on. Started again, it continues."""

    imagery: str
    """Raster of any CRS to cut chips from, or virtual:SEED."""
    chip_km: Sequence[float]
    """Side of a chip on the ground, kilometres; with several, each place has a chip of one of them, drawn by where it
    is."""
    count: int = 10_000
    """How many. A place without imagery is counted, and another drawn in its stead."""
    chip_px: int = 64
    """Side of a chip, pixels."""
    bands: tuple[int, int, int] | None = None
    """Numbers of the raster's bands to show as red, green and blue, such as 4 3 2; by default those that it says
    are."""
    stretch: tuple[float, float] | None = None
    """Values of a raster that is not 8-bit which become black and white, such as 0 3000."""
    box: Degrees = "-180,-90,180,90"
    """West,south,east,north in degrees; the world by default. Write --box=W,S,E,N."""
    land_only: bool = False
    """Draw places on land only."""
    val_fraction: float = 0.1
    """Share of blocks drawn for val."""
    block_km: float = 1000.0
    """Side of these blocks."""
    seed: int = 0
    """Of the draw of places and splits."""


@dataclass(frozen=True, kw_only=True)
class DescribeDatasetRequest(Request):
    """Say what a dataset holds."""

    dataset: Positional[AnyPath]
    """Folder of the dataset."""


@dataclass(frozen=True, kw_only=True)
class CheckDatasetRequest(Request):
    """Check that a dataset or a region is whole: hash every file again, decode every image, compare every count."""

    dataset: Positional[AnyPath]
    """Folder of the dataset, or of a region."""
    workers: int = 2
    """Processes; 0 checks in this one."""
