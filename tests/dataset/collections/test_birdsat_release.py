import io
import json
import pickle

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from PIL import Image
from small_birds import encoded
from small_inat import CATEGORIES, GREAT_TIT, RAVEN, image, write_json, write_photo

from birdsat.dataset.build import build_dataset
from birdsat.dataset.collections.birdsat_release import open_birdsat_release
from birdsat.dataset.description import Description
from birdsat.errors import ConfigError, InputError
from birdsat.observations.curation import Remark
from birdsat.observations.splits import SplitRule

PX = 16
# Of six images, the rows 0 to 4 name these. Images 1 and 4 share a place, image 0 is in no row, image 5 in two.
ROWS = (3, 1, 5, 4, 5)


def chip(row):
    return encoded(Image.new("RGB", (PX, PX), (10 * row, 0, 0)), "PNG")


def write_labels(path, rows):
    """As pandas writes a column with its index: a head, and then the number of the row first."""
    path.write_text("".join([",0\n", *(f"{row + 100},{index}\n" for row, index in enumerate(rows))]))


@pytest.fixture
def release(tmp_path):
    root = tmp_path / "release"
    for part, rows in (("train", ROWS), ("val", (0,))):
        images = [image(n + 20, part, longitude=float(n), latitude=10.0) for n in range(6)]
        images[4]["longitude"] = images[1]["longitude"]
        for photo in images:
            write_photo(root, photo)
        write_json(root / f"{part}_birds.json", images, [RAVEN, GREAT_TIT, RAVEN, GREAT_TIT, RAVEN, GREAT_TIT])
        write_labels(root / f"{part}_birds_labels.csv", rows)
        folder = root / f"{part}_overhead/images_sentinel"
        folder.mkdir(parents=True)
        for row in range(len(rows)):
            (folder / f"{row}.jpeg").write_bytes(chip(row))
    return root


def build(root, out, **settings):
    opened = open_birdsat_release(root, **settings)
    manifest = build_dataset(
        out,
        opened.observations,
        photos=opened.photos,
        chips=opened.chips,
        taxa=opened.taxa,
        description=Description(published=opened.published),
        splits=SplitRule(val_fraction=0),
        workers=0,
    )
    tables = [pq.read_table(path) for path in sorted(out.glob("*.parquet"))]
    return manifest, {row["id"]: row for row in pa.concat_tables(tables).to_pylist()}


def test_index_and_row_are_exact_the_first_row_after_the_head_is_0_and_has_chip_0(release, tmp_path):
    manifest, rows = build(release, tmp_path / "out")
    assert set(rows) == {f"train/{row}" for row in range(5)} | {"val/0"}
    for row, index in enumerate(ROWS):
        found = rows[f"train/{row}"]
        assert found["photo"]["path"] == f"train/{index + 20}.jpg"
        assert found["taxon"] == ("Corvus corax", "Parus major")[index % 2]
        assert found["chip"]["bytes"] == chip(row)  # also where two rows share a place, or an image
    assert (manifest.rows("train"), manifest.rows("test")) == (5, 1)
    assert (manifest.chip_px, manifest.chip_ground_km) == (PX, (0.16,))
    assert "A part of Cross-View iNat-2021 Birds: 2 of 1,486 taxa, 5 of 414,847" in manifest.completeness


def test_pandas_would_pair_the_same(release, tmp_path):
    """A re-enactment of the published class on the file's text: read_csv's rows are those after the head."""
    lines = (release / "train_birds_labels.csv").read_text().splitlines()[1:]
    images = json.loads((release / "train_birds.json").read_text())["images"]
    _, rows = build(release, tmp_path / "out")
    for number, line in enumerate(lines):
        assert rows[f"train/{number}"]["photo"]["path"] == images[int(line.split(",")[1])]["file_name"]


def test_indices_written_as_floats_blank_lines_and_more_columns_change_nothing(release):
    text = "a,b,c\n" + "".join(f"{n},{index}.0,x\n\n" for n, index in enumerate(ROWS))
    (release / "train_birds_labels.csv").write_text(text)
    photos = {row.id: row.photo for row in open_birdsat_release(release).observations}
    assert [photos[f"train/{row}"] for row in range(5)] == [f"train/{index + 20}.jpg" for index in ROWS]


def test_what_cannot_be_paired_is_dropped_with_a_remark(release, tmp_path):
    write_labels(release / "train_birds_labels.csv", (0, 6, 1))
    (release / "train_overhead/images_sentinel/2.jpeg").unlink()
    manifest, rows = build(release, tmp_path / "out")
    assert set(rows) == {"train/0", "val/0"}
    assert [(count.name, count.rows) for count in manifest.dropped] == [
        ("no chip for the place", 1),
        ("no such image in the JSON", 1),
    ]


def test_a_row_that_is_not_a_bird_is_counted(release):
    images = [image(20, "train")]
    write_json(release / "train_birds.json", images, [1], categories=CATEGORIES)
    write_labels(release / "train_birds_labels.csv", (0,))
    (remark,) = [row for row in open_birdsat_release(release).observations if isinstance(row, Remark)]
    assert (remark.row, remark.reason) == ("train/0", "no bird")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "has no rows"),
        (",0\n", "has no rows"),
        (",0\n0,first\n", "row 0 has 'first'"),
        (",0\n0,1\n1,-1\n", "row 1 has '-1'"),
        (",0\n0,1.5\n", "row 0 has '1.5'"),
        (",0\n0,nan\n", "row 0 has 'nan'"),
        (",0\n0,1e300\n", "row 0 has '1e300'"),
        ("0\n0,1\n", "row 0 has 2 cells, the head 1"),
        ("0\n1\n", "row 0 has 1 cells, the head 1"),
    ],
)
def test_labels_that_pandas_would_read_otherwise_or_not_are_refused(release, text, message):
    (release / "train_birds_labels.csv").write_text(text)
    with pytest.raises(InputError, match=message):
        list(open_birdsat_release(release).observations)


def test_every_place_is_kept_unless_a_bound_is_given_and_then_its_chip_goes_too(release, tmp_path):
    images = [image(20, "train", location_uncertainty=50_000)]
    write_json(release / "train_birds.json", images, [RAVEN])
    write_labels(release / "train_birds_labels.csv", (0,))
    assert build(release, tmp_path / "all")[1]["train/0"]["chip"] is not None
    manifest, rows = build(release, tmp_path / "known", max_uncertainty_km=10)
    assert (rows["train/0"]["chip"], rows["train/0"]["lon"]) == (None, None)
    assert [(count.name, count.rows) for count in manifest.remarked] == [("place too uncertain: left out", 1)]


def test_the_chips_side_on_the_ground_may_be_given(release):
    assert open_birdsat_release(release, chip_km=(2.5,)).chips.ground_km == (2.5,)
    with pytest.raises(ConfigError, match="chips of -1 km"):
        open_birdsat_release(release, chip_km=(-1,))


def test_absent_files_and_chips_are_named(release):
    for path in release.glob("*_overhead/images_sentinel/*"):
        path.unlink()
    with pytest.raises(InputError, match=r"0\.jpeg and those after it are absent"):
        open_birdsat_release(release)
    (release / "val_birds_labels.csv").unlink()
    with pytest.raises(InputError, match=r"val_birds_labels\.csv is absent"):
        open_birdsat_release(release)


def test_the_chip_source_can_be_sent_to_other_processes(release):
    chips = open_birdsat_release(release).chips
    assert pickle.loads(pickle.dumps(chips)) == chips


def test_a_chip_of_another_size_is_dropped(release, tmp_path):
    file = io.BytesIO()
    Image.new("RGB", (PX + 1, PX)).save(file, "JPEG")
    (release / "train_overhead/images_sentinel/3.jpeg").write_bytes(file.getvalue())
    manifest, rows = build(release, tmp_path / "out")
    assert "train/3" not in rows
    assert [count.name for count in manifest.dropped] == ["chip unusable"]
