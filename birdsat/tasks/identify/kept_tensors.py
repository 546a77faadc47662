"""Fitted numbers kept in a run's folder as safetensors, with the facts that say what they are of."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor

from birdsat.errors import CheckpointError, InputError, newer
from birdsat.files import write_atomic
from birdsat.reading import in_place_of, parse_json

SCHEMA_VERSION = 1
_FACTS = "birdsat"  # name of the metadata entry, a JSON object


def save_tensors(path: Path, tensors: Mapping[str, Tensor], facts: Mapping[str, Any]) -> None:
    """Write them whole or not at all."""
    text = json.dumps({"schema_version": SCHEMA_VERSION, **facts}, ensure_ascii=False, sort_keys=True)
    data = {name: value.detach().cpu().contiguous() for name, value in tensors.items()}
    write_atomic(path, save(data, metadata={_FACTS: text}))


def load_tensors(path: Path, remedy: str) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """What `save_tensors` wrote. Raises CheckpointError where it is damaged or of a newer birdsat; remedy: how it is
    made again, after "; "."""
    if mistaken := in_place_of(path):
        raise CheckpointError(f"{path} is damaged: {mistaken}")
    try:
        with safe_open(path, framework="pt", device="cpu") as file:
            facts = parse_json((file.metadata() or {})[_FACTS], path.name)
            if not isinstance(facts, dict) or not isinstance(facts.get("schema_version"), int):
                raise ValueError("it does not say its schema")
            if facts["schema_version"] > SCHEMA_VERSION:
                found = facts["schema_version"]
                why = f"it is of schema {found}, and this one reads up to {SCHEMA_VERSION}."
                raise CheckpointError(newer(path, why, remedy))
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    except (SafetensorError, OSError, RuntimeError, ValueError, LookupError, TypeError, InputError) as error:
        raise damaged(path, error, remedy) from error
    return tensors, facts


def damaged(path: Path, why: object, remedy: str) -> CheckpointError:
    """The error on a file that cannot be used."""
    said = " ".join(str(why).split())[:300]
    return CheckpointError(f"{path} is damaged ({said}); {remedy}.")


def check_form(
    path: Path, tensors: Mapping[str, Tensor], forms: Mapping[str, tuple[int | None, ...]], remedy: str
) -> None:
    """Raise CheckpointError where a tensor is missing, of another number of axes or of other sizes (None: any)."""
    for name, form in forms.items():
        value = tensors.get(name)
        if value is None:
            raise damaged(path, f"it has no {name}", remedy)
        fits = value.dim() == len(form) and all(
            want in (None, size) for want, size in zip(form, value.shape, strict=True)
        )
        if not fits:
            raise damaged(path, f"{name} is {tuple(value.shape)}", remedy)


def as_float32(value: Tensor) -> Any:
    """As an array to compute with."""
    return value.to(torch.float32).numpy()
