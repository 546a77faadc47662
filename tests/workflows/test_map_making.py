"""What a map is told of its own making."""

from pathlib import Path

from birdsat.ranges.load import load_ranges
from birdsat.workflows import map_making
from birdsat.workflows.map_making import making_of_photos, making_of_ranges
from birdsat.workflows.requests.maps import MapRequest


def test_the_commands_make_this_map_again_and_carry_no_thousands_of_other_taxa(ranges: Path) -> None:
    many = [f"Genus{i} species" for i in range(5000)]
    model, taxon = load_ranges(ranges), "Pica pica"
    read = making_of_ranges(MapRequest(taxon=[*many, taxon], ranges=ranges), model, taxon).commands
    assert [one.split()[1] for one in read] == ["fit", "map"]
    assert read[1] == f"birdsat map '{taxon}' --ranges {ranges}"
    photos = MapRequest(taxon=[*many, taxon], run="runs/a", region="regions/a")
    (seen,) = making_of_photos(photos, taxon).commands
    assert seen.startswith(f"birdsat map '{taxon}' --") and "runs/a" in seen and "Genus7" not in seen
    # A fit on the way is to all of them, and the command would not be the same without.
    (fitted,) = making_of_ranges(MapRequest(taxon=[*many, taxon], occurrences="a.csv"), model, taxon).commands
    assert len(fitted) < map_making._LONGEST + 100 and "(cut: 98,933 characters)" in fitted


def test_thresholds_and_what_they_were_chosen_on_are_said(ranges: Path) -> None:
    making = making_of_ranges(MapRequest(taxon="Pica pica", ranges=ranges), load_ranges(ranges), "Pica pica")
    assert set(making.thresholds) == set(map_making.THRESHOLDS)
    assert making.thresholds_of.endswith("held-out points of the taxon")
    assert making.rows["rows"] == 48 and making.settings["members"] == 2 and "torch" in making.versions
