"""Verbs on a run that was never trained: what they refuse, what they say, and what they write."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import rasterio
import torch
from rasterio.transform import from_bounds

from birdsat.cli import main
from birdsat.dataset.build import build_dataset
from birdsat.dataset.row_groups import Dataset
from birdsat.dataset.views import ViewsConfig
from birdsat.earth.box import Box
from birdsat.earth.grid import Grid
from birdsat.earth.place import Place
from birdsat.embeddings.taxa import TaxonMeans, save_taxon_means
from birdsat.encoders.encoder import View
from birdsat.encoders.pixel_decoder import PixelDecoderConfig
from birdsat.encoders.place_time import PlaceTimeConfig
from birdsat.encoders.view_encoder import ViewEncoderConfig
from birdsat.errors import ConfigError
from birdsat.imagery.photos import encode_jpeg
from birdsat.methods.cve_mae import CveMaeConfig
from birdsat.methods.mae import MaeConfig
from birdsat.methods.masked import MaskedConfig
from birdsat.methods.method import MethodSettings
from birdsat.observations.observation import Observation, Split
from birdsat.observations.splits import SplitRule
from birdsat.training.config import RunConfig
from birdsat.training.run_folder import MODEL_FILE, DatasetFacts, Run, load_run, prepare_folder, save_weights
from birdsat.workflows import retrieve as retrieval
from birdsat.workflows import verbs
from birdsat.workflows.embed import embed
from birdsat.workflows.requests.regions import EmbedRequest

PX, KM, WIDTH = 16, 5.0, 16
TAXON = "Corvus corax"
GRID = Grid(Box(10, 40, 14, 44), 2.0)  # 2 x 2 cells
BOX = "--box=10,40,14,44"
ENCODER = ViewEncoderConfig(views=(View(px=PX, patch_px=8),), width=WIDTH, depth=1, heads=2)
PHOTO = MaskedConfig(encoder=ENCODER, decoder=PixelDecoderConfig(width=16, depth=1, heads=2))
CROSS_VIEW = CveMaeConfig(photo=PHOTO, chip_encoder=ENCODER, place_time=PlaceTimeConfig(hidden_width=16))


@pytest.fixture(scope="module", autouse=True)
def one_thread() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def make_run(folder: Path, method: MethodSettings = CROSS_VIEW, *, seed: int = 0) -> Path:
    config = RunConfig(method=method, views=ViewsConfig(photo_px=PX, chip_px=PX), batch_size=2, steps=1)
    facts = DatasetFacts(
        title="none",
        licence="",
        fingerprint="",
        train_rows=0,
        val_rows=0,
        taxa=(TAXON,),
        photo_mean=None,
        photo_std=None,
        chip_mean=None,
        chip_std=None,
        chip_px=PX,
        chip_ground_km=(KM,),
    )
    prepare_folder(folder, config, facts, resume=False)
    torch.manual_seed(seed)
    save_weights(method.build(), folder / MODEL_FILE, {})
    vector = np.full((1, WIDTH), WIDTH**-0.5, dtype=np.float32)
    save_taxon_means(TaxonMeans(taxa=(TAXON,), photos=np.array([3]), embedding=vector), folder)
    return folder


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_run(tmp_path_factory.mktemp("runs") / "mine")


class NoiseImages:
    px = PX

    def __init__(self, ground_km: float) -> None:
        self.ground_km = (ground_km,)
        self.identity = {"class": "NoiseImages", "ground_km": ground_km}

    def photo(self, observation: Observation) -> bytes:
        return noise(int(observation.id), PX)

    def encoded_chip(self, place: Place) -> bytes:
        return noise(int(place.lon), PX)


def noise(seed: int, px: int) -> bytes:
    return encode_jpeg(np.random.default_rng(seed).integers(0, 256, (px, px, 3), dtype=np.uint8))


def make_dataset(
    folder: Path,
    ground_km: float,
    *,
    with_chips: bool = True,
    splits: tuple[Split, ...] = ("train", "train", "train", "test", "test"),
) -> Dataset:
    images = NoiseImages(ground_km)
    taxa = (TAXON, "Pica pica")
    build_dataset(
        folder,
        [
            Observation(id=str(i), taxon=taxa[i % 2], photo=str(i), place=Place(float(i), 10.0), split=split)
            for i, split in enumerate(splits)
        ],
        photos=images,
        chips=images if with_chips else None,
        splits=SplitRule(val_fraction=0, test_fraction=0),
        workers=0,
    )
    return Dataset(folder)


def ready_chips(path: Path, images: list[bytes], *, off_by: float = 0.0) -> Path:
    places = [place for block in GRID.places() for place in block][: len(images)]
    table = {"lon": [p.lon + off_by for p in places], "lat": [p.lat for p in places], "chip": images}
    pq.write_table(pa.table(table), path)
    return path


def map_cells(run: Path, imagery: Path | str, out: Path, *more: str) -> np.ndarray:
    """(months, 2, 2) of the map that the verb wrote."""
    words = ["map", TAXON, "--run", str(run), BOX, "--grid", "2", "--imagery", str(imagery), "--workers", "0"]
    main([*words, "--out", str(out), *more])
    with rasterio.open(out / "Corvus_corax.tif") as tiff:
        return np.asarray(tiff.read())


def test_a_raster_of_16_bits_is_mapped_with_the_stretch_it_needs(
    run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    values = np.random.default_rng(0).integers(0, 3000, (3, 80, 80), dtype=np.uint16)
    shape = {"count": 3, "height": 80, "width": 80, "dtype": "uint16", "crs": "EPSG:4326"}
    with rasterio.open(tmp_path / "wide.tif", "w", transform=from_bounds(9, 39, 15, 45, 80, 80), **shape) as raster:
        raster.write(values)
    with pytest.raises(SystemExit):
        map_cells(run, tmp_path / "wide.tif", tmp_path / "maps")
    assert "stretch" in capsys.readouterr().err
    assert np.isfinite(map_cells(run, tmp_path / "wide.tif", tmp_path / "maps", "--stretch", "0", "3000")).all()


def test_a_map_without_any_imagery_is_refused_with_the_cell_centre_that_was_asked(
    run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    chips = ready_chips(tmp_path / "chips.parquet", [noise(i, PX) for i in range(4)], off_by=0.5)
    with pytest.raises(SystemExit):
        map_cells(run, chips, tmp_path / "maps")
    printed = capsys.readouterr().err
    assert "none of the 4 cells" in printed and "cells' centres, the first at lon 11, lat 43" in printed
    assert not (tmp_path / "maps").exists()


def test_cells_without_imagery_are_counted_on_stderr(
    run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    chips = ready_chips(tmp_path / "chips.parquet", [noise(i, PX) for i in range(3)])
    cells = map_cells(run, chips, tmp_path / "maps")
    assert np.isnan(cells).sum() == 1
    printed = capsys.readouterr()
    assert "1 of 4 cells have no imagery" in printed.err
    assert printed.out.splitlines() == [str(tmp_path / "maps" / f"Corvus_corax.{kind}") for kind in ("tif", "png")]


def test_ready_chips_of_another_size_are_mapped_and_a_damaged_one_is_no_imagery(run: Path, tmp_path: Path) -> None:
    images = [noise(i, 32) for i in range(4)]
    images[2] = images[2][:40]
    cells = map_cells(run, ready_chips(tmp_path / "chips.parquet", images), tmp_path / "maps")
    np.testing.assert_array_equal(np.isnan(cells[0]), [[False, False], [True, False]])


def test_a_map_that_is_there_already_is_kept_unless_it_may_be_overwritten(
    run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    map_cells(run, "virtual:0", tmp_path, "--months", "1")
    before = (tmp_path / "Corvus_corax.tif").read_bytes()
    with pytest.raises(SystemExit):
        map_cells(run, "virtual:0", tmp_path, "--months", "7")
    assert "--overwrite" in capsys.readouterr().err
    assert (tmp_path / "Corvus_corax.tif").read_bytes() == before
    map_cells(run, "virtual:0", tmp_path, "--months", "7", "--overwrite")
    with rasterio.open(tmp_path / "Corvus_corax.tif") as tiff:
        assert tiff.descriptions == ("July",)


@pytest.mark.parametrize("knows", [True, False])
def test_months_that_cannot_differ_are_said_to_be_the_same(
    knows: bool, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    method = CROSS_VIEW if knows else replace(CROSS_VIEW, place_time=None)
    cells = map_cells(make_run(tmp_path / "run", method), "virtual:0", tmp_path, "--months", "1", "7")
    assert ("maps of all months are the same" in capsys.readouterr().err) is not knows
    if not knows:
        np.testing.assert_array_equal(cells[0], cells[1])


def test_rows_of_the_points_that_cannot_be_used_are_counted_on_stderr(
    run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    points = tmp_path / "seen.csv"
    points.write_text(f"taxon,lon,lat\n{TAXON},11,41\n{TAXON},11,\n,11,41\n,12,41\n")
    map_cells(run, "virtual:0", tmp_path / "maps", "--points", str(points))
    printed = capsys.readouterr().err
    assert "no taxon, in 2 rows" in printed and "one coordinate missing" in printed


@pytest.mark.parametrize("verb", ["classify", "retrieve", "embed"])
def test_a_dataset_whose_chips_show_another_size_of_ground_is_refused(verb: str, run: Path, tmp_path: Path) -> None:
    folder = make_dataset(tmp_path / "data", 7.5).folder
    work = {
        "classify": lambda: verbs.classify_dataset(run, folder),
        "retrieve": lambda: retrieval.retrieve_dataset(run, folder),
        "embed": lambda: embed(EmbedRequest(run=run, paths=(folder, tmp_path / "out.parquet"))),
    }
    with pytest.raises(ConfigError, match=r"5 km.*7\.5 km.*--chip-km 5"):
        work[verb]()
    assert not (tmp_path / "out.parquet").exists()


def test_the_ground_size_matters_only_where_chips_are_there_and_seen(run: Path, tmp_path: Path) -> None:
    blind = make_run(tmp_path / "blind", MaeConfig(image=PHOTO))
    other, bare = make_dataset(tmp_path / "other", 7.5), make_dataset(tmp_path / "bare", 7.5, with_chips=False)
    same = make_dataset(tmp_path / "same", KM)
    for folder, dataset in ((blind, other), (run, bare), (run, same)):
        assert len(verbs.embed_rows(load_run(folder), dataset, "test")) == 2


@pytest.mark.parametrize("rank", [0, 1])
def test_of_several_processes_only_the_first_embeds_and_speaks(
    rank: int, run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = make_run(tmp_path / "run")
    (folder / "taxa.parquet").unlink()

    def trained(config: RunConfig, dataset: Dataset, out: Path, *, resume: bool) -> Run:
        return load_run(out)

    monkeypatch.setattr(verbs, "pretrain", trained)
    monkeypatch.setattr(verbs, "process_rank", lambda: rank)
    config = replace(load_run(folder).config, workers=0)
    verbs.pretrain_and_name_taxa(config, make_dataset(tmp_path / "data", KM), folder)
    assert (folder / "taxa.parquet").exists() == (rank == 0)
    assert capsys.readouterr().out == (f"trained: {folder}\n" if rank == 0 else "")
