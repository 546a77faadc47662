import gzip
from collections import Counter

import pytest
from small_birds import encoded, picture

from birdsat.dataset.build import build_dataset
from birdsat.dataset.collections.nabirds import open_nabirds
from birdsat.dataset.description import Description
from birdsat.errors import InputError
from birdsat.observations.curation import Remark

IDS = [f"0000139e-21dc-4d0c-bfe1-00000000000{n}" for n in range(4)]
PATHS = [
    f"{folder}/{id.replace('-', '')}.jpg" for folder, id in zip(("0295", "0296", "0817", "0817"), IDS, strict=True)
]


@pytest.fixture
def nabirds(tmp_path):
    """NABirds in miniature: two categories of an eider, whose order has no families, and a titmouse, whose has."""
    root = tmp_path / "nabirds"
    for number, name in enumerate(PATHS):
        path = root / "images" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(encoded(picture(number)))
    write(root, "images", zip(IDS, PATHS, strict=True))
    write(root, "image_class_labels", zip(IDS, (295, 296, 817, 817), strict=True))
    write(root, "train_test_split", zip(IDS, (1, 0, 1, 0), strict=True))
    write(root, "bounding_boxes", ((id, "2 3 20 10") for id in IDS))
    write(root, "sizes", ((id, "32 24") for id in IDS))
    names = {
        0: "Birds",
        1: "Ducks, Geese, and Swans",
        2: "Common Eider",
        3: "Perching Birds",
        4: "Chickadees and Titmice",
        5: "Oak Titmouse",
        295: "Common Eider (Adult male)",
        296: "Common Eider (Female/juvenile) ",
        817: "Oak Titmouse",
    }
    write(root, "classes", names.items())
    write(root, "hierarchy", ((295, 2), (296, 2), (2, 1), (1, 0), (817, 5), (5, 4), (4, 3), (3, 0)))
    write(root, "photographers", ((IDS[0], "Ann B. See"), (IDS[1], "")))
    return root


def write(root, name, rows):
    (root / f"{name}.txt").write_text("".join(f"{id} {value}\n" for id, value in rows))


def test_observations_have_the_category_split_path_and_photographer_of_the_layout(nabirds):
    rows = list(open_nabirds(nabirds).observations)
    assert [(row.id, row.taxon, row.split, row.attribution) for row in rows] == [
        (IDS[0], "Common Eider (Adult male)", "train", "Ann B. See"),
        (IDS[1], "Common Eider (Female/juvenile)", "test", ""),
        (IDS[2], "Oak Titmouse", "train", ""),
        (IDS[3], "Oak Titmouse", "test", ""),
    ]
    assert [row.photo for row in rows] == PATHS
    assert {row.photo_box for row in rows} == {None}
    assert {row.photo_box for row in open_nabirds(nabirds, crop=True).observations} == {(2, 3, 20, 10)}


def test_the_hierarchy_gives_species_families_and_orders(nabirds):
    opened = open_nabirds(nabirds, level="species")
    assert [row.taxon for row in opened.observations] == ["Common Eider"] * 2 + ["Oak Titmouse"] * 2
    ranks = [(taxon.name, taxon.family, taxon.order) for taxon in opened.taxa]
    assert ranks == [
        ("Common Eider", "", "Ducks, Geese, and Swans"),
        ("Oak Titmouse", "Chickadees and Titmice", "Perching Birds"),
    ]
    assert opened.published.taxa == 404
    categories = open_nabirds(nabirds).taxa
    assert categories["Common Eider (Adult male)"].order == "Ducks, Geese, and Swans"
    assert len(categories) == 3


def test_the_hierarchy_is_optional_but_for_species(nabirds):
    (nabirds / "hierarchy.txt").unlink()
    (nabirds / "photographers.txt").unlink()
    opened = open_nabirds(nabirds)
    assert len(list(opened.observations)) == 4
    assert {taxon.order for taxon in opened.taxa} == {""}
    with pytest.raises(InputError, match=r"hierarchy\.txt is absent"):
        open_nabirds(nabirds, level="species")


def test_a_hierarchy_that_goes_in_circles_is_refused(nabirds):
    write(nabirds, "hierarchy", ((295, 2), (2, 295)))
    with pytest.raises(InputError, match="among its own ancestors"):
        open_nabirds(nabirds)


def test_it_builds_and_what_is_incomplete_is_dropped(nabirds, tmp_path):
    write(nabirds, "image_class_labels", zip(IDS, (295, 296, 999, 817), strict=True))
    opened = open_nabirds(nabirds)
    out = tmp_path / "out"
    manifest = build_dataset(
        out,
        opened.observations,
        photos=opened.photos,
        taxa=opened.taxa,
        description=Description(published=opened.published),
        workers=0,
    )
    assert [(count.name, count.rows) for count in manifest.dropped] == [("incomplete in the collection's files", 1)]
    assert (manifest.rows(), manifest.rows("test")) == (3, 2)
    assert "3 of 555 taxa, 1 of 23,929 photos" in manifest.completeness


def test_the_real_lists_have_the_published_counts(shared_data, tmp_path):
    for path in (shared_data / "formats/nabirds").glob("*.txt.gz"):
        (tmp_path / path.stem).write_bytes(gzip.decompress(path.read_bytes()))
    labels = (line.split()[1] for line in (tmp_path / "image_class_labels.txt").read_text().splitlines())
    write(tmp_path, "classes", ((label, f"class {label}") for label in sorted(set(labels))))
    opened = open_nabirds(tmp_path, crop=True)
    rows = list(opened.observations)
    assert not any(isinstance(row, Remark) for row in rows)
    counts = Counter(row.split for row in rows)
    assert (counts["train"], counts["test"]) == (opened.published.train, opened.published.test)
    assert len({row.taxon for row in rows}) == len(opened.taxa) == opened.published.taxa
    # The folder of every photo is its class.
    assert all(int(row.photo[:4]) == int(row.taxon.removeprefix("class ")) for row in rows)
