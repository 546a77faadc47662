"""What tells one trained model from another."""

import hashlib
import json

from birdsat import config
from birdsat.training.run_folder import Run


def model_fingerprint(run: Run) -> str:
    """A hash of the weights and of all settings that change what the method says of an image.

    The same for a copy of the run under another name.
    """
    # As they were written: settings that a release renames, or adds with a default, are still the same model's.
    settings = config.to_dict(run.config.method) if run.written is None else run.written
    digest = hashlib.sha256(json.dumps(settings, sort_keys=True).encode())
    for name, value in sorted(run.method.state_dict().items()):
        digest.update(f"{name} {tuple(value.shape)} {value.dtype}".encode())
        digest.update(value.detach().cpu().contiguous().numpy().tobytes())
    return digest.hexdigest()[:16]
