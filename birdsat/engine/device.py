"""On which device the arithmetic runs."""

import torch


def pick_device(asked: torch.device | str | None = None) -> torch.device:
    """`asked`, or when it is None the first there is of an NVIDIA GPU (CUDA), Apple's (MPS) and the CPU."""
    if asked is not None:
        return torch.device(asked)
    if torch.cuda.is_available():
        return torch.device("cuda")
    return torch.device("mps" if torch.backends.mps.is_available() else "cpu")
