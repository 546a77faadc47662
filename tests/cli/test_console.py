"""What is drawn: tables that cut nothing, bars on a terminal, lines elsewhere."""

import io
import sys

import pytest

from birdsat.cli import console
from birdsat.cli.console import ConsoleProgress, print_table
from birdsat.tables import Table


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def table(**named: object) -> Table:
    made = Table(columns=["taxon", "rows"], **named)  # type: ignore[arg-type]
    made.add_row("Corvus corax", "12")
    return made


@pytest.mark.parametrize("taxon", ["Larus [argentatus/fuscus]", "Larus [/x]", "[red]Corvus corax"])
def test_brackets_in_the_name_of_a_taxon_are_shown_as_they_are(taxon: str, capsys: pytest.CaptureFixture[str]) -> None:
    made = table()
    made.add_row(taxon, "1")
    print_table(made)
    assert taxon in capsys.readouterr().out


@pytest.mark.parametrize("words", ["runs/[a]/b", "birds [/x]"])
def test_brackets_in_titles_and_captions_are_shown_as_they_are(words: str, capsys: pytest.CaptureFixture[str]) -> None:
    print_table(table(title=f"{words} 1", caption=f"{words} 2"))
    shown = " ".join(capsys.readouterr().out.split())
    assert f"{words} 1" in shown and f"{words} 2" in shown


def test_no_figure_is_cut_on_a_narrow_screen(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("COLUMNS", "40")
    made = Table(columns=["a name that is long", *(f"figure {i}" for i in range(4))], title="t", caption="c")
    made.add_row("a taxon whose name is much too long", *["0.123 (0.1)"] * 4)
    print_table(made)
    shown = capsys.readouterr().out
    assert shown.count("0.123 (0.1)") == 4 and "t" in shown and "c" in shown


def test_on_a_terminal_a_bar_is_drawn_and_elsewhere_a_line_now_and_then(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stderr", Terminal())
    with ConsoleProgress().bar("reading", 4, unit="rows") as bar:
        bar.advance(4)
    assert "4/4" in sys.stderr.getvalue()  # type: ignore[attr-defined]

    monkeypatch.setattr(sys, "stderr", io.StringIO())
    with ConsoleProgress().bar("reading", 4, unit="rows") as bar:
        bar.advance(4)
    assert sys.stderr.getvalue() == ""  # type: ignore[attr-defined]  # work of a moment needs no line
    monkeypatch.setattr(console, "_LINE_SECONDS", 0.0)
    with ConsoleProgress().bar("training", 40, unit="steps", done=10) as bar:
        bar.reach(12, "loss 0.5")
        bar.reach(13)
    lines = sys.stderr.getvalue().splitlines()  # type: ignore[attr-defined]
    assert lines == ["training: 12 of 40 steps  loss 0.5", "training: 13 of 40 steps  loss 0.5"]


def test_brackets_in_the_title_of_a_bar_are_shown_as_they_are(monkeypatch: pytest.MonkeyPatch) -> None:
    drawn = Terminal()
    monkeypatch.setattr(sys, "stderr", drawn)
    with ConsoleProgress().bar("reading [/x]", 2, unit="[a]") as bar:
        bar.reach(2)
    assert "reading [/x]" in drawn.getvalue() and "[a]" in drawn.getvalue()


def test_notes_say_that_they_are_ours(capsys: pytest.CaptureFixture[str]) -> None:
    ConsoleProgress().note("3 records dropped: at sea")
    assert capsys.readouterr() == ("", "birdsat: 3 records dropped: at sea\n")
