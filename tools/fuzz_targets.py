"""What tools/fuzz.py tries: for each target, how an input is made from seeds, and what reads it.

An input is bytes. Where it stands for one file of several it begins with the name of that file, or its ending, and a
zero byte; an image, a range grid, an archive and a region of GeoJSON (`fuzz_areas.py`) are the bytes themselves, and a
raster has a letter in front that says how its values are stretched.
"""

import io
import os
import random
import shutil
import zipfile
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from fuzz_mutations import mutate_bytes, mutate_cells

Work = Callable[[], object]


class Target:
    """One reader, or several of one kind of file."""

    def __init__(self, made: Path) -> None:
        """made: folder for seeds that take a while to make."""
        self._memory = Path("/dev/shm") if Path("/dev/shm").is_dir() else made

    def make(self, draw: random.Random) -> bytes:
        """An input."""
        raise NotImplementedError

    def run(self, data: bytes) -> None:
        """Read it."""
        raise NotImplementedError

    def put(self, name: str, data: bytes) -> Path:
        """A file of this process's own."""
        path = self._own(os.getpid()) / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
        return path

    def clear(self, pid: int) -> None:
        """Remove what a process has put."""
        shutil.rmtree(self._own(pid), ignore_errors=True)

    def _own(self, pid: int) -> Path:
        return self._memory / f"birdsat-fuzz-{pid}"


def try_all(works: Iterable[Work]) -> None:
    """Do all of it; errors of ours are raised at the end, the last of them, and others at once."""
    from birdsat.errors import BirdsatError

    ours = None
    for work in works:
        try:
            work()
        except BirdsatError as error:
            ours = error
    if ours is not None:
        raise ours


class Images(Target):
    """Photos in every format that is read."""

    def __init__(self, made: Path) -> None:
        from PIL import Image

        super().__init__(made)
        draw = np.random.default_rng(0)
        rgb, rgba = (Image.fromarray(draw.integers(0, 255, (24, 31, n), dtype=np.uint8)) for n in (3, 4))
        grey16 = Image.fromarray(draw.integers(0, 65535, (24, 31), dtype=np.uint16))
        exif = Image.Exif()
        exif[0x0112] = 6
        self._seeds: list[bytes] = []
        ways: list[tuple[Any, str, dict[str, Any]]] = [
            (rgb, "JPEG", {}), (rgb, "JPEG", {"progressive": True}), (rgb.convert("L"), "JPEG", {}), (rgb, "BMP", {}),
            (rgb.convert("CMYK"), "JPEG", {}), (rgb, "JPEG", {"exif": exif}), (rgb, "JPEG", {"subsampling": 2}),
            (rgb, "JPEG", {"restart_marker_blocks": 1}), (rgb, "PNG", {}), (rgba, "PNG", {}), (grey16, "PNG", {}),
            (rgb.convert("P"), "PNG", {"transparency": 0}), (rgb.convert("1"), "PNG", {}),
            (rgb.convert("LA"), "PNG", {}),
            (rgb, "PNG", {"save_all": True, "append_images": [rgba.convert("RGB")]}), (rgb, "GIF", {}),
            (rgb, "GIF", {"save_all": True, "append_images": [rgb.convert("L")]}), (rgb, "PPM", {}), (rgb, "WEBP", {}),
            (rgb, "WEBP", {"save_all": True, "append_images": [rgb]}), (rgba, "WEBP", {"lossless": True}),
            (rgb, "JPEG2000", {}), (grey16, "TIFF", {}), (rgb.convert("F"), "TIFF", {}),
            (rgba, "TIFF", {"compression": "tiff_lzw", "exif": exif}),
            *((rgb, "TIFF", {"compression": way}) for way in ("tiff_lzw", "tiff_deflate", "jpeg", "packbits", None)),
        ]  # fmt: skip
        for image, form, options in ways:
            out = io.BytesIO()
            image.save(out, form, **options)
            self._seeds.append(out.getvalue())

    def make(self, draw: random.Random) -> bytes:
        return mutate_bytes(draw, draw.choice(self._seeds))

    def run(self, data: bytes) -> None:
        from birdsat.dataset.sample import prepare_photo
        from birdsat.imagery.photos import decode_rgb, is_upright_colour_jpeg

        is_upright_colour_jpeg(data, shorter_px=16)

        def decode(shorter: int | None, exact: bool) -> None:
            rgb = decode_rgb(data, shorter_px=shorter, exact=exact)
            assert rgb.ndim == 3 and rgb.shape[2] == 3 and rgb.dtype == np.uint8, rgb.shape
            assert shorter is None or not exact or min(rgb.shape[:2]) <= shorter, rgb.shape

        def keep(box: tuple[float, float, float, float] | None, px: int | None) -> None:
            decode_rgb(prepare_photo(data, box, px)[0], mend=False)  # what is stored is read by anybody

        try_all([
            lambda: decode(None, True), lambda: decode(16, True), lambda: decode(16, False),
            lambda: keep(None, 16), lambda: keep((2, 3, 8, 9), None), lambda: keep(None, None),
        ])  # fmt: skip


class Tables(Target):
    """Tables as text, zipped, gzipped or Parquet: photos, records, ranges, surveys and chips."""

    def __init__(self, made: Path) -> None:
        super().__init__(made)
        names = b"id,taxon,photo,lon,lat,date,split,box_x,box_y,box_width,box_height,count,year,month,day\n"
        row = b"%d,Corvus corax,%d.jpg,%d.5,%d,2020-01-0%d,train,1,2,3,4,%d,2020,1,%d\n"
        plain = names + b"".join(row % (i, i, i, i, i + 1, i, i) for i in range(6))
        ebird = b"GLOBAL UNIQUE IDENTIFIER\tSCIENTIFIC NAME\tLATITUDE\tLONGITUDE\tOBSERVATION DATE\tOBSERVATION COUNT\n"
        ebird += b"".join(b"%d\tCorvus corax\t4%d.1\t8.%d\t2015-04-1%d\tX\n" % (i, i, i, i) for i in range(6))
        grid = b"species,lat,lon,presence\n" + b"".join(b"s%d,%d,1,%d\n" % (i % 3, i // 3, i % 2) for i in range(12))
        survey = b"species,lon,lat,year,count\n" + b"".join(
            b"s%d,%d,5,200%d,1\n" % (i % 3, i, i % 5) for i in range(12)
        )
        chips = b"lon,lat,path\n1,2,a.jpg\n3,4,../b.jpg\n"
        self._seeds = [
            (".csv", plain, b","), (".csv", plain.replace(b",", b";"), b";"),
            (".tsv", plain.replace(b",", b"\t"), b"\t"),
            (".txt", ebird, b"\t"), (".csv", grid, b","), (".csv", survey, b","), (".csv", chips, b","),
        ]  # fmt: skip

    def make(self, draw: random.Random) -> bytes:
        import gzip

        roll = draw.random()
        if roll < 0.25:
            return b".parquet\0" + self._parquet(draw)
        suffix, data, mark = draw.choice(self._seeds)
        data = mutate_cells(draw, data, mark) if roll < 0.75 else mutate_bytes(draw, data)
        if draw.random() < 0.08:
            return suffix.encode() + b".gz\0" + mutate_bytes(draw, gzip.compress(data), 2)
        if draw.random() < 0.08:
            return b".zip\0" + mutate_bytes(draw, zipped({f"t{suffix}": data}), 3)
        return suffix.encode() + b"\0" + data

    def _parquet(self, draw: random.Random) -> bytes:
        import pyarrow as pa
        import pyarrow.parquet as pq

        image = pa.struct([("bytes", pa.binary()), ("path", pa.string())])
        kinds: list[Any] = [
            pa.string(), pa.large_string(), pa.binary(), pa.int8(), pa.int64(), pa.uint64(), pa.float16(), pa.float32(),
            pa.float64(), pa.bool_(), pa.date32(), pa.date64(), pa.timestamp("ns"), pa.timestamp("s", "UTC"), pa.null(),
            pa.timestamp("us", "+25:00"), pa.time64("ns"), pa.duration("ns"), pa.decimal128(38, 2), pa.list_(pa.int8()),
            pa.struct([("x", pa.timestamp("ns"))]), image, pa.binary(3), pa.dictionary(pa.int8(), pa.string()),
            pa.dictionary(pa.int8(), pa.binary()), pa.map_(pa.string(), pa.int8()), pa.string_view(),
        ]  # fmt: skip
        usual: dict[str, list[Any]] = {
            "taxon": ["a", None, "b"], "lon": [1.0, float("nan"), -3.5], "lat": [1.0, 2.0, -3.5],
            "image": [{"bytes": b"\xff\xd8\xff", "path": "a.jpg"}, None, {"bytes": None, "path": "../a.jpg"}],
        }  # fmt: skip
        columns: dict[str, Any] = {}
        for name in (
            "id",
            "taxon",
            "photo",
            "image",
            "lon",
            "lat",
            "date",
            "split",
            "box_x",
            "year",
            "month",
            "presence",
        ):
            if draw.random() < 0.3 and name not in usual:
                continue
            kind = draw.choice(kinds)
            try:
                if name in usual and draw.random() < 0.7:
                    columns[name] = pa.array(usual[name])
                else:
                    columns[name] = pa.array([draw.getrandbits(63), 3, None]).cast(kind, safe=False)
            except (pa.ArrowException, TypeError, ValueError, OverflowError):
                columns[name] = pa.nulls(3, kind)
        out = io.BytesIO()
        try:
            pq.write_table(pa.table(columns), out)
        except (pa.ArrowException, ValueError):
            return b"PAR1"
        return mutate_bytes(draw, out.getvalue(), 3) if draw.random() < 0.25 else out.getvalue()

    def run(self, data: bytes) -> None:
        from birdsat.imagery.chips import ReadyChips
        from birdsat.imagery.parquet_images import TablePhotos
        from birdsat.observations.observation import Observation
        from birdsat.observations.occurrences import read_occurrences
        from birdsat.observations.readers.image_cells import image_column
        from birdsat.observations.readers.tables import read_table, read_taxonomy
        from birdsat.ranges.evaluation.range_grid import read_range_grid
        from birdsat.ranges.evaluation.surveys import read_surveys

        suffix, _, content = data.partition(b"\0")
        if suffix not in (b".txt", b".csv", b".tsv", b".parquet", b".zip", b".txt.gz", b".csv.gz", b".tsv.gz"):
            return
        path = self.put("table" + suffix.decode(), content)

        def photos() -> None:
            column = image_column(path, None)
            for row in () if column is None else range(4):
                work = TablePhotos(path, column, path.parent)
                try:
                    work.photo(Observation(id="a", taxon="b", photo=f"#{row + 1}"))
                except FileNotFoundError:
                    continue

        try_all([
            lambda: list(read_table(path)), lambda: read_occurrences(path, max_uncertainty_km=5), photos,
            lambda: read_taxonomy(path), lambda: read_range_grid(path), lambda: read_surveys(path),
            lambda: ReadyChips(path, ground_km=1),
        ])  # fmt: skip


def zipped(files: dict[str, bytes], draw: random.Random | None = None) -> bytes:
    """Files as a zip, packed in one of the ways that there are."""
    out = io.BytesIO()
    ways = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA)
    with zipfile.ZipFile(out, "w") as archive:
        for name, content in files.items():
            archive.writestr(
                zipfile.ZipInfo(name), content, zipfile.ZIP_DEFLATED if draw is None else draw.choice(ways)
            )
    return out.getvalue()


class DarwinCore(Target):
    """Darwin Core Archives."""

    _TERM = "http://rs.tdwg.org/dwc/terms/"
    _WORDS: ClassVar[tuple[bytes, ...]] = (
        b"0", b"-1", b"1", b"3", b"99", b"100000", b"x", b"", b"UTF-16", b"latin-1", b"utf-8-sig", b"rot13", b"hex",
        b"idna", b"punycode", b"utf-7", b"zlib", b"undefined", b"\\t", b",", b"\\n", b"\\r", b";",
        "»".encode(), b"&#10;",
        b"&#0;",
        b"''", b"&quot;", b"../occurrence.txt", b"meta.xml", b"1e3", b"0x1", b"18446744073709551616", b"\xc2\xb2",
    )  # fmt: skip

    def __init__(self, made: Path) -> None:
        super().__init__(made)
        terms = ("scientificName", "decimalLatitude", "decimalLongitude", "eventDate")
        fields = "".join(f'<field index="{i}" term="{self._TERM}{term}"/>' for i, term in enumerate(terms, 1))
        core = (
            'encoding="UTF-8" fieldsTerminatedBy="\\t" linesTerminatedBy="\\n" fieldsEnclosedBy="" '
            f'ignoreHeaderLines="1" rowType="{self._TERM}Occurrence"'
        )
        meta = (
            f'<archive xmlns="http://rs.tdwg.org/dwc/text/"><core {core}><files><location>occurrence.txt</location>'
            f'</files><id index="0"/>{fields}</core></archive>'
        )
        rows = b"id\tname\tlat\tlon\tdate\n" + b"".join(
            b"%d\tCorvus corax\t%d\t%d\t2020-0%d-11\n" % (i, i, i, i + 1) for i in range(8)
        )
        self._files = {"meta.xml": meta.encode(), "occurrence.txt": rows}

    def make(self, draw: random.Random) -> bytes:
        import re

        files, roll = dict(self._files), draw.random()
        if roll < 0.45:
            meta = files["meta.xml"]
            for _ in range(draw.randint(1, 3)):
                spots = [found.span(1) for found in re.finditer(rb'="([^"]*)"', meta)]
                spots += [found.span(1) for found in re.finditer(rb"<location>([^<]*)<", meta)]
                start, stop = draw.choice(spots)
                meta = meta[:start] + draw.choice(self._WORDS) + meta[stop:]
            files["meta.xml"] = mutate_bytes(draw, meta, 3) if draw.random() < 0.25 else meta
        if roll > 0.3:
            rows = files["occurrence.txt"]
            files["occurrence.txt"] = (
                mutate_cells(draw, rows, b"\t") if draw.random() < 0.7 else mutate_bytes(draw, rows)
            )
        data = zipped(files, draw)
        return mutate_bytes(draw, data, 4) if roll > 0.6 else data

    def run(self, data: bytes) -> None:
        from birdsat.observations.occurrences import read_occurrences
        from birdsat.observations.readers.tables import read_table

        path = self.put("archive.zip", data)
        try_all([lambda: list(read_table(path)), lambda: read_occurrences(path)])


class RangeArrays(Target):
    """Range grids as .npz."""

    def make(self, draw: random.Random) -> bytes:
        arrays: dict[str, Any] = {
            "lat": np.arange(4.0), "lon": np.arange(4.0), "species": np.array(["a", "b"]), "presence": np.eye(4, 2),
        }  # fmt: skip
        odd: tuple[Any, ...] = (
            np.array(1), np.zeros((2, 2)), np.array(["x"] * 4), np.zeros(0), np.array([1 + 2j] * 4),
            np.array([np.nan] * 4),
            np.array(["2020"] * 4, "M8[D]"), np.array([b"a", b"b"]), np.zeros((4, 2), bool), np.zeros((4, 2), "V4"),
            np.array([0xD800, 1], np.uint32).view("<U1"), np.array([[1e300] * 2] * 4),
        )  # fmt: skip
        if draw.random() < 0.2:
            arrays[draw.choice(list(arrays))] = draw.choice(odd)
        out = io.BytesIO()
        (np.savez if draw.random() < 0.6 else np.savez_compressed)(out, **arrays)
        return out.getvalue() if draw.random() < 0.2 else mutate_bytes(draw, out.getvalue(), 4)

    def run(self, data: bytes) -> None:
        from birdsat.ranges.evaluation.range_grid import read_range_grid

        read_range_grid(self.put("ranges.npz", data))
