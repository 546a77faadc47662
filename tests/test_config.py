import dataclasses
import json
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, Literal

import pytest

from birdsat import config
from birdsat.errors import ConfigError


@dataclass(frozen=True, kw_only=True)
class Leaf:
    size: int = 1


@dataclass(frozen=True, kw_only=True)
class Other:
    share: float = 0.5


@dataclass(frozen=True, kw_only=True)
class Root:
    part: Leaf | Other
    many: tuple[Leaf, ...] = ()
    pair: tuple[float, float] = (0.0, 1.0)
    word: Literal["a", "b"] = "a"
    maybe: int | None = None


class Plant:
    """Abstract: kinds are looked up by name when one is read."""

    KINDS: ClassVar = {"leaf": f"{__name__}:Moss", "fern": "no_such_module:Fern"}


@dataclass(frozen=True, kw_only=True)
class Moss(Plant):
    size: int = 1


@dataclass(frozen=True, kw_only=True)
class Garden:
    plant: Plant
    rare: Plant | None = None


ROOT = Root(part=Other(share=0.25), many=(Leaf(), Leaf(size=3)), word="b", maybe=4)


def test_a_config_written_and_read_is_the_same(tmp_path: Path) -> None:
    config.save(ROOT, tmp_path / "config.json")
    assert config.load(Root, tmp_path / "config.json") == ROOT
    assert [path.name for path in tmp_path.iterdir()] == ["config.json"]


def test_an_abstract_setting_is_read_as_the_kind_that_its_registry_names() -> None:
    for garden in (Garden(plant=Moss(size=3)), Garden(plant=Moss(), rare=Moss(size=2))):
        assert config.from_dict(Garden, config.to_dict(garden)) == garden
    for wrong, given in (({"kind": "Oak"}, "of kind 'Oak'"), ({"size": 1}, "of kind None"), ("Moss", "'Moss'")):
        with pytest.raises(ConfigError, match=rf"config\.plant is {given}; allowed: settings of kind Fern, Moss"):
            config.from_dict(Garden, {"plant": wrong})


def test_an_unknown_setting_is_refused_with_the_known_ones() -> None:
    data = config.to_dict(ROOT) | {"colour": "red"}
    with pytest.raises(ConfigError, match=r"colour.*part, many"):
        config.from_dict(Root, data)


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("word", "c", "allowed: 'a', 'b'"),
        ("maybe", "four", "int"),
        ("maybe", True, "int"),
        ("pair", [1.0], "2 are needed"),
        ("many", 3, "a list is needed"),
        ("part", {"kind": "Twig"}, "allowed: Leaf, Other"),
    ],
)
def test_a_value_of_another_type_is_refused_with_its_place(name: str, value: object, message: str) -> None:
    with pytest.raises(ConfigError, match=message) as refused:
        config.from_dict(Root, config.to_dict(ROOT) | {name: value})
    assert f"config.{name}" in str(refused.value)


def test_a_missing_setting_without_a_default_is_named() -> None:
    with pytest.raises(ConfigError, match="part"):
        config.from_dict(Root, {})


def test_a_whole_number_serves_where_a_fraction_is_meant() -> None:
    data = config.to_dict(dataclasses.replace(ROOT, pair=(2.0, 3.0)))
    assert config.from_dict(Root, json.loads(json.dumps(data).replace("2.0", "2"))).pair == (2.0, 3.0)


def test_a_file_that_is_not_json_is_refused(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text('{"kind": "Ro')
    with pytest.raises(ConfigError, match="not JSON"):
        config.load(Root, tmp_path / "config.json")
