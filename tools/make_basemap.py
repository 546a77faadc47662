"""Make birdsat/explorer/basemap.jpg, the explorer's small picture of the Earth, from NASA's Blue Marble mosaic.

python tools/make_basemap.py bluemarble_5400x2700.jpg birdsat/explorer/basemap.jpg

It is the ground of the page's map, and what pictures of places are cut from where no imagery is named.

NASA's Blue Marble Next Generation is in the public domain. Half a megabyte: a pixel is 0.14 degrees, which is what the
whole Earth in a window needs; nearer, the features of the map are what people look at.
"""

import sys
from pathlib import Path

from PIL import Image

SOURCE, TARGET = map(Path, sys.argv[1:3])
WIDTH = int(sys.argv[3]) if len(sys.argv) > 3 else 2560
Image.MAX_IMAGE_PIXELS = None

with Image.open(SOURCE) as mosaic:
    small = mosaic.convert("RGB").resize((WIDTH, WIDTH // 2), Image.Resampling.LANCZOS, reducing_gap=3)
small.save(TARGET, quality=80, optimize=True, progressive=True)
print(f"{small.width} x {small.height}, {TARGET.stat().st_size:,} bytes")
