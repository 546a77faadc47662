"""Our AdamW against torch's class."""

import subprocess
import sys

import torch
from torch import nn

from birdsat.ranges.adamw import AdamW


def test_it_takes_the_steps_of_the_class_of_torch_at_any_learning_rate() -> None:
    torch.manual_seed(0)
    ours = [nn.Parameter(torch.randn(4, 3)), nn.Parameter(torch.randn(5))]
    theirs = [nn.Parameter(each.detach().clone()) for each in ours]
    optimiser, reference = AdamW(ours, 0.1), torch.optim.AdamW(theirs, 0.0, weight_decay=0.1)
    for number in range(5):
        lr = 0.01 * (number + 1)
        for parameters in (ours, theirs):
            sum((each * (number - each)).square().sum() for each in parameters).backward()  # type: ignore[union-attr]
        optimiser.step(lr)
        reference.param_groups[0]["lr"] = lr
        reference.step()
        reference.zero_grad()
        assert all(each.grad is None for each in ours)
        torch.testing.assert_close(ours, theirs)


def test_making_and_stepping_it_does_not_import_the_compiler_of_torch() -> None:
    code = (
        "import sys, torch; from birdsat.ranges.adamw import AdamW; p = torch.nn.Parameter(torch.ones(3));"
        "p.sum().backward(); AdamW([p], 0.1).step(0.1); sys.exit('torch._dynamo' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
