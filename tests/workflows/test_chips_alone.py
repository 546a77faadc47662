"""From chips at random places to a region, by the verbs: without a bird anywhere."""

import json
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
from made_runs import NoiseImages, make_dataset, make_run

from birdsat.cli import main
from birdsat.dataset.manifest import load_manifest
from birdsat.embeddings.embed import check_ground
from birdsat.embeddings.regions.folder_region import open_region
from birdsat.errors import ConfigError
from birdsat.training.run_folder import DATASET_FILE, load_run
from birdsat.virtual.world import VirtualWorld

CHIPS = ("--imagery", "virtual:3", "--count", "12", "--chip-px", "64", "--workers", "0")


@pytest.fixture(scope="module")
def dataset(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("data") / "chips"
    main(["data", "chips", str(folder), *CHIPS, "--chip-km", "800", "50", "--land-only", "--val-fraction", "0"])
    return folder


def test_a_dataset_of_chips_says_what_it_is(dataset: Path) -> None:
    manifest = load_manifest(dataset)
    train = manifest.split_counts("train")
    assert (train.chips, train.places, train.photos, train.dates) == (12, 12, 0, 0)
    assert (manifest.chip_ground_km, [taxon.name for taxon in manifest.taxa]) == ((50, 800), ["no bird"])
    card = (dataset / "README.md").read_text()
    assert "Satellite chips of 12 places" in card and "show 50 or 800 km of ground" in card
    assert VirtualWorld(3).land(*np.array(_places(dataset)).T).all()


def _places(dataset: Path) -> list[tuple[float, float]]:
    rows = pq.read_table(dataset / "train-00000.parquet", columns=["lon", "lat"])
    return list(zip(rows["lon"].to_pylist(), rows["lat"].to_pylist(), strict=True))


def test_built_again_it_is_left_as_it_is_and_other_sizes_are_another(
    dataset: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = (dataset / "train-00000.parquet").stat().st_mtime_ns
    main(["data", "chips", str(dataset), *CHIPS, "--chip-km", "50", "800", "--land-only", "--val-fraction", "0"])
    assert (dataset / "train-00000.parquet").stat().st_mtime_ns == before
    with pytest.raises(SystemExit):
        main(["data", "chips", str(dataset), *CHIPS, "--chip-km", "50", "400", "--land-only", "--val-fraction", "0"])
    assert "other rows, taxa, imagery or settings" in capsys.readouterr().err


def test_a_chip_encoder_trains_on_it_and_encodes_cells_at_every_size(dataset: Path, tmp_path: Path) -> None:
    how = ("--recipe", "mae_chips_tiny", "--steps", "1", "--batch-size", "4", "--workers", "0")
    main(["pretrain", str(dataset), str(tmp_path / "run"), *how])
    assert load_run(tmp_path / "run").chip_ground_km == (50, 800)
    assert "12 places, by their chips" in (tmp_path / "run" / "README.md").read_text()
    place = ("--grid", "2", "--box=10,40,14,44", "--imagery", "virtual:3")
    main(["embed", str(tmp_path / "run"), str(tmp_path / "region"), *place])
    region = open_region(tmp_path / "region")
    assert (len(region), region.chip_width) == (4, 2 * region.embedding_width)


def test_a_run_of_several_sizes_takes_a_dataset_of_any_of_them_and_no_other(tmp_path: Path) -> None:
    folder = make_run(tmp_path / "run")
    facts = json.loads((folder / DATASET_FILE).read_text())
    (folder / DATASET_FILE).write_text(json.dumps(facts | {"chip_ground_km": [2.0, 4.0]}))
    run = load_run(folder)
    check_ground(run, make_dataset(tmp_path / "four", images=NoiseImages(4.0)))
    with pytest.raises(ConfigError, match=r"chips of 2 and 4 km, and those of .* show 3 km; .* chips of 2 and 4 km"):
        check_ground(run, make_dataset(tmp_path / "three", images=NoiseImages(3.0)))


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--imagery", "chips.parquet", "--chip-km", "5"], "a table of chips at places of its own"),
        (["--imagery", "virtual:0", "--chip-km", "5", "5"], "one of them twice"),
        (
            ["--imagery", "virtual:0", "--chip-km", "5", "--box=1,2,3"],
            "box '1,2,3' is not four numbers W,S,E,N in degrees, such as 113,-44,154,-10. (--box)",
        ),
    ],
)
def test_what_makes_no_dataset_is_refused(
    words: list[str], said: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        main(["data", "chips", str(tmp_path / "out"), *words])
    assert said in " ".join(capsys.readouterr().err.split())


def test_the_release_has_chips_of_one_size(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    release = ("--collection", "birdsat_release", "--folder", str(tmp_path))
    with pytest.raises(SystemExit):
        main(["data", "build", str(tmp_path / "out"), *release, "--chip-km", "1", "2"])
    assert "one ground size" in capsys.readouterr().err
