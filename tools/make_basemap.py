"""The small Blue Marble of the explorer, of NASA's mosaic.

    python tools/make_basemap.py bluemarble_5400x2700.jpg

Writes birdsat/explorer/basemap.jpg: 2048 x 1024 pixels of degrees (EPSG:4326), averaged. Blue Marble: Next Generation,
NASA Earth Observatory (2004); free to use, credit is asked for.
"""

import argparse
from pathlib import Path

from PIL import Image

OUT = Path(__file__).parents[1] / "birdsat" / "explorer" / "basemap.jpg"
SIZE = (2048, 1024)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("mosaic", type=Path, help="a picture of the whole Earth in degrees")
    Image.MAX_IMAGE_PIXELS = None
    with Image.open(parser.parse_args().mosaic) as mosaic:
        small = mosaic.convert("RGB").resize(SIZE, Image.Resampling.LANCZOS)
    small.save(OUT, quality=85, optimize=True, progressive=True)


if __name__ == "__main__":
    main()
