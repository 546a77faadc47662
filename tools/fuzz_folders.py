"""Targets of tools/fuzz.py that are folders, and rasters: datasets, runs, regions, range models, maps, collections."""

import io
import json
import random
import shutil
from pathlib import Path
from typing import Any

import numpy as np
from fuzz_mutations import json_bytes, mutate_bytes, mutate_cells, mutate_safetensors
from fuzz_targets import Target, Work, try_all


def tiny_world(made: Path) -> Path:
    """A folder with one of everything, as the tests make it."""
    from tiny_world import build

    folder = made / "world"
    if not (folder / "finished").exists():
        shutil.rmtree(folder, ignore_errors=True)
        folder.parent.mkdir(parents=True, exist_ok=True)
        build(folder)
        (folder / "finished").touch()
    return folder


class Folder(Target):
    """A folder, one file of which is changed: the input is its name, a zero byte, and what it holds."""

    def __init__(self, made: Path, source: Path) -> None:
        super().__init__(made)
        self.source = source
        self.files = {str(p.relative_to(source)): p.read_bytes() for p in sorted(source.rglob("*")) if p.is_file()}

    def works(self, folder: Path, name: str) -> list[Work]:
        """What reads the folder."""
        raise NotImplementedError

    def fitted(self, name: str, content: bytes) -> bytes:
        """The content as it is written."""
        return content

    def run(self, data: bytes) -> None:
        head, _, content = data.partition(b"\0")
        name = head.decode("utf-8", "replace")
        if name not in self.files:
            return
        folder = self.put("folder/there", b"").parent
        for other, whole in self.files.items():
            if not (folder / other).exists():
                (folder / other).parent.mkdir(parents=True, exist_ok=True)
                (folder / other).write_bytes(whole)
        try:
            (folder / name).write_bytes(self.fitted(name, content))
            try_all(self.works(folder, name))
        finally:
            (folder / name).write_bytes(self.files[name])


class Datasets(Folder):
    """Dataset folders: manifest and shards."""

    def __init__(self, made: Path) -> None:
        super().__init__(made, tiny_world(made) / "data")
        self._shards = [name for name in self.files if name.endswith(".parquet")]

    def make(self, draw: random.Random) -> bytes:
        roll, name = draw.random(), draw.choice(self._shards)
        if roll < 0.4:
            return b"manifest.json\0" + json_bytes(draw, json.loads(self.files["manifest.json"]))
        changed = mutate_bytes(draw, self.files[name]) if roll < 0.7 else self._other_types(draw, name)
        return name.encode() + b"\0" + changed

    def _other_types(self, draw: random.Random, name: str) -> bytes:
        """A Parquet file that is whole but of other columns, types or values."""
        import pyarrow as pa
        import pyarrow.parquet as pq

        table = pq.read_table(io.BytesIO(self.files[name]))
        column = draw.choice(table.column_names)
        at, rows = table.column_names.index(column), len(table)
        odd: tuple[Any, ...] = (b"\xff\xff", "x", 0, -1, 1e308, float("nan"), {"bytes": b"no", "path": "x"}, "")
        match draw.randrange(4):
            case 0:
                kind = draw.choice((pa.null(), pa.string(), pa.binary(), pa.float64(), pa.int8()))
                table = table.set_column(at, column, pa.nulls(rows, kind))
            case 1:
                table = table.set_column(at, column, pa.array([draw.choice(odd)] * rows))
            case 2:
                values = table[column].to_pylist()
                values[draw.randrange(rows)] = 1e308 if isinstance(values[0], float) else None
                table = table.set_column(at, column, pa.array(values))
            case 3:
                table = table.drop_columns([column])
        out = io.BytesIO()
        pq.write_table(table.slice(0, draw.randrange(rows + 1)) if draw.random() < 0.2 else table, out)
        return out.getvalue()

    def works(self, folder: Path, name: str) -> list[Work]:
        from birdsat.dataset.card import card, describe
        from birdsat.dataset.check import check_dataset
        from birdsat.dataset.read import read_split, row_facts
        from birdsat.dataset.row_groups import Dataset
        from birdsat.observations.observation import SPLITS

        dataset = Dataset(folder)
        works: list[Work] = [
            lambda: describe(dataset.manifest), lambda: card(dataset.manifest),
            lambda: check_dataset(folder, workers=0),
        ]  # fmt: skip
        for split in SPLITS:
            works.append(lambda split=split: row_facts(dataset, split))  # type: ignore[misc]
            works.append(
                lambda split=split: list(  # type: ignore[misc]
                    read_split(dataset, split, batch_size=5, photo_px=16, chip_px=8, workers=0)
                )
            )
        return works


class Runs(Folder):
    """Runs: settings, weights, means of taxa."""

    def __init__(self, made: Path) -> None:
        super().__init__(made, tiny_world(made) / "mine")
        self.files.setdefault("metrics.jsonl", b'{"step": 1, "split": "train", "loss": 1.0, "losses": {"a": 1.0}}\n')

    def make(self, draw: random.Random) -> bytes:
        name = draw.choice(("config.json", "config.json", *self.files))
        content = self.files[name]
        if name.endswith(".json"):
            made = json_bytes(draw, json.loads(content))
        elif name.endswith(".safetensors"):
            made = mutate_safetensors(draw, content)
        else:
            made = mutate_bytes(draw, content)
        return name.encode() + b"\0" + made

    def works(self, folder: Path, name: str) -> list[Work]:
        from birdsat.embeddings.taxa import load_taxon_means
        from birdsat.training.metrics import MetricsLog, read_metrics
        from birdsat.training.run_folder import load_run

        if name == "taxa.parquet":
            return [lambda: load_taxon_means(folder).vector("Corvus corax")]
        if name == "metrics.jsonl":
            return [lambda: read_metrics(folder), lambda: MetricsLog(folder, after_step=4).close()]
        return [lambda: load_run(folder)]


class Regions(Folder):
    """Region folders: manifest and parts."""

    def __init__(self, made: Path) -> None:
        super().__init__(made, tiny_world(made) / "region")
        self._parts = [name for name in self.files if name.endswith(".parquet")]

    def make(self, draw: random.Random) -> bytes:
        if draw.random() < 0.5:
            return b"region.json\0" + json_bytes(draw, json.loads(self.files["region.json"]))
        name = draw.choice(self._parts)
        data = self.files[name]
        kept = len(data) - draw.randrange(8, 6000) if draw.random() < 0.6 else 0  # the footer alone, or all
        return name.encode() + b"\0" + data[: max(kept, 0)] + mutate_bytes(draw, data[max(kept, 0) :], 3)

    def fitted(self, name: str, content: bytes) -> bytes:
        if name == "region.json":
            return content
        size = len(self.files[name])  # sizes are told apart by the manifest; the rest is looked at all the same
        return content[:size].ljust(size, b"\0")

    def works(self, folder: Path, name: str) -> list[Work]:
        from birdsat.embeddings.regions.folder_region import open_region

        region = open_region(folder)
        places = np.array([[5.0, 5.0], [np.nan, 1.0], [59.0, 39.0]])
        return [
            region.cells, lambda: list(region.blocks()), lambda: region.at(places, ("chip", "year")),
            region.check_files, lambda: region.imagery.land, lambda: repr(region),
        ]  # fmt: skip


class RangeModels(Folder):
    """Range models: facts, weights, and what is kept of their regions."""

    def __init__(self, made: Path) -> None:
        from birdsat.embeddings.regions.folder_region import open_region

        super().__init__(made, tiny_world(made) / "ranges")
        self._region = open_region(tiny_world(made) / "region")

    def make(self, draw: random.Random) -> bytes:
        name = draw.choice(list(self.files))
        content = self.files[name]
        if name.endswith(".json"):
            made = json_bytes(draw, json.loads(content))
        elif name.endswith(".safetensors"):
            made = mutate_safetensors(draw, content)
        else:
            made = mutate_bytes(draw, content, 3)
        return name.encode() + b"\0" + made

    def works(self, folder: Path, name: str) -> list[Work]:
        from birdsat.ranges.feature_cache import iter_features
        from birdsat.ranges.load import load_ranges

        model = load_ranges(folder)
        taxon = ("Corvus corax",)
        return [lambda: list(model.predict(iter_features(model, self._region), taxon, [1, 6])), lambda: repr(model)]


class Collections(Folder):
    """iNaturalist's JSON, CUB and NABirds in their own layouts."""

    def __init__(self, made: Path) -> None:
        folder = made / "collections"
        image = {
            "width": 5, "height": 5, "license": 0, "rights_holder": "K", "date": "2010-07-14 20:19:00+00:00",
            "latitude": 43.8, "longitude": -71.2, "location_uncertainty": 77,
        }  # fmt: skip
        category = {
            "id": 0, "name": "Corvus corax", "common_name": "Raven", "supercategory": "Birds", "kingdom": "Animalia",
            "phylum": "Chordata", "class": "Aves", "order": "P", "family": "Corvidae", "genus": "Corvus",
            "specific_epithet": "corax", "image_dir_name": "a",
        }  # fmt: skip
        self._inat = {
            "images": [image | {"id": i, "file_name": f"train_mini/a/{i}.jpg"} for i in range(4)],
            "categories": [category],
            "annotations": [{"id": i, "image_id": i, "category_id": 0} for i in range(4)],
            "licenses": [{"id": 0, "name": "CC0", "url": "x"}],
            "info": {},
        }
        text = {
            "cub/classes.txt": "1 001.Black_footed_Albatross\n2 002.Laysan_Albatross\n",
            "cub/images.txt": "1 001.Black_footed_Albatross/a.jpg\n2 002.Laysan_Albatross/b.jpg\n",
            "cub/image_class_labels.txt": "1 1\n2 2\n", "cub/train_test_split.txt": "1 1\n2 0\n",
            "cub/bounding_boxes.txt": "1 1.0 2.0 30.0 40.0\n2 1 2 3 4\n", "nabirds/hierarchy.txt": "1 0\n2 0\n",
            "nabirds/classes.txt": "0 Birds\n1 Ducks\n2 Raven (Adult)\n",
            "nabirds/sizes.txt": "a-b 100 100\nc-d 90 90\n",
            "nabirds/images.txt": "a-b 0001/ab.jpg\nc-d 0002/cd.jpg\n",
            "nabirds/image_class_labels.txt": "a-b 1\nc-d 2\n", "nabirds/train_test_split.txt": "a-b 1\nc-d 0\n",
            "nabirds/bounding_boxes.txt": "a-b 1 2 30 40\nc-d 1 2 3 4\n",
            "nabirds/photographers.txt": "a-b Jane\nc-d J\n",
            "inat2021/train.json": json.dumps(self._inat), "inat2021/val.json": json.dumps(self._inat),
        }  # fmt: skip
        for name, content in text.items():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_text(content)
        super().__init__(made, folder)

    def make(self, draw: random.Random) -> bytes:
        name = draw.choice([*(["inat2021/train.json"] * 10), *self.files])
        if name.endswith(".json"):
            return name.encode() + b"\0" + json_bytes(draw, self._inat)
        data = self.files[name]
        changed = mutate_cells(draw, data, b" ") if draw.random() < 0.6 else mutate_bytes(draw, data, 4)
        return name.encode() + b"\0" + changed

    def works(self, folder: Path, name: str) -> list[Work]:
        from birdsat.dataset.collections.registry import open_collection

        kind = name.partition("/")[0]
        settings: dict[str, Any] = {} if kind == "inat2021" else {"crop": True}
        return [lambda: list(open_collection(kind, folder / kind, **settings).observations)]


class Rasters(Target):
    """Imagery and rasters of values; the first byte says whether values are stretched."""

    def __init__(self, made: Path) -> None:
        import rasterio
        from rasterio.transform import from_bounds

        super().__init__(made)
        draw, self._seeds = np.random.default_rng(0), []
        tiled = {"tiled": True, "blockxsize": 16, "blockysize": 16}
        ways: list[tuple[str, tuple[float, ...], int, str, dict[str, Any]]] = [
            ("EPSG:4326", (-180, -90, 180, 90), 3, "uint8", {}),
            ("EPSG:3857", (0, 0, 4e6, 4e6), 3, "uint8", {"compress": "deflate"}),
            ("EPSG:32632", (3e5, 5e6, 6e5, 5.3e6), 4, "uint16", {"compress": "lzw", "nodata": 0}),
            ("EPSG:4326", (0, 0, 60, 60), 1, "float32", tiled),
            (
                "EPSG:4326",
                (0, 0, 60, 60),
                3,
                "uint8",
                {"compress": "jpeg", "photometric": "ycbcr", "interleave": "pixel"},
            ),
            ("EPSG:3035", (4e6, 2e6, 5e6, 3e6), 3, "uint8", {"driver": "COG"}),
            ("EPSG:4326", (0, 0, 60, 60), 3, "uint8", {"driver": "JP2OpenJPEG"}),
        ]
        for crs, bounds, count, kind, options in ways:
            path = made / f"seed{len(self._seeds)}.tif"
            made.mkdir(parents=True, exist_ok=True)
            with rasterio.open(
                path, "w", dtype=kind, count=count, width=48, height=32, crs=crs,
                transform=from_bounds(*bounds, 48, 32), **({"driver": "GTiff"} | options),
            ) as raster:  # fmt: skip
                raster.write((draw.random((count, 32, 48)) * 200).astype(kind))
            self._seeds.append((path.read_bytes(), kind))

    def make(self, draw: random.Random) -> bytes:
        data, kind = draw.choice(self._seeds)
        head = draw.randrange(8, 1200) if draw.random() < 0.7 else len(data)
        return (b"8" if kind == "uint8" else b"w") + mutate_bytes(draw, data[:head], 4) + data[head:]

    def run(self, data: bytes) -> None:
        from birdsat.earth.cog import Cog
        from birdsat.earth.place import Place
        from birdsat.earth.raster import Raster
        from birdsat.earth.raster_values import raster_values

        path = self.put("raster.tif", data[1:])
        places = ((Place(10, 30), 50.0), (Place(12, 47.5), 2.0), (Place(179.9, 5), 900.0), (Place(0, 89.9), 300.0))

        def cut() -> None:
            with Raster(path, stretch=None if data[:1] == b"8" else (0, 200)) as raster:
                try_all([lambda place=place, km=km: raster.cut(place, km, 8) for place, km in places])  # type: ignore[misc]

        def decimate() -> None:
            with Cog(path) as cog:
                cog.decimated([0], 10)

        somewhere = np.array([[10.0, 30.0], [12.0, 47.5], [-179.9, 5.0]])
        try_all([
            cut, decimate, lambda: raster_values(path, somewhere),
            lambda: raster_values(path, somewhere[:1], cell_degrees=3.0),
        ])  # fmt: skip


class MapFiles(Target):
    """Maps read back, as NetCDF and pictures are made of them."""

    def __init__(self, made: Path) -> None:
        super().__init__(made)
        from birdsat.workflows.map_taxon import map_taxon
        from birdsat.workflows.requests.maps import MapRequest

        world, out = tiny_world(made), made / "maps"
        found = sorted(out.glob("*.tif"))
        if not found:
            map_taxon(MapRequest(taxon=("Corvus corax",), ranges=world / "ranges", region=world / "region", out=out))
            found = sorted(out.glob("*.tif"))
        self._seed = found[0].read_bytes()

    def make(self, draw: random.Random) -> bytes:
        head = draw.randrange(8, 6000)
        return mutate_bytes(draw, self._seed[:head], 4) + self._seed[head:]

    def run(self, data: bytes) -> None:
        from birdsat.maps.map_file import MapFile

        with MapFile(self.put("map.tif", data)) as map_file:
            list(map_file.blocks())
            map_file.decimated(10)
