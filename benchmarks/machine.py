"""What a figure was measured on."""

import os
import platform
from pathlib import Path

import torch


def machine() -> dict[str, str | int | list[float]]:
    """The processor's name and count, what of it torch makes use of, and how busy it was."""
    return {
        "processor": processor_name(),
        "processors": os.cpu_count() or 1,
        "instructions": torch.backends.cpu.get_cpu_capability(),
        "threads": torch.get_num_threads(),
        "torch": torch.__version__,
        "load_average_1_5_15_min": [round(load, 2) for load in os.getloadavg()],
    }


def processor_name() -> str:
    """As the system tells it; on Linux with family and model, for virtual machines hide the rest."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    facts = dict(tuple(part.strip() for part in line.split(":", 1)) for line in lines if ":" in line)
    if "model name" not in facts:  # processors by ARM
        return platform.machine()
    return f"{facts['model name']}, family {facts.get('cpu family')}, model {facts.get('model')}"
