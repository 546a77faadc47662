"""What training reports: metrics.jsonl, TensorBoard, and the figures in between."""

import json
import math
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from torch.utils.tensorboard import SummaryWriter

from birdsat.errors import InputError, TrainingError
from birdsat.files import write_atomic
from birdsat.reading import parse_json

METRICS_FILE = "metrics.jsonl"
TENSORBOARD_FOLDER = "tensorboard"

Record = dict[str, Any]  # one line of metrics.jsonl


def read_metrics(run: Path) -> list[Record]:
    """The lines of a run's metrics.jsonl; what is not one, as a last line that was cut short, is left out.

    Every record has step (optimiser steps done), split ("train" or "val"), loss (the sum), losses (by name).
    Those of train also have learning_rate, gradient_norm (before clipping), images_per_second (photos, all
    processes), waiting_share (part of the time spent waiting for data, 0..1) and seconds (of training, without
    evaluation, since the record before).
    """
    records: list[Record] = []
    for line in _lines(run / METRICS_FILE):
        try:
            record = parse_json(line, METRICS_FILE)
        except InputError:
            continue
        if isinstance(record, dict) and isinstance(record.get("step"), int):
            records.append(record)
    return records


def _lines(path: Path) -> list[str]:
    return path.read_text(errors="replace").splitlines() if path.is_file() else []


class MetricsLog:
    """Writes records to metrics.jsonl and TensorBoard as they come."""

    def __init__(self, run: Path, *, after_step: int) -> None:
        """Records of steps later than `after_step` are dropped: a resumed run writes them again."""
        kept = [record for record in read_metrics(run) if record["step"] <= after_step]
        write_atomic(run / METRICS_FILE, "".join(json.dumps(record) + "\n" for record in kept))
        self._file = (run / METRICS_FILE).open("a")
        self._board = SummaryWriter(str(run / TENSORBOARD_FOLDER), purge_step=after_step + 1)

    def write(self, record: Record) -> None:
        """Append one record."""
        self._file.write(json.dumps(record) + "\n")
        self._file.flush()
        split, step = record["split"], record["step"]
        for name, value in record.items():
            if name == "losses":
                for loss, part in value.items():
                    self._board.add_scalar(f"{split}/loss_{loss}", part, step)
            elif name not in ("split", "step"):
                self._board.add_scalar(f"{split}/{name}", value, step)

    def close(self) -> None:
        """Write out what is buffered."""
        self._file.close()
        self._board.close()


class LossMeter:
    """Means of the named losses since the last record, and the check that all of them are finite.

    Values stay on the device until `settle` reads them, so that a GPU need not be waited for at every step.
    """

    def __init__(self) -> None:
        self._pending: list[tuple[int, dict[str, Tensor]]] = []
        self._sums: dict[str, float] = {}
        self._batches = 0
        self._gradient_norm = math.nan

    def add(self, step: int, losses: Mapping[str, Tensor], gradient_norm: Tensor | None) -> None:
        """Take note of one batch, which was part of optimiser step `step` (1 is the first)."""
        values = dict(losses)
        if gradient_norm is not None:
            values["gradient norm"] = gradient_norm
        self._pending.append((step, values))

    def settle(self) -> None:
        """Read what is pending. Raises TrainingError for the first value that is not finite."""
        for step, values in self._pending:
            for name, value in zip(values, _floats(values.values()), strict=True):
                if not math.isfinite(value):
                    kind = "" if name == "gradient norm" else "loss "
                    raise TrainingError(f"{kind}{name!r} is {value} at step {step}; finite values are needed.")
                if name == "gradient norm":
                    self._gradient_norm = value
                else:
                    self._sums[name] = self._sums.get(name, 0.0) + value
            self._batches += 1
        self._pending.clear()

    def take(self) -> tuple[dict[str, float], float]:
        """Mean losses by name since the last call, and the latest gradient norm."""
        self.settle()
        means = {name: value / self._batches for name, value in self._sums.items()}
        self._sums, self._batches = {}, 0
        return means, self._gradient_norm

    def state_dict(self) -> dict[str, Any]:
        self.settle()
        return {"sums": dict(self._sums), "batches": self._batches, "gradient_norm": self._gradient_norm}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        self._sums, self._batches = dict(state["sums"]), state["batches"]
        self._gradient_norm = state["gradient_norm"]


def _floats(values: Iterable[Tensor]) -> Sequence[float]:
    floats: list[float] = torch.stack([value.detach().float() for value in values]).tolist()
    return floats
