"""Progress that nobody watches, and items counted as they go by."""

import pytest
from recorded import RecordedProgress

from birdsat.errors import BirdsatWarning
from birdsat.progress import QUIET, WithoutNotes, counted


def test_without_a_listener_notes_are_warnings_and_bars_nothing(capfd: pytest.CaptureFixture[str]) -> None:
    with pytest.warns(BirdsatWarning, match="at sea"):
        QUIET.note("3 records at sea")
    with QUIET.bar("reading", 3) as bar:
        bar.advance(3)
    QUIET.say("1/2 reading")
    assert capfd.readouterr() == ("", "")


def test_items_are_counted_as_they_go_by() -> None:
    progress = RecordedProgress()
    items = counted(iter("abc"), progress, "reading")
    assert next(items) == "a" and progress.bars[0].done == 0
    assert list(items) == ["b", "c"] and progress.bars[0].done == 3


def test_of_work_that_is_done_again_all_is_shown_but_its_notes() -> None:
    progress = RecordedProgress()
    again = WithoutNotes(progress)
    again.note("3 records at sea")
    again.say("fitting")
    with again.bar("reading", 3) as bar:
        bar.advance()
    assert progress.notes == [] and progress.said == ["fitting"] and progress.bars[0].done == 1
