"""Files that several processes, training together, write as one."""

import io
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Any

import lightning
import torch
from lightning.pytorch.plugins.io import TorchCheckpointIO

from birdsat.files import atomic_path


class PlainCheckpointIO(TorchCheckpointIO):
    """Checkpoints written where we say. Lightning's own are first written to the system's temporary folder, which may
    have less room, and where a kill leaves them."""

    def save_checkpoint(self, checkpoint: dict[str, Any], path: str | Path, storage_options: Any | None = None) -> None:
        # By way of memory, as Lightning does: torch, where the disk is full, does not say that it is.
        buffer = io.BytesIO()
        torch.save(checkpoint, buffer)
        Path(path).write_bytes(buffer.getbuffer())


@contextmanager
def shared_temporary(trainer: lightning.Trainer, path: Path) -> Iterator[Path]:
    """`atomic_path` for all processes of a trainer: the first makes it, all know its name, and `path` is there for all
    once the block has ended in all of them."""
    strategy = trainer.strategy
    with atomic_path(path) if trainer.is_global_zero else nullcontext(path) as partial:
        yield Path(strategy.broadcast(str(partial)))
        strategy.barrier("every process has written its part")
    strategy.barrier("the file has its name")
