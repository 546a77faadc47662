"""Name photos by an exported classifier of photos. Needs numpy, Pillow and onnxruntime, and nothing of birdsat.

birdsat export runs/mine/finetune-birds --out exported --part classifier
python examples/name_photos.py exported a.jpg b.jpg
"""

import json
import sys
from pathlib import Path

import numpy as np
import onnxruntime
from PIL import Image, ImageOps

folder, *photos = map(Path, sys.argv[1:])
about = json.loads((folder / "export.json").read_text(encoding="utf-8"))
px, labels = about["photo"]["px"], about["labels"]
session = onnxruntime.InferenceSession(folder / "classifier.onnx", providers=["CPUExecutionProvider"])


def view(path: Path) -> np.ndarray:
    """(3, px, px) uint8: upright, the central square, in RGB."""
    with Image.open(path) as image:
        upright = ImageOps.exif_transpose(image).convert("RGB")
    return np.asarray(ImageOps.fit(upright, (px, px), Image.Resampling.BILINEAR)).transpose(2, 0, 1)


(probability, _) = session.run(None, {"photo": np.stack([view(path) for path in photos])})
for path, scores in zip(photos, probability, strict=True):
    for label in np.argsort(-scores)[:3]:
        print(f"{path}\t{scores[label]:.3f}\t{labels[label]}")
