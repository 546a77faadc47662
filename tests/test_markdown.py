"""Names from elsewhere in Markdown and YAML stay words."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from birdsat.dataset.card import card
from birdsat.dataset.description import Description
from birdsat.dataset.manifest import Manifest
from birdsat.markdown import markdown_block, markdown_code, markdown_text, one_line, yaml_text
from birdsat.tables import markdown_table

HOSTILE = [
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "![x](http://127.0.0.1/x.png)",
    "[here](javascript:alert(1))",
    "a|b`c`d",
    "```\n<script>\n```",
    "x\n---\ny: z",
    "# heading\n\n- list",
    "\x1b]0;owned\x07Corvus",
    "A$b^{c$ x",
    "&lt;b&gt;",
    "\\`*~",
    "> quote",
    "1. one",
    "\u202eevil\u2028line",
]


@pytest.mark.parametrize("words", HOSTILE)
def test_no_mark_no_html_and_no_line_end_is_left(words: str) -> None:
    text = markdown_text(words)
    assert "<" not in text and ">" not in text.replace("\\>", "") and "\n" not in text and "\x1b" not in text
    unescaped = text.replace("\\\\", "")
    for mark in "`*[]|~$":
        assert unescaped.count(mark) == unescaped.count(f"\\{mark}")
    row = markdown_table(("a", "b"), [(words, "1")]).splitlines()[-1]
    assert row.replace("\\\\", "").replace("\\|", "").count("|") == 3


@pytest.mark.parametrize(
    "words", ["Passerina cyanea", "Corvus corax (L., 1758)", "CC-BY-NC 4.0", "my_table.csv", "-5", "0.25 %"]
)
def test_plain_names_stay_as_they_are(words: str) -> None:
    assert markdown_text(words) == words


@given(st.text(max_size=60))
def test_code_and_yaml_hold_any_words(words: str) -> None:
    code = markdown_code(words)
    fence = len(code) - len(code.lstrip("`"))
    assert "\n" not in code and "`" * (fence + 1) not in code
    block = markdown_block(words)
    ticks = block.splitlines()[0]
    assert len(ticks) >= 3 and ticks not in words
    assert json.loads(yaml_text(words)) == one_line(words)
    assert all(character.isprintable() for character in yaml_text(words))


def test_the_cards_of_datasets_and_runs_hold_no_markup_of_others(tiny_world) -> None:  # type: ignore[no-untyped-def]
    from dataclasses import replace

    from birdsat.dataset.row_groups import Dataset
    from birdsat.training.card import model_card
    from birdsat.training.run_folder import dataset_facts, load_run

    dataset = Dataset(tiny_world.dataset)
    manifest: Manifest = dataset.manifest
    taxa = tuple(replace(taxon, name=HOSTILE[i % len(HOSTILE)] + str(i)) for i, taxon in enumerate(manifest.taxa))
    spoilt = replace(manifest, taxa=taxa, sources=tuple(HOSTILE), licences=tuple(
        replace(count, name=HOSTILE[1]) for count in manifest.licences))  # fmt: skip
    spoilt = Description(title=HOSTILE[6] + HOSTILE[0], licence=HOSTILE[2], command=HOSTILE[5]).put_into(
        spoilt, own_split=True
    )
    spoilt = replace(spoilt, sources=tuple(HOSTILE))
    text = card(spoilt)
    head, _, body = text.removeprefix("---\n").partition("\n---\n")
    assert "y: z" not in head.replace(json.dumps(one_line(spoilt.title), ensure_ascii=False), "")
    before_code = body.rpartition("## Built by")[0].replace("\\]", "")
    assert "<script" not in before_code and "<img" not in before_code and "](" not in before_code
    run = load_run(tiny_world.run)
    facts = replace(dataset_facts(manifest), title=HOSTILE[0], licence=HOSTILE[2], fingerprint="`<b>`")
    model = model_card(run.config, facts, parameters=1, kept=None, step=1)
    assert "<script" not in model and "![x](" not in model
