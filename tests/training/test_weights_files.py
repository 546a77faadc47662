"""Equal weights are equal bytes, whichever process writes them."""

import hashlib
import json
import os
import subprocess
import sys
from pathlib import Path

import torch
from safetensors import safe_open
from safetensors.torch import load_file, save
from torch import nn

from birdsat.training.run_folder import load_weights, replace_weights, save_weights

FACTS = {name: name for name in ["step", "Å", "c", "b", "a"]}
WRITE = f"""
import sys
from pathlib import Path
import torch
from torch import nn
from birdsat.training.run_folder import save_weights
torch.manual_seed(0)
layer = nn.Linear(3, 5)
for path in map(Path, sys.argv[1:]):
    save_weights(layer, path, {FACTS})
"""


def test_equal_weights_written_by_two_processes_are_equal_bytes(tmp_path: Path) -> None:
    """Each writes some files: the library's own order of names is drawn anew for each of them."""
    theirs, ours = ([tmp_path / f"{number}.{whose}" for number in range(4)] for whose in ("theirs", "ours"))
    environment = os.environ | {"PYTHONHASHSEED": "1", "PYTHONPATH": str(Path(__file__).parents[2])}
    subprocess.run([sys.executable, "-c", WRITE, *theirs], check=True, env=environment)
    torch.manual_seed(0)
    layer = nn.Linear(3, 5)
    for path in ours:
        save_weights(layer, path, FACTS)
    assert len({hashlib.sha256(path.read_bytes()).hexdigest() for path in theirs + ours}) == 1


def test_the_file_is_safetensors_with_its_facts_and_with_numbers_that_are_aligned(tmp_path: Path) -> None:
    layer = nn.Linear(3, 5)
    save_weights(layer, tmp_path / "a", {"step": "7", "by": "Å"})
    with safe_open(tmp_path / "a", framework="pt") as file:
        assert file.metadata() == {"format": "pt", "step": "7", "by": "Å"}
    assert int.from_bytes((tmp_path / "a").read_bytes()[:8], "little") % 8 == 0
    for name, value in load_file(tmp_path / "a").items():
        assert torch.equal(value, layer.state_dict()[name])


def test_files_of_the_library_itself_are_read_and_keep_their_facts_when_weights_are_replaced(tmp_path: Path) -> None:
    old, new = nn.Linear(3, 5), nn.Linear(3, 5)
    (tmp_path / "a").write_bytes(save(dict(old.state_dict()), metadata={"step": "7", "format": "pt"}))
    load_weights(new, tmp_path / "a")
    assert torch.equal(new.weight, old.weight)
    replace_weights(nn.Linear(3, 5), tmp_path / "a")
    data = (tmp_path / "a").read_bytes()
    header = json.loads(data[8 : 8 + int.from_bytes(data[:8], "little")])
    assert header["__metadata__"] == {"format": "pt", "step": "7"}
