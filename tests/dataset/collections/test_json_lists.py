import json
import math

import pytest

from birdsat.dataset.collections import json_lists as module
from birdsat.dataset.collections.json_lists import json_lists
from birdsat.errors import InputError

DATA = {
    "info": {"a": [1, {"b": "]}"}], "c": None},
    "version": 12345,
    "images": [{"id": n, "name": f'é "{n}" \\ ]', "nested": [[], {}]} for n in range(50)],
    "empty": [],
    "numbers": [0, -1.5, 1e3, 1234567],
}


@pytest.mark.parametrize("chunk", [1, 7, 64, 2**20])
@pytest.mark.parametrize("indent", [None, 2])
def test_elements_are_those_that_the_atomic_path_holds_wherever_it_is_cut(tmp_path, monkeypatch, chunk, indent):
    monkeypatch.setattr(module, "_CHUNK", chunk)
    path = tmp_path / "a.json"
    path.write_text(json.dumps(DATA, indent=indent))
    found = {"images": [], "empty": [], "numbers": []}
    for name, element in json_lists(path, tuple(found)):
        found[name].append(element)
    assert found == {name: DATA[name] for name in found}


def test_only_the_lists_asked_for_come(tmp_path):
    path = tmp_path / "a.json"
    path.write_text(json.dumps(DATA))
    assert [element for _, element in json_lists(path, ("numbers",))] == DATA["numbers"]


def test_nan_is_read_as_python_writes_it(tmp_path):
    path = tmp_path / "a.json"
    path.write_text('{"images": [{"latitude": NaN}]}')
    ((_, element),) = json_lists(path, ("images",))
    assert math.isnan(element["latitude"])


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "cut short"),
        ("[1]", "is needed"),
        ('{"images": [{"id": 1}', "cut short"),
        ('{"images": [{"id": 1', "damaged at character 12"),
        ('{"images": [{"id": 1}] "x": 2}', "is needed"),
        ('{"images": [{"id": 1 2}]}', "damaged"),
        ('{"info": 1}', "has no list 'images'"),
        ("{}", "damaged"),
    ],
)
def test_a_damaged_file_is_refused(tmp_path, text, message):
    path = tmp_path / "a.json"
    path.write_text(text)
    with pytest.raises(InputError, match=message):
        list(json_lists(path, ("images",)))


def test_what_is_not_text_or_absent_is_refused(tmp_path):
    path = tmp_path / "a.json"
    path.write_bytes(b'{"images": ["\xff\xfe"]}')
    with pytest.raises(InputError, match="is not UTF-8"):
        list(json_lists(path, ("images",)))
    with pytest.raises(InputError, match="absent"):
        list(json_lists(tmp_path / "b.json", ("images",)))


def test_an_element_too_large_to_be_one_is_not_read_to_the_end_of_the_file(tmp_path, monkeypatch):
    monkeypatch.setattr(module, "_CHUNK", 10)
    monkeypatch.setattr(module, "_LARGEST", 100)
    path = tmp_path / "a.json"
    path.write_text('{"images": ["' + "x" * 100_000)
    longest = 0
    read = module._Text._read

    def watched(text):
        nonlocal longest
        longest = max(longest, len(text._buffer))
        return read(text)

    monkeypatch.setattr(module._Text, "_read", watched)
    with pytest.raises(InputError, match="damaged"):
        list(json_lists(path, ("images",)))
    assert longest < 200
