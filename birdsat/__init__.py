"""birdsat: bird species from photos, places, dates and satellite images."""

import os

# Read by torch when it is first imported: what Apple's GPUs cannot do runs on the CPU, and torch says so once.
os.environ.setdefault("PYTORCH_ENABLE_MPS_FALLBACK", "1")
