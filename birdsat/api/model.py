"""A trained run as Python sees it: photos, places and chips in, vectors and names out."""

import datetime
import shutil
from collections.abc import Iterable, Sequence
from itertools import islice
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor, nn

from birdsat.api.hub import push_to_hub
from birdsat.earth.date import year_fraction
from birdsat.earth.place import Place
from birdsat.embeddings.inference import inference
from birdsat.embeddings.photo_files import Photo, Unreadable, embed_photos, photo_views, view_of
from birdsat.embeddings.regions.cut_chips import cut_places
from birdsat.embeddings.search import Found, Search, search
from birdsat.embeddings.taxa import TAXA_FILE
from birdsat.errors import ConfigError, ImageError, InputError
from birdsat.files import atomic_path
from birdsat.imagery.open_imagery import open_imagery
from birdsat.locks import folder_lock, is_unused
from birdsat.methods.method import Method
from birdsat.observations.dates import parse_day
from birdsat.progress import QUIET, Progress
from birdsat.tasks.naming import Named as Named
from birdsat.tasks.naming import name_photos
from birdsat.training.config import RunConfig
from birdsat.training.manifest import RUN_FILE
from birdsat.training.run_folder import CARD_FILE, CONFIG_FILE, DATASET_FILE, MODEL_FILE, Run

Date = datetime.date | str | None  # text such as 2010-07-14; None: not known
LonLat = Sequence[tuple[float, float] | None] | NDArray[np.float64]  # None: not known
_BATCH = 64


class PhotoEncoder(nn.Module):
    """A run's encoder of photos as a plain module: images in, features out. Its weights are the run's own."""

    def __init__(self, method: Method) -> None:
        super().__init__()
        self.method = method

    def forward(self, images: Tensor) -> Tensor:
        """images (n, 3, px, px) RGB, uint8 or 0..1, to features (n, width), before any head."""
        return self.method.photo_features(images)


class Model:
    """A run that was trained, or imported. The same input gives the same numbers at every call."""

    def __init__(self, run: Run, *, device: torch.device | str | None = None) -> None:
        """device: where it computes; by default the GPU where there is one."""
        self.run = run
        self.device = device

    def __repr__(self) -> str:
        return f"<birdsat.Model {type(self.run.method).__name__} of {len(self.taxa):,} taxa: {self.run.path}>"

    @property
    def taxa(self) -> tuple[str, ...]:
        """Names of the taxa it learned from; a label is an index into them."""
        return self.run.taxa

    @property
    def config(self) -> RunConfig:
        """Every setting of its training."""
        return self.run.config

    @property
    def photo_encoder(self) -> PhotoEncoder:
        """The encoder of photos as a plain `nn.Module`, for probes and networks of one's own.

        Raises InputError for a method that sees no photos.
        """
        if not self.run.method.sees_photos:
            raise InputError(f"{self.run.path} was trained on chips alone; it has no encoder of photos.")
        return PhotoEncoder(self.run.method)

    def transform(self, photo: Photo) -> Tensor:
        """A photo as the run sees it when it is asked: (3, px, px) uint8, the central square at the run's size.

        Raises ImageError for a photo that cannot be read.
        """
        return torch.from_numpy(view_of(photo, self.run.photo_px).transpose(2, 0, 1).copy())

    def embed_photos(
        self, photos: Sequence[Photo], *, unreadable: Unreadable = "raise", progress: Progress = QUIET
    ) -> NDArray[np.float32]:
        """Unit vectors (n, d) of photos.

        photos: paths, images of Pillow, or uint8 arrays (h, w, 3), RGB. unreadable: "raise" ImageError for one that
        cannot be read, or "nan" in its row. Raises InputError for a run that sees no photos.

            >>> vectors = model.embed_photos([photo])
            >>> vectors.shape, round(float((vectors**2).sum()), 4)
            ((1, 16), 1.0)
        """
        _check_several(photos)
        return embed_photos(
            self.run.method, photos, self.run.photo_px, unreadable=unreadable, device=self.device, progress=progress
        )

    def embed_places(
        self,
        lon_lat: LonLat,
        dates: Sequence[Date] | None = None,
        *,
        imagery: str | Path | None = None,
        chips: NDArray[np.uint8] | None = None,
        bands: tuple[int, int, int] | None = None,
        stretch: tuple[float, float] | None = None,
        workers: int = 0,
    ) -> NDArray[np.float32]:
        """Unit vectors (n, d) of places at dates, in the space of the photos; NaN where there is no imagery.

        lon_lat: (n, 2) degrees WGS84, longitude first; beside chips, None or NaN of a place: not known. dates: of each
        place; None, alone or of a place: not known.
        imagery: a raster of any CRS, a table of ready chips, or virtual:SEED, from which chips of the run's ground
        sizes are cut; or chips: (n, px, px, 3) uint8, RGB, north up, or (n, sizes, px, px, 3) of a run of several.
        bands: numbers of the raster's bands shown as red, green and blue, where not those that it says are. stretch:
        its values that become black and white. workers: processes that cut chips.

        Raises ConfigError unless one of imagery and chips is given, PlaceError for a place that is not on Earth,
        InputError for a run that sees no chips or for arrays that do not fit.

            >>> model.embed_places([(10.0, 42.0)], ["2024-06-01"], imagery=imagery).shape
            (1, 16)
        """
        places = _places(lon_lat, may_lack=chips is not None)
        if (imagery is None) == (chips is None):
            raise ConfigError("places are seen through imagery or chips; give one of the two.")
        if chips is not None:
            images: Iterable[NDArray[np.uint8] | None] = self._of_sizes(chips, len(places))
        else:
            source = open_imagery(str(imagery)).chips(
                ground_km=self.run.chip_ground_km, px=self.run.chip_px, bands=bands, stretch=stretch
            )
            cuts = cut_places(places, source, px=self.run.chip_px, workers=workers)
            images = (chip for cut in cuts for chip in cut.chips)
        return self._embed_chips(images, places, _fractions(dates, len(places)))

    def classify(
        self,
        photos: Sequence[Photo],
        *,
        unreadable: Unreadable = "raise",
        progress: Progress = QUIET,
    ) -> Named:
        """Which taxon is in each photo.

        By a classifier's probabilities (of its photo, with chip, place and date marked missing where it looks at them),
        or else by likeness to the mean photo of each taxon that the run learned from, a cosine and not a probability.
        Raises ImageError for a photo that cannot be read, CheckpointError for a run that knows no taxa.

            >>> model.classify([photo]).top(1)[0][0][0]
            'Corvus corax'
        """
        _check_several(photos)
        return name_photos(self.run, photos, unreadable=unreadable, device=self.device, progress=progress)

    def match(
        self,
        photos: Sequence[Photo],
        chips: NDArray[np.uint8],
        lon_lat: LonLat | None = None,
        dates: Sequence[Date] | None = None,
    ) -> NDArray[np.float32]:
        """How well each photo goes with the chip, place and date of its row: (n,).

        By a run of cvm_mae the probability 0..1 that they belong together; by any other the cosine of their
        embeddings. chips (n, px, px, 3) uint8, RGB, north up; lon_lat (n, 2) degrees; what is left out is not known.
        Raises InputError for arrays that do not fit, PlaceError for a place that is not on Earth.
        """
        _check_several(photos)
        n = len(photos)
        places = np.full((n, 2), np.nan) if lon_lat is None else _places(lon_lat, may_lack=True)
        if len(places) != n:
            raise InputError(f"{len(places):,} places were given for {n:,} photos; give one for each, or none at all.")
        images, fractions = self._of_sizes(chips, n), _fractions(dates, n)
        method = self.run.method
        if not method.matches_pairs:
            of_places = self._embed_chips(images, places, fractions)
            cosine: NDArray[np.float32] = (self.embed_photos(photos) * of_places).sum(axis=1)
            return cosine
        views = np.concatenate([views for views, _ in photo_views(photos, self.run.photo_px)])
        found = []
        with inference(method, self.device) as where:
            for first in range(0, n, _BATCH):
                some = slice(first, first + _BATCH)
                logits = method.match(
                    _pixels(views[some], where),
                    _pixels(images[some, 0], where),
                    torch.from_numpy(places[some]).float().to(where),
                    torch.from_numpy(fractions[some]).float().to(where),
                )
                found.append(logits.float().sigmoid().cpu().numpy())
        return np.concatenate(found)

    def retrieve(
        self, queries: NDArray[np.float32], gallery: NDArray[np.float32], top: int = 10, *, how: Search = "auto"
    ) -> Found:
        """The `top` rows of gallery (g, d) nearest to each query (q, d): unit vectors of photos, of places, or both.

        how: "exact", "faiss", or "auto", which is exact up to a million rows. The result has index (q, top) and
        similarity (q, top), nearest first. Rows of NaN are not found, and find nothing: their index is -1. Raises
        InputError for arrays that do not fit.

            >>> vectors = model.embed_photos([photo, photo])
            >>> model.retrieve(vectors, vectors, top=1).similarity.round(3).tolist()
            [[1.0], [1.0]]
        """
        if queries.ndim != 2 or gallery.ndim != 2 or queries.shape[1] != gallery.shape[1]:
            raise InputError(
                f"queries are {queries.shape} and the gallery {gallery.shape}; (q, d) and (g, d) are needed, with d of "
                "one run's embeddings."
            )
        return search(queries, gallery, top, how=how, device=self.device)

    def push_to_hub(
        self,
        name: str,
        *,
        revision: str | None = None,
        private: bool = False,
        token: str | None = None,
        message: str = "",
    ) -> str:
        """Publish it as user/name on the Hugging Face hub; see `birdsat.push_to_hub`."""
        return push_to_hub(self, name, revision=revision, private=private, token=token, message=message)

    def save(self, folder: str | Path) -> Path:
        """Copy the run, finished and whole, to another folder, which `birdsat.load` opens; the folder.

        What `birdsat identify` and `teach` keep in the run goes along. Raises ConfigError when the folder holds
        something already.
        """
        from birdsat.tasks.identify.image_scores import GALLERY_FILE, PROBE_FILE
        from birdsat.tasks.identify.kept import IDENTIFY_FILE, TENSORS_FILE  # here, as they take a while to import
        from birdsat.tasks.identify.taught import TAUGHT_FILE

        names = (
            CONFIG_FILE, DATASET_FILE, RUN_FILE, TAXA_FILE, CARD_FILE, PROBE_FILE, GALLERY_FILE, TENSORS_FILE,
            IDENTIFY_FILE, TAUGHT_FILE, MODEL_FILE,  # the weights say it is complete
        )  # fmt: skip
        out = Path(folder)
        if not is_unused(out):
            raise ConfigError(f"{out} holds something already; choose an empty folder.")
        with folder_lock(out):
            for name in names:
                if (self.run.path / name).is_file():
                    with atomic_path(out / name) as partial:
                        shutil.copyfile(self.run.path / name, partial)
        return out

    def _of_sizes(self, chips: NDArray[np.uint8], n: int) -> NDArray[np.uint8]:
        """(n, sizes, px, px, 3) from what the caller gave."""
        several = chips[:, None] if chips.ndim == 4 else chips
        if several.dtype != np.uint8 or several.ndim != 5 or several.shape[0] != n or several.shape[4] != 3:
            raise InputError(
                f"chips are {chips.dtype} {chips.shape}; uint8 ({n}, px, px, 3), or ({n}, sizes, px, px, 3), is needed."
            )
        return several

    def _embed_chips(
        self, images: Iterable[NDArray[np.uint8] | None], lon_lat: NDArray[np.float64], fractions: NDArray[np.float64]
    ) -> NDArray[np.float32]:
        """(n, d) of chips of one or several sizes, whose features are averaged; NaN where there is none.

        A batch of chips is held at a time.
        """
        method = self.run.method
        there = ((row, image) for row, image in enumerate(images) if image is not None)
        found: list[int] = []
        vectors = []
        with inference(method, self.device) as where:
            while batch := list(islice(there, _BATCH)):
                rows = [row for row, _ in batch]
                chips = np.stack([image for _, image in batch])
                found += rows
                sizes = [method.encode_chip(_pixels(chips[:, size], where)).float() for size in range(chips.shape[1])]
                vectors.append(
                    method.embed_chip(
                        torch.stack(sizes).mean(dim=0),
                        torch.from_numpy(lon_lat[rows]).float().to(where),
                        torch.from_numpy(fractions[rows]).float().to(where),
                    )
                    .float()
                    .cpu()
                    .numpy()
                )
        if not found:
            raise InputError(f"none of the {len(lon_lat):,} places has imagery; give imagery that covers them.")
        every = np.concatenate(vectors)
        out = np.full((len(lon_lat), every.shape[1]), np.nan, dtype=np.float32)
        out[found] = every
        return out


def _check_several(photos: Sequence[Photo]) -> None:
    if isinstance(photos, str | Path | Image.Image):  # text would be taken for as many photos as it has letters
        raise ImageError("one photo was given where several are asked for; put it into a list.")
    if not len(photos):
        raise ImageError("there is no photo; give one or more.")


def _places(lon_lat: LonLat, *, may_lack: bool) -> NDArray[np.float64]:
    """(n, 2) degrees, each on Earth, or where they may lack NaN; one pair is one place."""
    try:
        pairs = [(np.nan, np.nan) if pair is None else pair for pair in lon_lat]
        places = np.atleast_2d(np.array(pairs, dtype=np.float64)) if pairs else np.empty((0, 2))
        if places.shape[1:] != (2,):
            raise ValueError(places.shape)
    except (TypeError, ValueError) as error:
        raise InputError(
            f"places are not pairs of numbers ({error}); (n, 2) degrees, longitude first, are needed."
        ) from error
    for lon, lat in places.tolist():
        if not (may_lack and np.isnan(lon) and np.isnan(lat)):
            Place(lon, lat)
    return places


def _pixels(images: NDArray[np.uint8], where: torch.device) -> Tensor:
    return torch.from_numpy(np.ascontiguousarray(images)).permute(0, 3, 1, 2).contiguous().to(where)


def _fractions(dates: Sequence[Date] | None, n: int) -> NDArray[np.float64]:
    """(n,) of the year; NaN where the date is not known."""
    if dates is None:
        return np.full(n, np.nan)
    if len(dates) != n:
        raise InputError(f"{len(dates):,} dates were given for {n:,} rows; give one for each, None where not known.")
    days = [parse_day(date) if isinstance(date, str) else date for date in dates]
    return np.array([np.nan if day is None else year_fraction(day) for day in days])
