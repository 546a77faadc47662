"""Single settings by dotted paths."""

from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

import pytest

from birdsat.errors import ConfigError
from birdsat.settings import as_words, replaced


@dataclass(frozen=True, kw_only=True)
class Small:
    px: int = 8


@dataclass(frozen=True, kw_only=True)
class Large:
    px: int = 64
    share: float = 0.5

    def __post_init__(self) -> None:
        if not 0 <= self.share < 1:
            raise ConfigError(f"share is {self.share}; allowed: 0 to below 1.")


@dataclass(frozen=True, kw_only=True)
class Whole:
    part: Small | Large = field(default_factory=Large)
    maybe: Small | None = None
    views: tuple[Small, ...] = (Small(), Small(px=16))
    betas: tuple[float, float] = (0.9, 0.95)
    start: tuple[Path, ...] = ()
    word: Literal["auto", "32", "bf16"] = "auto"
    devices: int | None = None
    steps: int = 10
    lr: float = 1e-3
    compile: bool = False
    name: str = ""

    def __post_init__(self) -> None:
        if self.steps < len(self.views):
            raise ConfigError("steps are fewer than views.")


WHOLE = Whole()


@pytest.mark.parametrize(
    ("word", "wanted"),
    [
        ("steps=12", {"steps": 12}),
        ("steps=1e5", {"steps": 100_000}),
        ("lr=1e-4", {"lr": 1e-4}),
        ("lr=2", {"lr": 2.0}),
        ("compile=true", {"compile": True}),
        ("compile=False", {"compile": False}),
        ("word=32", {"word": "32"}),
        ("devices=4", {"devices": 4}),
        ("devices=none", {"devices": None}),
        ("betas=0.8,0.9", {"betas": (0.8, 0.9)}),
        ("betas=[0.8, 1]", {"betas": (0.8, 1.0)}),
        ("start=runs/a,runs/b", {"start": (Path("runs/a"), Path("runs/b"))}),
        ("start=", {"start": ()}),
        ("name=a=b", {"name": "a=b"}),
        ("part.px=32", {"part": Large(px=32)}),
        ('part={"kind": "Small", "px": 4}', {"part": Small(px=4)}),
        ('maybe={"px": 4}', {"maybe": Small(px=4)}),
        ("views.1.px=32", {"views": (Small(), Small(px=32))}),
    ],
)
def test_a_value_is_read_by_the_type_of_its_field(word: str, wanted: dict[str, Any]) -> None:
    assert replaced(WHOLE, [word]) == replace(WHOLE, **wanted)


@pytest.mark.parametrize(
    ("value", "wanted"),
    [
        ({"lr": 1e-4, "compile": True}, {"lr": 1e-4, "compile": True}),
        ({"betas": (0.8, 0.9)}, {"betas": (0.8, 0.9)}),
        ({"devices": None}, {"devices": None}),
        ({"start": [Path("a")]}, {"start": (Path("a"),)}),
        ({"part": Small(px=2)}, {"part": Small(px=2)}),
        ({"lr": 0.1 + 0.2}, {"lr": 0.1 + 0.2}),
    ],
)
def test_values_of_python_are_taken_as_they_are(value: dict[str, Any], wanted: dict[str, Any]) -> None:
    assert replaced(WHOLE, value) == replace(WHOLE, **wanted)
    assert replaced(WHOLE, as_words(value)) == replace(WHOLE, **wanted)


@pytest.mark.parametrize(
    ("word", "said"),
    [
        ("stps=3", r"no setting 'stps'.*nearest: 'steps'"),
        ("part.shar=0.1", r"Large has no 'shar'; nearest: 'part.share'"),
        ("prt.share=0.1", r"Whole has no 'prt'; nearest: 'part.share'"),
        ("share=0.1", r"nearest: 'part.share'"),
        ("px=1", r"nearest: 'part.px'"),
        ("maybe.px=1", r"maybe is none.*set maybe as a whole"),
        ("lr.x=1", r"lr is 0.001, which has no 'x' in it"),
        ("views.2.px=1", r"'2' is not one of the places 0 to 1"),
        ("steps=1.5", "a whole number is needed"),
        ("steps=many", "a whole number is needed"),
        ("lr=nan", "a number is needed"),
        ("compile=1", "allowed: true, false"),
        ("word=bf61", r"nearest: 'bf16'; allowed: auto, 32, bf16"),
        ("betas=0.9", "2 values are needed"),
        ("betas=[0.9]", "2 are needed"),
        ("part=large", 'with its "kind"'),
        ('part={"kind": "Tiny"}', "allowed: Small, Large"),
        ("part.share=2", "share is 2.0; allowed: 0 to below 1"),
        ("steps=1", "fewer than views"),
        ("steps", "write PATH=VALUE"),
        ("=3", "write PATH=VALUE"),
    ],
)
def test_what_cannot_be_set_is_refused_with_what_can(word: str, said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        replaced(WHOLE, [word])


def test_settings_that_hold_only_together_are_checked_together() -> None:
    made = replaced(WHOLE, ["steps=1", 'views=[{"px": 3}]'])
    assert (made.steps, made.views) == (1, (Small(px=3),))


def test_a_setting_twice_or_beside_a_part_of_itself_is_refused() -> None:
    with pytest.raises(ConfigError, match="lr is set twice"):
        replaced(WHOLE, ["lr=1", "lr=2"])
    with pytest.raises(ConfigError, match=r"part is set as a whole, and part\.px beside it"):
        replaced(WHOLE, ["part.px=3", 'part={"kind": "Small"}'])


def test_nothing_set_changes_nothing() -> None:
    assert replaced(WHOLE, []) == WHOLE == replaced(WHOLE, {})
