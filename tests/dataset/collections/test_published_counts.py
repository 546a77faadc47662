from pathlib import Path

import pytest
from small_birds import write_photos

from birdsat.dataset.build import build_dataset
from birdsat.dataset.collections.birdsat_release import WHOLE as RELEASE
from birdsat.dataset.collections.cub import WHOLE as CUB
from birdsat.dataset.collections.inat2021 import WHOLE as INAT
from birdsat.dataset.collections.inat2021 import WHOLE_MINI as INAT_MINI
from birdsat.dataset.collections.published_counts import PublishedCounts
from birdsat.dataset.description import Description
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
        description=Description(published=published),
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
