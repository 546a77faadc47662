"""The identify verb with something in place of a model: what it reads, writes, keeps and says."""

import csv
import json
from pathlib import Path
from typing import Any

import pytest
from made_photos import FakeIdentifier, save_photo
from PIL import Image
from recorded import RecordedProgress
from tiny_world import TinyWorld

from birdsat.cli import main
from birdsat.errors import BirdsatError, ConfigError
from birdsat.workflows import identify as workflow
from birdsat.workflows.identify import IdentifyResult, identify
from birdsat.workflows.requests.identify_photos import OUTPUTS, IdentifyRequest, output_of

DAY = "2024:05:01 06:30:00"


@pytest.fixture
def run_folder(tiny_world: TinyWorld) -> Path:
    return tiny_world.run


@pytest.fixture
def named(monkeypatch: pytest.MonkeyPatch) -> FakeIdentifier:
    fake = FakeIdentifier()
    monkeypatch.setattr(workflow, "open_run_identifier", lambda _: fake)
    return fake


@pytest.fixture
def trip(tmp_path: Path) -> Path:
    """Five photos in two folders, two of one name, one of them damaged."""
    folder = tmp_path / "trip"
    save_photo(folder / "a/1.jpg", 200, taken=DAY, lon_lat=(-122.3, 47.65))
    save_photo(folder / "a/2.jpg", 100, taken=DAY)
    save_photo(folder / "b/1.jpg", 200)
    save_photo(folder / "b/2.png", 0)
    (folder / "b/3.jpg").write_bytes(b"<html>no</html>")
    return folder


def run(photos: Any, out: Any, **given: Any) -> tuple[IdentifyResult, RecordedProgress]:
    progress = RecordedProgress()
    return identify(IdentifyRequest(run="mine", photos=photos, out=out, **given), progress), progress


def rows_of(path: Path) -> list[dict[str, str]]:
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def test_every_photo_has_its_rows_in_order_and_a_bad_one_its_reason(
    named: FakeIdentifier, trip: Path, tmp_path: Path
) -> None:
    result, progress = run(trip, tmp_path / "n.csv", top=2, batch_size=2)
    rows = rows_of(tmp_path / "n.csv")
    assert [Path(row["photo"]).relative_to(trip).as_posix() for row in rows] == [
        "a/1.jpg", "a/1.jpg", "a/2.jpg", "a/2.jpg", "b/1.jpg", "b/1.jpg", "b/2.png", "b/2.png", "b/3.jpg",
    ]  # fmt: skip
    first, _, second, *_, bad = rows
    assert (first["taxon"], first["common_name"], first["unexpected"]) == ("Corvus corax", "Common Raven", "true")
    assert (first["date"], first["place_from"], first["place_date_score"]) == ("2024-05-01", "EXIF", "0.01")
    assert (second["verdict"], second["rolled_up_rank"], second["rolled_up"]) == ("rolled up", "genus", "Pica")
    assert bad["verdict"] == "unreadable" and "a web page" in bad["remark"]
    assert named.asked == [2, 2, 1] and progress.bars[0].done == 5
    assert result.line == (
        f"identified 3 of 5 photos, 2 to the species; 1 unreadable; 1 not among these birds -> {tmp_path / 'n.csv'}"
    )
    assert result.failed == {} and sorted(tmp_path.iterdir()) == [tmp_path / "n.csv", trip]


def test_every_output_is_written_of_the_same_rows(named: FakeIdentifier, trip: Path, tmp_path: Path) -> None:
    outs = [tmp_path / f"n{ending}" for ending in OUTPUTS]
    result, progress = run(trip, outs, sidecars=True, license="CC0-1.0", date="2020-01-01")
    assert result.files == tuple(outs) and all(path.stat().st_size for path in outs) and result.sidecars == 3
    assert {path.name for path in trip.rglob("*.xmp")} == {"1.jpg.xmp", "2.jpg.xmp"}
    assert Image.open(tmp_path / "n.png").size[0] > 500
    assert len((tmp_path / "n.jsonl").read_text().splitlines()) == 5
    page = (tmp_path / "n.html").read_text()
    assert page.count("<figure") == 5 and "<b>Falcon" not in page and "&lt;b&gt;Falcon" in page
    assert json.loads((tmp_path / "n.jsonl").read_text().splitlines()[2])["date_from"] == "given"
    assert any("are not in n.ebird.csv" in note for note in progress.notes)


def test_what_was_named_before_a_stop_is_kept_and_the_rest_follows(
    named: FakeIdentifier, trip: Path, tmp_path: Path
) -> None:
    whole, _ = run(trip, tmp_path / "whole.csv", batch_size=2)
    named.asked, named.fail_after = [], 2
    with pytest.raises(KeyboardInterrupt):
        run(trip, tmp_path / "n.csv", batch_size=2)
    partial = tmp_path / "n.csv.partial"
    assert partial.is_file() and not (tmp_path / "n.csv").exists()
    partial.write_bytes(partial.read_bytes()[:-20])  # as of a machine that went off
    named.asked, named.fail_after = [], None
    result, progress = run(trip, tmp_path / "n.csv", batch_size=2)
    assert named.asked == [2] and result.kept == 3 and progress.said == ["3 of 5 photos were named before"]
    assert (tmp_path / "n.csv").read_text() == (tmp_path / "whole.csv").read_text()
    assert result.verdicts == whole.verdicts and not partial.exists()


@pytest.mark.parametrize("change", ["fingerprint", "top", "photo", "place"])
def test_another_identifier_other_settings_and_changed_photos_start_anew(
    named: FakeIdentifier, trip: Path, tmp_path: Path, change: str
) -> None:
    named.fail_after = 2
    with pytest.raises(KeyboardInterrupt):
        run(trip, tmp_path / "n.csv", batch_size=2)
    named.asked, named.fail_after = [], None
    given: dict[str, Any] = {"top": {"top": 1}, "place": {"place": "1,2"}}.get(change, {})
    if change == "fingerprint":
        named.fingerprint = "fake-2"
    if change == "photo":
        save_photo(trip / "a/1.jpg", 180)
    result, _ = run(trip, tmp_path / "n.csv", batch_size=2, **given)
    assert sum(named.asked) == 5 and result.kept == 0


def test_outputs_may_change_between_a_stop_and_its_going_on(named: FakeIdentifier, trip: Path, tmp_path: Path) -> None:
    named.fail_after = 2
    with pytest.raises(KeyboardInterrupt):
        run(trip, tmp_path / "n.csv", batch_size=2)
    named.fail_after = None
    result, _ = run(trip, [tmp_path / "n.csv", tmp_path / "n.jsonl"], batch_size=2, hide_places=True)
    assert result.kept == 4 and {row["lon"] for row in rows_of(tmp_path / "n.csv")} == {""}


def test_places_come_from_a_table_a_track_and_what_is_given(named: FakeIdentifier, trip: Path, tmp_path: Path) -> None:
    (tmp_path / "places.csv").write_text("photo,lon,lat\nb/1.jpg,10,50\n")
    times = ("04:00", "04:20", "04:40", "05:00")
    points = "".join(
        f'<trkpt lon="{8 + number}" lat="47"><time>2024-05-01T{time}:00Z</time></trkpt>'
        for number, time in enumerate(times)
    )
    (tmp_path / "t.gpx").write_text(f"<gpx><trk><trkseg>{points}</trkseg></trk></gpx>")
    run(
        trip,
        tmp_path / "n.csv",
        top=1,
        places=tmp_path / "places.csv",
        track=tmp_path / "t.gpx",
        clock_offset="+02:00",
        place=(-1.5, 51.0),
    )
    found = [(row["place_from"], row["lon"], row["lat"]) for row in rows_of(tmp_path / "n.csv")]
    assert found[0] == ("EXIF", "-122.3", "47.65") and found[2] == ("table", "10.0", "50.0") and found[3][0] == "given"
    assert found[1][0] == "track" and float(found[1][1]) == pytest.approx(9.5, abs=0.01)


def test_places_of_listed_taxa_are_coarse_in_every_output(named: FakeIdentifier, trip: Path, tmp_path: Path) -> None:
    (tmp_path / "list.txt").write_text("Corvus corax\nAquila adalberti\n")
    outs = [tmp_path / name for name in ("n.csv", "n.dwc.csv", "n.ebird.csv", "n.jsonl", "n.html")]
    _, progress = run(trip, outs, sensitive=tmp_path / "list.txt", coarsen_km=50)
    assert progress.notes[0].startswith("1 of the 2 sensitive taxa are none that are told apart here: aquila adalberti")
    for path in outs:
        assert "47.65" not in path.read_text()
    assert rows_of(tmp_path / "n.csv")[0]["place_uncertainty_km"] == "35.3553391"


def test_a_listed_taxon_that_a_photo_may_be_of_counts_also_where_it_is_not_among_the_answers_shown(
    named: FakeIdentifier, trip: Path, tmp_path: Path
) -> None:
    (tmp_path / "list.txt").write_text("Falco peregrinus\n")
    run(trip, tmp_path / "n.csv", sensitive=tmp_path / "list.txt", top=1)
    first, *_ = rows_of(tmp_path / "n.csv")
    assert first["taxon"] == "Corvus corax" and first["place_uncertainty_km"] and first["lat"] != "47.65"
    assert len(rows_of(tmp_path / "n.csv")) == 5


def test_remarks_on_places_are_counted_once_more_after_a_stop(named: FakeIdentifier, tmp_path: Path) -> None:
    for number in range(4):
        save_photo(tmp_path / f"p/{number}.jpg", lon_lat=(0, 0))
    named.fail_after = 1
    with pytest.raises(KeyboardInterrupt):
        run(tmp_path / "p", tmp_path / "n.csv", batch_size=2)
    named.fail_after = None
    _, progress = run(tmp_path / "p", tmp_path / "n.csv", batch_size=2)
    assert progress.notes == ["4 photos: EXIF place at 0, 0, as of a receiver without a fix: left out."]


def test_the_last_line_and_the_status_are_for_scripts(
    named: FakeIdentifier, trip: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "n.csv"
    main(["identify", "mine", str(trip), "--out", str(out)])
    printed = capsys.readouterr().out.splitlines()
    assert printed[-1] == f"identified 3 of 5 photos, 2 to the species; 1 unreadable; 1 not among these birds -> {out}"
    assert any("Common Raven" in line for line in printed) or any("Corvus" in line for line in printed)
    with pytest.raises(SystemExit) as ended:
        main(["identify", "mine", str(trip / "b/3.jpg"), "--out", str(out), "--overwrite"])
    assert ended.value.code == 1
    assert capsys.readouterr().out.splitlines()[-1] == f"identified 0 of 1 photos; 1 unreadable -> {out}"
    assert [row["verdict"] for row in rows_of(out)] == ["unreadable"]


def test_notes_of_the_identifier_are_said(named: FakeIdentifier, trip: Path, tmp_path: Path) -> None:
    named.notes = ("scores are not calibrated.",)
    _, progress = run(trip, tmp_path / "n.csv")
    assert progress.notes[0] == "scores are not calibrated."


def test_what_cannot_be_asked_is_refused_before_anything_is_read(
    named: FakeIdentifier, trip: Path, tmp_path: Path
) -> None:
    cases: list[tuple[dict[str, Any], str]] = [
        ({"photos": []}, "no photo is named"),
        ({"out": []}, "no file to write"),
        ({"out": "names.xls"}, "does not end in what can be written"),
        ({"out": ["n.csv", "n.csv"]}, "named twice"),
        ({"top": 0}, "top is 0"),
        ({"batch_size": 0}, "batch_size is 0"),
        ({"workers": -1}, "workers is -1"),
        ({"clock_offset": "two hours"}, "clock_offset 'two hours'"),
        ({"clock_offset": "+02:75"}, "clock_offset"),
        ({"date": "2099-01-01"}, "in the future"),
        ({"date": "3/7/2010"}, "not one day"),
        ({"coarsen_km": 5}, "coarsen_km can be used with"),
        ({"sensitive": "list.txt", "coarsen_km": 0.1}, "coarsen_km is 0.1"),
    ]
    for given, reason in cases:
        with pytest.raises(BirdsatError, match=reason):
            IdentifyRequest(**({"run": "mine", "photos": [trip]} | given))
    for given, reason in [
        ({"place": "here"}, "not two numbers"),
        ({"place": "47,122"}, "latitude 122"),
        ({"places": tmp_path / "gone.csv"}, "absent"),
        ({"track": tmp_path / "gone.gpx"}, "not GPX"),
        ({"sensitive": tmp_path / "gone.txt"}, "is not there"),
        ({"out": tmp_path / "nowhere/n.csv"}, "is not a folder"),
        ({"photos": tmp_path / "nothing"}, "not a single photo"),
    ]:
        with pytest.raises(BirdsatError, match=reason):
            run(**({"photos": trip, "out": tmp_path / "n.csv"} | given))
    assert named.asked == [] and list(tmp_path.iterdir()) == [trip]


def test_files_that_are_there_stay_unless_they_may_be_overwritten(
    named: FakeIdentifier, trip: Path, tmp_path: Path
) -> None:
    (tmp_path / "n.csv").write_text("mine")
    with pytest.raises(ConfigError, match="exists already"):
        run(trip, tmp_path / "n.csv")
    assert (tmp_path / "n.csv").read_text() == "mine"
    run(trip, tmp_path / "n.csv", overwrite=True)
    assert len(rows_of(tmp_path / "n.csv")) > 1


def test_the_longest_ending_says_what_is_written() -> None:
    assert output_of("a.ebird.csv") == ".ebird.csv" and output_of("A.DWC.CSV") == ".dwc.csv"
    assert output_of("a.b.csv") == ".csv" and output_of("a.txt") is None


def test_sheets_of_many_photos_are_pages_and_none_of_them_is_overwritten_unasked(
    named: FakeIdentifier, tmp_path: Path
) -> None:
    for number in range(31):
        save_photo(tmp_path / f"p/{number:02}.jpg")
    (tmp_path / "n-2.png").write_text("mine")
    with pytest.raises(ConfigError, match=r"n-2.png exists already"):
        run(tmp_path / "p", tmp_path / "n.png")
    result, _ = run(tmp_path / "p", [tmp_path / "n.png", tmp_path / "n.html"], overwrite=True)
    assert [path.name for path in result.files] == ["n.png", "n-2.png", "n.html"]
    assert Image.open(tmp_path / "n.png").size[1] > Image.open(tmp_path / "n-2.png").size[1]


def test_a_sheet_among_the_photos_is_not_taken_for_one_the_next_time(named: FakeIdentifier, trip: Path) -> None:
    run(trip, trip / "sheet.png")
    result, _ = run(trip, trip / "sheet.png", overwrite=True)
    assert result.photos == 5


def test_places_west_and_offsets_behind_are_given_by_words(named: FakeIdentifier, trip: Path, tmp_path: Path) -> None:
    words = ["--place=-122.5,47.5", "--clock-offset=-08:00", "--date", "2024-04-03", "--out", str(tmp_path / "n.csv")]
    main(["identify", "mine", str(trip / "b/1.jpg"), str(trip / "a"), *words, "--top", "1", "--no-place-date"])
    found = [(row["lon"], row["place_from"], row["date"], row["date_from"]) for row in rows_of(tmp_path / "n.csv")]
    assert found[0] == ("-122.5", "given", "2024-04-03", "given")
    assert found[1] == ("-122.3", "EXIF", "2024-05-01", "EXIF")


def test_a_run_names_photos_the_same_in_any_company(run_folder: Path, photo: Path, tmp_path: Path) -> None:
    other = save_photo(tmp_path / "other.jpg", taken=DAY, lon_lat=(-122.3, 47.65))
    rows = []
    for number, photos in enumerate(([photo, other], [other, photo])):
        out = tmp_path / f"{number}.jsonl"
        result = identify(
            IdentifyRequest(run=run_folder, photos=photos, out=out, batch_size=number + 1), RecordedProgress()
        )
        assert result.photos == 2 and result.failed == {}
        rows.append([json.loads(line) for line in out.read_text().splitlines()])
    assert rows[0] == rows[1][::-1]
    assert rows[0][0]["answers"][0]["taxon"] and 0 <= rows[0][0]["answers"][0]["score"] <= 1
