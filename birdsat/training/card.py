"""The model card: what a run is, for whoever finds its folder."""

import dataclasses
from typing import Any

from birdsat.imagery.ground_sizes import sizes_text
from birdsat.markdown import markdown_code, markdown_text
from birdsat.observations.observation import NO_BIRD
from birdsat.training.config import RunConfig
from birdsat.training.metrics import Record
from birdsat.training.run_folder import MODEL_FILE, DatasetFacts


def model_card(config: RunConfig, facts: DatasetFacts, *, parameters: int, kept: Record | None, step: int) -> str:
    """Markdown. kept: the val record of the kept weights, None without a val split; step: steps of the kept weights."""
    method = type(config.method).__name__.removesuffix("Config")
    kind = "supervised" if config.method.learns_taxa else "self-supervised"
    how = "trained to tell taxa apart" if config.method.learns_taxa else "pretrained without labels"
    seen = "places, by their chips," if facts.taxa == (NO_BIRD,) else f"observations of {len(facts.taxa):,} taxa"
    title, licence = markdown_text(facts.title), markdown_text(facts.licence or "not stated")
    chips = (
        "None."
        if not facts.chip_ground_km
        else f"{sizes_text(facts.chip_ground_km)} on the ground, {config.views.chip_px} px."
    )
    return f"""---
library_name: birdsat
tags: [birds, {kind}, {method}]
---
# {method} on {title}

A {method} of birdsat with {parameters:,} parameters, {how} on {facts.train_rows:,} {seen}
from the dataset "{title}" (fingerprint {markdown_code(facts.fingerprint)}).

- Photos: {config.views.photo_px} px. Chips: {chips}
- {config.steps:,} optimiser steps of {config.batch_size * config.accumulate:,} samples on each process, seed \
{config.seed}; {_kept(kept, step, facts)}

## Use
```python
from pathlib import Path
from birdsat.training.run_folder import load_run

run = load_run(Path("this folder"))
vectors = run.method.embed_photo(photos)  # uint8 (n, 3, {config.views.photo_px}, {config.views.photo_px}) -> (n, width)
```
`birdsat classify`, `retrieve`, `embed` and `map` take the folder as their first argument.
`{MODEL_FILE}` holds the weights, `config.json` every setting, `dataset.json` the facts of the data,
`metrics.jsonl` the learning curve, `run.json` how it was made: `birdsat replay` makes it again.

## Figures on the val split
{_figures(kept)}
## Settings
{_settings(dataclasses.asdict(config))}
## Limits and licence
The dataset's licence is: {licence}. Photos may have licences of their own, which the dataset lists row by row; weights
learned from them may be bound by their terms. Observations are biased to where people are; scores on a map are not
probabilities of occurrence.
"""


def _kept(kept: Record | None, step: int, facts: DatasetFacts) -> str:
    if kept is None:
        return f"the weights are those of the last step ({step:,}): there is no val split to choose by."
    return f"the weights are those of step {step:,}, which have the lowest loss on {facts.val_rows:,} val rows."


def _figures(kept: Record | None) -> str:
    if kept is None:
        return "There was no val split.\n"
    rows = [
        f"| {markdown_text(name)} | {value:.4f} |\n" for name, value in (kept["losses"] | {"sum": kept["loss"]}).items()
    ]
    return "| loss | value |\n|---|---|\n" + "".join(rows)


def _settings(settings: dict[str, Any], prefix: str = "") -> str:
    rows = ""
    for name, value in settings.items():
        if isinstance(value, dict):
            rows += _settings(value, f"{prefix}{name}.")
        elif isinstance(value, tuple) and len(value) > 20:
            rows += f"- {prefix}{name}: {len(value):,} values, in config.json\n"
        else:
            rows += f"- {prefix}{name}: {markdown_code(value)}\n"
    return rows
