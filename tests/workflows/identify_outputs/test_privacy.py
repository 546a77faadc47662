"""Places that are not for all eyes."""

import math
from pathlib import Path

import numpy as np
import pytest
from made_photos import answer, row

from birdsat.earth.place import distance_km
from birdsat.errors import InputError
from birdsat.workflows.identify_outputs.privacy import Privacy, coarse, read_sensitive

FALCON = frozenset(["falco peregrinus"])


def test_hidden_places_are_not_told_and_who_knew_them_is() -> None:
    (hidden,) = Privacy(hide=True).applied(iter([row()]))
    assert (hidden.lon, hidden.lat, hidden.place_from) == (None, None, "EXIF")


def test_places_of_taxa_that_are_listed_or_may_be_are_told_coarsely() -> None:
    privacy = Privacy(sensitive=FALCON, coarsen_km=20)
    likely, unlikely = (answer(2, "Falco peregrinus", score) for score in (0.05, 0.001))
    raven = answer(1, "Corvus corax", 0.9)
    subspecies = answer(1, "Falco peregrinus anatum", 0.9)
    rows = [
        row(answers=(raven, likely)),
        row(answers=(raven, unlikely)),
        row(answers=(subspecies,)),
        row(answers=(raven,), verdict="rolled up", rolled_up_rank="genus", rolled_up="Falco"),
        row(answers=(raven,), lon=None, lat=None),
    ]
    assert [one.uncertainty_km is not None for one in privacy.applied(iter(rows))] == [True, False, True, True, False]


def test_taxa_of_a_run_that_calls_them_in_english_are_the_listed_ones(tmp_path: Path) -> None:
    path = tmp_path / "list.txt"
    path.write_text("Tyrannus forficatus\nPeregrine Falcon, nests\n")
    privacy = Privacy(sensitive=read_sensitive(path))
    rows = [
        row(answers=(answer(1, "Scissor tailed Flycatcher", 0.9),)),
        row(answers=(answer(1, "Falco peregrinus", 0.9),)),
        row(answers=(answer(1, "Northern Fulmar", 0.9),)),
    ]
    assert [one.uncertainty_km is not None for one in privacy.applied(iter(rows))] == [True, True, False]


def test_the_coarse_place_is_the_same_for_all_within_a_square_and_as_near_as_is_said() -> None:
    generator = np.random.default_rng(0)
    for km in (5.0, 20.0, 100.0):
        for _ in range(200):
            lon, lat = generator.uniform(-180, 180), generator.uniform(-85, 85)
            east, north = coarse(lon, lat, km)
            moved = float(distance_km(np.array(lon), np.array(lat), np.array(east), np.array(north)))
            assert moved <= km * math.sqrt(0.5) * 1.1 and coarse(east, north, km) == (east, north)
    assert coarse(-122.3, 47.65, 20) == coarse(-122.301, 47.651, 20)


def test_a_list_is_a_name_a_line_or_a_table_and_has_comments(tmp_path: Path) -> None:
    path = tmp_path / "sensitive.csv"
    path.write_text("\ufefftaxon,why\nFalco peregrinus Tunstall, nests\n# none\nAquila  chrysaetos # eagle\n\n")
    assert read_sensitive(path) == {"falco peregrinus", "aquila chrysaetos"}
    for data in (b"", b"# none\n", b"\xff\xfe\x00"):
        path.write_bytes(data)
        with pytest.raises(InputError):
            read_sensitive(path)
    with pytest.raises(InputError, match="is not there"):
        read_sensitive(tmp_path / "gone.txt")
