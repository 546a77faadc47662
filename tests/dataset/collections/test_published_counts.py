from pathlib import Path

import pytest
from small_birds import write_photos

from birdsat.cli import main
from birdsat.cli.data import CollectionName
from birdsat.dataset.build import build_dataset
from birdsat.dataset.collections.birdsat_release import WHOLE as RELEASE
from birdsat.dataset.collections.cub import WHOLE as CUB
from birdsat.dataset.collections.inat2021 import WHOLE as INAT
from birdsat.dataset.collections.inat2021 import WHOLE_MINI as INAT_MINI
from birdsat.dataset.collections.published_counts import PublishedCounts
from birdsat.dataset.collections.registry import COLLECTIONS
from birdsat.dataset.manifest import load_manifest
from birdsat.imagery.photo_folder import FolderPhotos
from birdsat.observations.splits import SplitRule


def built(folder: Path, published: PublishedCounts | None, **settings):
    rows = write_photos(folder / "photos", 12)
    rows = [
        type(row)(id=row.id, taxon=row.taxon, photo=row.photo, split="test" if n < 4 else "train")
        for n, row in enumerate(rows)
    ]
    return build_dataset(
        folder / "out",
        rows,
        photos=FolderPhotos(folder / "photos"),
        published=published,
        workers=0,
        **settings,
    )


@pytest.mark.parametrize(
    ("taxa", "train", "test", "said"),
    [
        (3, 8, 4, "The whole of it, as published: 3 taxa, 8 photos to train on (val among them), 4 to test."),
        (3, 8, 5, "A part of it: 3 of 3 taxa, 8 of 8 photos to train on (val among them), 4 of 5 to test."),
        (
            3,
            7,
            5,
            "Not it as published: 3 taxa (published: 3), 8 photos to train on (val among them) (published: 7), "
            "4 to test (published: 5).",
        ),
    ],
)
def test_what_was_built_is_held_against_what_was_published(tmp_path, taxa, train, test, said):
    whole = PublishedCounts(name="it", taxa=taxa, train=train, test=test)
    manifest = built(tmp_path, whole, splits=SplitRule(val_fraction=0.5))
    assert manifest.rows("val") > 0
    assert manifest.completeness == said
    assert load_manifest(tmp_path / "out").completeness == said


def test_with_splits_of_our_own_only_the_sum_is_compared(tmp_path):
    whole = PublishedCounts(name="it", taxa=3, train=8, test=4)
    manifest = built(tmp_path, whole, splits=SplitRule(keep_source=False, test_fraction=0.5))
    assert manifest.rows("test") != 4
    assert manifest.completeness == "The whole of it, as published: 3 taxa, 12 photos."


def test_a_table_is_the_whole_of_nothing(tmp_path):
    assert built(tmp_path, None).completeness == ""


def test_the_published_counts_are_those_of_the_papers():
    assert (CUB.taxa, CUB.train, CUB.test) == (200, 5_994, 5_794)
    assert (INAT.taxa, INAT.train, INAT.test) == (1_486, 414_847, 14_860)
    assert INAT_MINI.train == 74_300 == 50 * 1_486
    assert (RELEASE.train, RELEASE.test) == (INAT.train, INAT.test)


def test_the_command_line_offers_exactly_the_collections_there_are():
    assert set(CollectionName.__args__) == set(COLLECTIONS)


def test_one_command_builds_and_says_what_part_it_is(tmp_path, capsys):
    (tmp_path / "photos").mkdir()
    write_photos(tmp_path / "photos/A_b", 3)
    main(
        [
            "data",
            "build",
            str(tmp_path / "out"),
            "--collection",
            "image_folder",
            "--folder",
            str(tmp_path / "photos"),
            "--workers",
            "0",
        ]
    )
    manifest = load_manifest(tmp_path / "out")
    assert manifest.rows() == 3 and manifest.sources == (str(tmp_path / "photos"),)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--collection", "cub"], "--collection and --folder go together"),
        (
            ["--collection", "image_folder", "--folder", "f", "--crop"],
            "--crop can be used with --collection cub or nabirds only, not with image_folder",
        ),
        (["--collection", "cub", "--folder", "f", "--mini"], "--mini can be used with --collection inat2021 only"),
        (
            ["--collection", "cub", "--folder", "f", "--max-uncertainty-km", "3"],
            "--collection birdsat_release or inat2021 only",
        ),
        (["--collection", "cub", "--folder", "f", "--level", "species"], "--collection nabirds only"),
        (["--collection", "cub", "--folder", "f", "--chip-km", "3"], "--chip-km can be used with --chips only"),
    ],
)
def test_options_of_another_collection_are_refused(tmp_path, words, said, capsys):
    with pytest.raises(SystemExit):
        main(["data", "build", str(tmp_path / "out"), *words])
    assert said in " ".join(capsys.readouterr().err.split())
