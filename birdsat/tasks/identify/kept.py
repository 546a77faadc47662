"""What was fitted for `birdsat identify`, kept in the run: identify.json, written last, and identify.safetensors."""

import hashlib
import json
from pathlib import Path
from typing import Any, get_args

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from birdsat.embeddings.taxa import TAXA_FILE
from birdsat.errors import CheckpointError, InputError, newer
from birdsat.files import file_sha256, write_atomic
from birdsat.reading import read_json
from birdsat.tasks.identify.conformal import SetRule
from birdsat.tasks.identify.fit import Fitted, Learned
from birdsat.tasks.identify.gate import PARTS, Cloud, Gate, Shape
from birdsat.tasks.identify.image_scores import GALLERY_FILE, KINDS, PROBE_FILE, Kind, load_gallery
from birdsat.tasks.identify.joined import Joining
from birdsat.tasks.identify.kept_tensors import as_float32, check_form, damaged, load_tensors, save_tensors
from birdsat.tasks.identify.seen import unit
from birdsat.tasks.identify.taxon_groups import TaxonGroups
from birdsat.training.fingerprint import model_fingerprint
from birdsat.training.run_folder import Run

IDENTIFY_FILE, TENSORS_FILE = "identify.json", "identify.safetensors"
SCHEMA_VERSION = 1
_AGAIN = "fit it again with `birdsat evaluate identify RUN DATASET`, or delete it for scores that are not calibrated"
_CLOUDS = ("named", "deep")


def scores_fingerprint(run: Run, kind: Kind) -> str:
    """Of the weights and of the file that scores are made from."""
    digest = hashlib.sha256(model_fingerprint(run).encode())
    file = {"classifier": None, "probe": PROBE_FILE, "neighbours": GALLERY_FILE, "means": TAXA_FILE}[kind]
    if file is not None:
        digest.update(file_sha256(run.path / file).encode())
    return digest.hexdigest()[:16]


def save_fitted(folder: Path, fitted: Fitted) -> None:
    """Keep it in the run's folder beside what is fitted to its other scores. The gate's gallery is the run's own."""
    every: dict[Kind, Fitted] = {}
    if (folder / IDENTIFY_FILE).is_file():
        try:
            every = _load_all(folder)
        except CheckpointError:  # which is replaced
            every = {}
    every[fitted.kind] = fitted
    tensors: dict[str, Tensor] = {}
    fits = []
    for kind in KINDS:
        if (one := every.get(kind)) is None:
            continue
        learned = [one.image, *one.priors]
        for number, by in enumerate(learned):
            for name in ("own", "roll_score", "roll_right"):
                tensors[f"{kind}.{number}.{name}"] = _tensor(getattr(by, name))
        for name in _CLOUDS:
            cloud: Cloud = getattr(one.gate.shape, name)
            tensors[f"{kind}.gate.{name}.means"] = _tensor(cloud.means)
            tensors[f"{kind}.gate.{name}.factor"] = _tensor(cloud.factor)
        tensors |= {f"{kind}.gate.{name}": _tensor(getattr(one.gate, name)) for name in ("centre", "spread")}
        tensors[f"{kind}.gate.known"] = _tensor(one.gate_known)
        fits.append(_fit_dict(one, learned))
    stamp = hashlib.sha256(json.dumps(fits, sort_keys=True).encode()).hexdigest()[:16]
    (folder / IDENTIFY_FILE).unlink(missing_ok=True)  # so that no old one goes with new numbers
    save_tensors(folder / TENSORS_FILE, tensors, {"stamp": stamp})
    text = json.dumps({"schema_version": SCHEMA_VERSION, "stamp": stamp, "fits": fits}, indent=2, ensure_ascii=False)
    write_atomic(folder / IDENTIFY_FILE, text + "\n")


def load_fitted(run: Run, kind: Kind) -> Fitted | None:
    """What was fitted to these scores of the run; None where nothing was, or to other weights. Raises CheckpointError
    where it is damaged."""
    if not (run.path / IDENTIFY_FILE).is_file():
        return None
    found = _load_all(run.path).get(kind)
    return found if found is not None and found.of == scores_fingerprint(run, kind) else None


def _fit_dict(one: Fitted, learned: list[Learned]) -> dict[str, Any]:
    return {
        "scores": one.kind,
        "of": one.of,
        "fitted_on": one.fitted_on,
        "dataset": one.dataset,
        "taxa": one.groups.taxa,
        "genus": one.groups.genus,
        "family": one.groups.family,
        "common_name": one.groups.common_name,
        "energy_temperature": one.gate.shape.temperature,
        "joined": [
            {
                "prior": by.prior,
                "prior_kind": by.prior_kind,
                "temperature": by.joining.temperature,
                "weight": by.joining.weight,
                "floor": by.joining.floor,
                "set_rule": by.rule,
                "photos": len(by.own),
            }
            for by in learned
        ],
    }


def _load_all(folder: Path) -> dict[Kind, Fitted]:
    path = folder / IDENTIFY_FILE
    try:
        written = read_json(path)
        schema = written["schema_version"]
        if isinstance(schema, int) and schema > SCHEMA_VERSION:
            why = f"it is of schema {schema}, and this one reads up to {SCHEMA_VERSION}."
            raise CheckpointError(newer(path, why, _AGAIN))
        tensors, facts = load_tensors(folder / TENSORS_FILE, _AGAIN)
        if facts.get("stamp") != written["stamp"]:
            raise ValueError(f"{TENSORS_FILE} is of another time")
        gallery = unit(load_gallery(folder)[1].features)
        return {fit["scores"]: _fitted(folder / TENSORS_FILE, fit, tensors, gallery) for fit in written["fits"]}
    except (LookupError, TypeError, ValueError, AttributeError, OSError, InputError) as error:
        raise damaged(path, error, _AGAIN) from error


def _fitted(path: Path, fit: dict[str, Any], tensors: dict[str, Tensor], gallery: NDArray[np.float32]) -> Fitted:
    kind = fit["scores"]
    if kind not in KINDS:
        raise ValueError(f"scores are {kind!r}")
    groups = TaxonGroups(**{name: _names(fit[name]) for name in ("taxa", "genus", "family", "common_name")})
    t, d = len(groups.taxa), gallery.shape[1]
    if not len(groups.genus) == len(groups.family) == len(groups.common_name) == t:
        raise ValueError("genera and families do not go with the taxa")
    parts = len(PARTS)
    forms: dict[str, tuple[int | None, ...]] = {"centre": (parts,), "spread": (parts,), "known": (None,)}
    for name, width in (("named", d), ("deep", _width(tensors, f"{kind}.gate.deep.means"))):
        forms |= {f"{name}.means": (t, width), f"{name}.factor": (width, width)}
    check_form(path, tensors, {f"{kind}.gate.{name}": form for name, form in forms.items()}, _AGAIN)
    of_gate = {name: tensors[f"{kind}.gate.{name}"] for name in forms}
    learned = [_learned(path, one, f"{kind}.{number}", tensors) for number, one in enumerate(fit["joined"])]
    shape = Shape(
        named=Cloud(means=as_float32(of_gate["named.means"]), factor=as_float32(of_gate["named.factor"])),
        deep=Cloud(means=as_float32(of_gate["deep.means"]), factor=as_float32(of_gate["deep.factor"])),
        gallery=gallery,
        temperature=_positive(fit["energy_temperature"]),
    )
    return Fitted(
        kind=kind,
        of=str(fit["of"]),
        groups=groups,
        fitted_on=str(fit["fitted_on"]),
        dataset=str(fit["dataset"]),
        image=learned[0],
        priors=tuple(learned[1:]),
        gate=Gate(shape=shape, centre=of_gate["centre"].double().numpy(), spread=of_gate["spread"].double().numpy()),
        gate_known=as_float32(of_gate["known"]),
    )


def _learned(path: Path, one: dict[str, Any], prefix: str, tensors: dict[str, Tensor]) -> Learned:
    n = int(one["photos"])
    forms: dict[str, tuple[int | None, ...]] = {"own": (n,), "roll_score": (n, 3), "roll_right": (n, 3)}
    check_form(path, tensors, {f"{prefix}.{name}": form for name, form in forms.items()}, _AGAIN)
    if one["set_rule"] not in get_args(SetRule):
        raise ValueError(f"the rule of sets is {one['set_rule']!r}")
    return Learned(
        prior=str(one["prior"]),
        prior_kind=str(one["prior_kind"]),
        joining=Joining(
            temperature=_positive(one["temperature"]),
            weight=float(one["weight"]),
            floor=_positive(one["floor"]),
        ),
        rule=one["set_rule"],
        own=as_float32(tensors[f"{prefix}.own"]),
        roll_score=as_float32(tensors[f"{prefix}.roll_score"]),
        roll_right=tensors[f"{prefix}.roll_right"].bool().numpy(),
    )


def _width(tensors: dict[str, Tensor], name: str) -> int:
    return int(tensors[name].shape[-1]) if tensors[name].dim() else 0


def _names(value: Any) -> tuple[str, ...]:
    if not isinstance(value, list) or not all(isinstance(one, str) for one in value):
        raise TypeError(f"names are {value!r:.80}")
    return tuple(value)


def _positive(value: Any) -> float:
    number = float(value)
    if not 0 < number < float("inf"):
        raise ValueError(f"{number} is not above 0")
    return number


def _tensor(values: NDArray[Any]) -> Tensor:
    return torch.from_numpy(np.ascontiguousarray(values))
