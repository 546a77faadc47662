"""Make birdsat/earth/land_50m.npz from Natural Earth's land, 1:50 million (public domain).

npm pack world-atlas@2.0.2 && tar xzf world-atlas-2.0.2.tgz
python tools/make_land.py package/land-50m.json birdsat/earth/land_50m.npz
"""

import sys
from pathlib import Path

import numpy as np
from world_land import read_rings

SOURCE, TARGET = map(Path, sys.argv[1:])
UNITS_A_DEGREE = 1000  # 0.001 degrees, 111 m at most: finer than the source's own grid of 0.0036 degrees

rings = [np.rint(ring * UNITS_A_DEGREE).astype(np.int32) for ring in read_rings(SOURCE)]
points = np.concatenate([np.diff(ring, axis=0, prepend=np.zeros((1, 2), np.int32)) for ring in rings])
lengths = np.array([len(ring) for ring in rings], dtype=np.int32)
np.savez_compressed(TARGET, steps=points.astype(np.int32), lengths=lengths, units_a_degree=UNITS_A_DEGREE)
print(f"{len(rings):,} rings of {len(points):,} points, {TARGET.stat().st_size:,} bytes")
