"""What tools/kill_tests.py works on: a small table of photos with imagery, and a table of records."""

import csv
import random
from pathlib import Path

import numpy as np

TAXA = ("Corvus corax", "Turdus merula", "Parus major", "Anas crecca", "Larus canus", "Falco peregrinus")


def made_birds(folder: Path, rows: int = 320) -> Path:
    """photos/, table.csv and imagery.tif: a small table with good rows and some of each bad kind."""
    import rasterio
    from PIL import Image
    from rasterio.transform import from_bounds

    if (folder / "table.csv").exists():
        return folder
    generator = np.random.default_rng(0)
    (folder / "photos").mkdir(parents=True, exist_ok=True)
    for i in range(80):
        pixels = generator.integers(0, 255, (12, 14, 3), dtype=np.uint8).repeat(6, 0).repeat(6, 1)
        Image.fromarray(pixels).save(folder / "photos" / f"{i}.jpg", quality=88)
    (folder / "photos" / "cut.jpg").write_bytes((folder / "photos" / "0.jpg").read_bytes()[:300])
    place = {"crs": "EPSG:4326", "transform": from_bounds(-180, -90, 180, 90, 360, 180)}
    with rasterio.open(
        folder / "imagery.tif", "w", driver="GTiff", dtype="uint8", count=3, height=180, width=360, **place
    ) as raster:
        raster.write(generator.integers(0, 255, (3, 180, 360), dtype=np.uint8))
    lines = [["id", "taxon", "photo", "lon", "lat", "date", "licence"]]
    for i in range(rows):
        photo = {11: "cut.jpg", 13: "gone.jpg"}.get(i % 97, f"{i % 80}.jpg")
        lon, lat = generator.uniform(-170, 170), generator.uniform(-60, 70)
        date = f"20{i % 20 + 1:02d}-{i % 12 + 1:02d}-{i % 28 + 1:02d}"
        lines.append([f"r{i}", TAXA[i % 6], photo, "" if i % 31 == 3 else f"{lon:.4f}", f"{lat:.4f}", date, "CC0"])
    with (folder / "table.csv").open("w", newline="") as file:
        csv.writer(file).writerows(lines)
    return folder


def made_occurrences(path: Path) -> Path:
    """A table of records in the box of the region."""
    if not path.exists():
        generator = random.Random(0)
        rows = ["species,decimalLongitude,decimalLatitude,eventDate"]
        for _ in range(900):
            taxon = generator.choice(TAXA)
            lon, lat = (TAXA.index(taxon) * 9 + generator.gauss(5, 4)) % 59, generator.uniform(1, 39)
            rows.append(
                f"{taxon},{lon:.3f},{lat:.3f},2020-{generator.randint(1, 12):02d}-{generator.randint(1, 28):02d}"
            )
        path.write_text("\n".join(rows) + "\n")
    return path
