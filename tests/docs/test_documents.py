"""What the pages say can be done can be done: commands, options, links and files in them."""

import dataclasses
import re
import shlex
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

from birdsat.cli.parse import parse
from birdsat.errors import BirdsatError
from birdsat.workflows.registry import VERBS
from birdsat.workflows.requests.request import Request

ROOT = Path(__file__).parents[2]
PAGES = [
    *(
        ROOT / name
        for name in ("README.md", "CONTRIBUTING.md", "CHANGELOG.md", "benchmarks/README.md", "web/README.md")
    ),
    *sorted((ROOT / "docs").glob("*.md")),
]
_FENCE = re.compile(r"^( *)```(\w*)\n(.*?)^\1```", re.MULTILINE | re.DOTALL)
_SPAN = re.compile(r"(?<!`)`([^`]+)`(?!`)")
_LINK = re.compile(r"(?<!!)\[[^\]]*\]\(([^)\s]+)\)|!\[[^\]]*\]\(([^)\s]+)\)|<img[^>]* src=\"([^\"]+)\"")
_SHELL = ("", "sh", "bash", "text", "console")
_FILE = re.compile(r"(?:birdsat|benchmarks|docs|examples|tests|tools|web)/[\w/.-]+\.\w+")
_ENDS = {"|", "||", "&&", ";", ">", ">>", "<"}
_OF_SCRIPTS = {
    option
    for folder in ("benchmarks", "tools")
    for script in (ROOT / folder).glob("*.py")
    for option in re.findall(r"--[a-z][\w-]*", script.read_text("utf-8"))
}


def _commands(page: Path) -> Iterator[list[str]]:
    """The words of each command of birdsat in a page's blocks of a shell."""
    for _, language, body in _FENCE.findall(page.read_text("utf-8")):
        if language in _SHELL:
            for line in re.sub(r"\\\n", " ", body).splitlines():
                yield from _commands_of(line.strip().removeprefix("$ "))


def _commands_of(line: str) -> Iterator[list[str]]:
    if not re.match(r"(\w+=\S* )*birdsat ", line):
        return
    words = shlex.split(line.replace("$SEED", "0"), comments=True)
    words = words[words.index("birdsat") + 1 :]
    end = next((number for number, word in enumerate(words) if word in _ENDS), len(words))
    yield words[:end]


def _spans(page: Path) -> Iterator[str]:
    yield from (" ".join(span.split()) for span in _SPAN.findall(_FENCE.sub("", page.read_text("utf-8"))))


def _verb(words: list[str]) -> str | None:
    return next((name for name in (" ".join(words[:2]), *words[:1]) if name in VERBS), None)


@cache
def _options(request: type[Request]) -> frozenset[str]:
    found = {"--help"}
    for field in dataclasses.fields(request):
        option = request.option(field.name).removeprefix("--").removeprefix("no-")
        found.add(f"--no-{option}" if field.default is True else f"--{option}")
    return frozenset(found)


_EVERY = frozenset({option for verb in VERBS.values() for option in _options(verb.request)})
_each_page = pytest.mark.parametrize("page", PAGES, ids=[page.relative_to(ROOT).as_posix() for page in PAGES])


@_each_page
def test_every_command_is_understood(page: Path) -> None:
    for words in _commands(page):
        verb = _verb(words)
        assert verb is not None, f"birdsat {shlex.join(words)}"
        try:
            parse(VERBS[verb].request, words[len(verb.split()) :], f"birdsat {verb}")
        except (SystemExit, BirdsatError) as error:
            pytest.fail(f"birdsat {shlex.join(words)}: {error}")


def test_commands_are_found_in_pages() -> None:
    assert sum(1 for page in PAGES for _ in _commands(page)) > 100


@_each_page
def test_every_option_that_is_named_exists(page: Path) -> None:
    if page.name == "CHANGELOG.md":
        pytest.skip("it names what once was")
    wrong = []
    for span in _spans(page):
        words = span.split()
        if words[0] == "birdsat" and len(words) > 1 and words[1].islower() and words[1].isalpha():
            verb = _verb(words[1:])
            if verb is None and any(name.startswith(f"{words[1]} ") for name in VERBS):
                continue  # a group of verbs
            bad = words[1:2] if verb is None else []
            allowed = frozenset[str]() if verb is None else _options(VERBS[verb].request)
        elif words[0].startswith("--") and words[0] != "--":
            bad, allowed = [], _EVERY | _OF_SCRIPTS
        else:
            continue
        bad += [word for word in words if word.startswith("--") and word.partition("=")[0] not in allowed]
        wrong += [f"{bad} in `{span}`"] if bad else []
    assert not wrong


@_each_page
def test_every_option_of_our_scripts_exists(page: Path) -> None:
    wrong = []
    text = re.sub(r"\\\n", " ", page.read_text("utf-8"))
    for name, rest in re.findall(r"python3? ((?:benchmarks|tools)/\w+\.py)([^`\n#|]*)", text):
        script = (ROOT / name).read_text("utf-8")
        wrong += [
            f"{name} {option}"
            for option in re.findall(r"--[a-z][\w-]*", rest)
            if not re.search(rf'"(--)?{option[2:]}"', script)  # several are made of their names
        ]
    assert not wrong


@_each_page
def test_every_link_and_file_leads_somewhere(page: Path) -> None:
    text = page.read_text("utf-8")
    wrong = []
    for link in filter(None, (one for found in _LINK.findall(_FENCE.sub("", text)) for one in found)):
        if "://" in link or link.startswith("mailto:"):
            continue
        path, _, anchor = link.partition("#")
        target = (page.parent / path) if path else page
        if not target.exists() or (anchor and target.suffix == ".md" and anchor not in _anchors(target)):
            wrong.append(link)
    named = (name for name in _FILE.findall(text) if not Path(name).stem.isupper())  # NAME.py is to be written
    wrong += [name for name in named if not (ROOT / name).exists() and not (page.parent / name).exists()]
    assert not wrong


@cache
def _anchors(page: Path) -> frozenset[str]:
    """As GitHub makes them of headings."""
    found: set[str] = set()
    for heading in re.findall(r"^#+ (.+)$", _FENCE.sub("", page.read_text("utf-8")), re.MULTILINE):
        plain = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading).replace("`", "")
        slug = re.sub(r"[^\w\- ]", "", plain.strip().lower()).replace(" ", "-")
        number = 0
        while (name := f"{slug}-{number}" if number else slug) in found:
            number += 1
        found.add(name)
    return frozenset(found)
