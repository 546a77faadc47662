"""A data set of 67 rows whose every photo, place and date tells which row it is."""

import datetime
import hashlib
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from birdsat.dataset.manifest import SHARD_SCHEMA, Manifest, Shard, SplitCounts, save_manifest
from birdsat.imagery.photos import encode_jpeg
from birdsat.observations.observation import SPLITS
from birdsat.observations.taxonomy import Taxon

TAXA = ("Corvus corax", "Parus major", "Pica pica")
SHARD_ROWS = (40, 27)
ROWS = sum(SHARD_ROWS)
GROUP_ROWS = 8
WITHOUT_PHOTO, WITHOUT_CHIP, WITHOUT_PLACE, HALF_A_PLACE, WITHOUT_DATE = 3, 4, 5, 6, 41


def write_dataset(folder: Path) -> Path:
    """67 rows of train in two shards; row k carries its number in its place, date and photo's brightness."""
    texture = np.random.default_rng(0).integers(0, 100, (30, 40, 3)).astype(np.uint8)
    rows = [
        {
            "photo": {"bytes": encode_jpeg(texture + np.uint8(2 * row)), "path": f"{row}.jpg"},
            "chip": {"bytes": encode_jpeg(texture[:10, :10] + np.uint8(2 * row)), "path": f"{row}.jpg"},
            "taxon": TAXA[row % 3],
            "lon": float(row),
            "lat": -float(row),
            "date": datetime.date(2021, 1, 1) + datetime.timedelta(days=row),
            "id": f"id-{row}",
            "licence": "CC0",
            "attribution": "",
        }
        for row in range(ROWS)
    ]
    rows[WITHOUT_PHOTO]["photo"] = None
    rows[WITHOUT_CHIP]["chip"] = None
    rows[WITHOUT_PLACE] |= {"lon": None, "lat": None}
    rows[HALF_A_PLACE]["lat"] = None
    rows[WITHOUT_DATE]["date"] = None
    shards = []
    for number, count in enumerate(SHARD_ROWS):
        path = folder / f"train-{number:05d}.parquet"
        part = pa.Table.from_pylist(rows[sum(SHARD_ROWS[:number]) :][:count], schema=SHARD_SCHEMA)
        pq.write_table(part, path, row_group_size=GROUP_ROWS)
        file = pq.ParquetFile(path).metadata
        shards.append(
            Shard(
                file=path.name,
                split="train",
                rows=count,
                row_group_rows=tuple(file.row_group(i).num_rows for i in range(file.num_row_groups)),
                sha256=hashlib.sha256(path.read_bytes()).hexdigest(),
                size_bytes=path.stat().st_size,
            )
        )
    train = SplitCounts(
        split="train",
        rows=ROWS,
        photos=ROWS - 1,
        chips=ROWS - 1,
        places=ROWS - 2,
        dates=ROWS - 1,
        taxon_rows=(23, 22, 22),
    )
    empty = [
        SplitCounts(split=split, rows=0, photos=0, chips=0, places=0, dates=0, taxon_rows=(0, 0, 0))
        for split in SPLITS[1:]
    ]
    manifest = Manifest(
        title="miniature",
        licence="CC0",
        sources=(),
        command="",
        fingerprint="",
        taxa=tuple(Taxon(name=name) for name in TAXA),
        shards=tuple(shards),
        counts=(train, *empty),
        licences=(),
        dropped=(),
        remarked=(),
        photo_px=None,
        photo_mean=(0.5, 0.5, 0.5),
        photo_std=(0.2, 0.2, 0.2),
        chip_mean=(0.5, 0.5, 0.5),
        chip_std=(0.2, 0.2, 0.2),
        chip_px=10,
        chip_ground_km=(5.0,),
    )
    save_manifest(manifest, folder)
    return folder
