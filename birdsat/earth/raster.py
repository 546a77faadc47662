"""Rasters: square chips cut from imagery of any CRS."""

import math
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from rasterio.enums import MaskFlags, Resampling
from rasterio.windows import Window

from birdsat.earth.bands import RGBBands, Stretch, checked_stretch, rgb_bands
from birdsat.earth.crs import WGS84, transformed
from birdsat.earth.open_raster import damaged, open_raster
from birdsat.earth.place import Place, lon_lat_around
from birdsat.errors import BirdsatError, ConfigError, InputError, PlaceError

_MOST_HELD = 1 << 26  # pixels of a chip before they are interpolated
_MOST_UNPACKED = 1 << 32  # pixels of the raster, or of the overview that serves, under one chip


class Raster:
    """An image of the Earth's surface, open for cutting.

    `bands` are the numbers (from 1) shown as red, green and blue; by default those that the file says are, see
    `birdsat.earth.bands`; `says_bands` is whether it does. `stretch` is (black, white): the values that become 0 and
    255, needed for anything but 8 bits. Used by one thread of one process.

    Raises InputError as `open_raster` does, for values of unknown range, and for a band that is not there.
    """

    def __init__(
        self,
        path: Path,
        *,
        bands: RGBBands | None = None,
        stretch: Stretch | None = None,
    ) -> None:
        self._dataset = open_raster(path)
        try:
            with damaged(path):
                self._bands, self.says_bands = rgb_bands(path, self._dataset, bands)
            self._stretch = checked_stretch(path, self._dataset.dtypes[self._bands[0] - 1], stretch)
        except BirdsatError:
            self._dataset.close()
            raise
        self.path = path
        self._height, self._width = int(self._dataset.height), int(self._dataset.width)
        self._is_wgs84 = self._dataset.crs == WGS84
        self._inverse = ~self._dataset.transform
        self._overviews = self._dataset.overviews(self._bands[0])  # factors
        flags = [self._dataset.mask_flag_enums[band - 1] for band in self._bands]
        self._all_valid = all(MaskFlags.all_valid in flag for flag in flags)
        self._period = self._columns_around_the_world()
        self._wraps = self._period is not None and abs(self._period - self._width) < 0.5

    def close(self) -> None:
        self._dataset.close()

    def __enter__(self) -> "Raster":
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def cut(self, place: Place, ground_km: float, px: int) -> NDArray[np.uint8]:
        """A square of ground_km x ground_km centred on the place: (px, px, 3) uint8, RGB, north up.

        Pixels lie on the azimuthal equidistant plane of the place, so ground size and shape are the same at
        every latitude. Values are interpolated linearly, and averaged where the chip is coarser than the raster.
        Pixels outside the raster or without data are black. Raises PlaceError when they are more than half.
        """
        if not ground_km > 0 or px < 2:
            raise ConfigError(f"a chip of {ground_km} km and {px} px cannot be cut; allowed: above 0 km, 2 px or more.")
        offset = (np.arange(px) + 0.5) * (ground_km / px) - ground_km / 2
        lon, lat = lon_lat_around(place, *np.broadcast_arrays(offset[None, :], -offset[:, None]))
        column, row = self._pixels(lon, lat)
        inside = (row >= 0) & (row <= self._height)
        if not self._wraps:
            inside &= (column >= 0) & (column <= self._width)
        self._refuse_half_empty(inside, place)
        rgb, valid = self._sample(column, row, inside)
        self._refuse_half_empty(valid, place)
        return np.where(valid[:, :, None], rgb, np.uint8(0))

    def _refuse_half_empty(self, valid: NDArray[np.bool_], place: Place) -> None:
        if valid.mean() < 0.5:
            raise PlaceError(
                f"{self.path} has no data for {1 - valid.mean():.0%} of the chip at ({place.lon}, {place.lat}); "
                "at most half may be missing. Leave the place out, or use imagery that covers it."
            )

    def _columns_around_the_world(self) -> float | None:
        """Columns per turn around the Earth, where columns are meridians at even distances; None elsewhere."""
        a, b, _, d, *_ = self._dataset.transform
        if b or d:
            return None
        lon = np.arange(-175.0, 176, 10)
        x, _ = transformed(WGS84, self._dataset.crs, lon, np.zeros_like(lon))
        x_elsewhere, _ = transformed(WGS84, self._dataset.crs, lon, np.full_like(lon, 40))
        steps = np.diff(x)
        turn = 36 * float(np.median(steps))
        tolerance = 1e-9 * abs(turn)
        uneven = np.count_nonzero(~(np.abs(steps - turn / 36) <= tolerance))  # one where x jumps back
        meridians = bool((np.abs(x - x_elsewhere) <= tolerance).all())
        return abs(turn / a) if meridians and uneven <= 1 else None

    def _pixels(
        self, lon: NDArray[np.float64], lat: NDArray[np.float64]
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Fractional columns and rows (0 at the raster's outer edge); NaN where the CRS has no such place.

        The columns of a raster around the world run on over its seam, and may lie beyond its width.
        """
        if self._is_wgs84:
            x, y = lon, lat
        else:
            flat = transformed(WGS84, self._dataset.crs, lon.ravel(), lat.ravel())
            x, y = (axis.reshape(lon.shape) for axis in flat)
        a, b, c, d, e, f, *_ = self._inverse
        column, row = a * x + b * y + c, d * x + e * y + f
        if self._period is not None:
            if self._wraps:
                column = column * (self._width / self._period)
                middle, turn = column[column.shape[0] // 2, column.shape[1] // 2], float(self._width)
                middle %= turn
            else:
                middle, turn = self._width / 2, self._period
            column = (column - middle + turn / 2) % turn + middle - turn / 2
        return column, row

    def _sample(
        self, column: NDArray[np.float64], row: NDArray[np.float64], inside: NDArray[np.bool_]
    ) -> tuple[NDArray[np.uint8], NDArray[np.bool_]]:
        """Interpolated colour (h, w, 3), and which pixels (h, w) have any."""
        every = _raster_pixels_a_step(row), _raster_pixels_a_step(column)
        top, bottom = _padded_span(row[inside], every[0])
        top, bottom = max(top, 0), min(bottom, self._height)
        left, right = _padded_span(column[inside], every[1])
        around = self._wraps and right - left >= self._width
        if around or not self._wraps:
            left, right = (0, self._width) if around else (max(left, 0), min(right, self._width))
        elif right > self._width:
            # Counted from the seam, so that no block of averaged pixels lies across it.
            column = column - self._width
            left, right = _padded_span(column[inside], every[1])
        west_of_seam = left + self._width, min(right, 0) + self._width
        spans = [span for span in (west_of_seam, (max(left, 0), right)) if span[0] < span[1]]

        parts = [self._read((top, bottom), span, every) for span in spans]
        values, weights = (np.concatenate(arrays, axis=1) for arrays in zip(*parts, strict=True))
        v = (row - top) * (values.shape[0] / (bottom - top)) - 0.5
        u = (column - left) * (values.shape[1] / (right - left)) - 0.5
        mean, weight = _interpolate(values, weights, np.where(inside, v, 0), np.where(inside, u, 0), around)
        return self._to_8_bit(mean), inside & (weight >= 0.5)

    def _read(
        self, rows: tuple[int, int], columns: tuple[int, int], every: tuple[int, int]
    ) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Values (h, w, bands) and how far they are data (h, w), averaged over blocks of `every` pixels."""
        window = Window.from_slices(rows, columns)
        shape = math.ceil((rows[1] - rows[0]) / every[0]), math.ceil((columns[1] - columns[0]) / every[1])
        resampling = Resampling.nearest if every == (1, 1) else Resampling.average
        self._refuse_too_much(rows, columns, every, shape)
        with damaged(self.path):
            bands = sorted(set(self._bands))
            read = self._dataset.read(bands, window=window, out_shape=(len(bands), *shape), resampling=resampling)
            if self._all_valid:
                weights = np.ones(shape, np.float32)
            else:
                mask = self._dataset.dataset_mask(window=window, out_shape=shape, resampling=resampling)
                weights = mask.astype(np.float32) / 255
        values = read[[bands.index(band) for band in self._bands]].transpose(1, 2, 0).astype(np.float32)
        missing = ~np.isfinite(values).all(axis=2)
        if missing.any():
            values[missing], weights[missing] = 0, 0
        return values, weights

    def _refuse_too_much(
        self, rows: tuple[int, int], columns: tuple[int, int], every: tuple[int, int], shape: tuple[int, int]
    ) -> None:
        """Refuse a chip for which more would be held, or unpacked, than can be in reasonable time."""
        overviews = [factor for factor in self._overviews if factor <= min(every)]
        unpacked = (rows[1] - rows[0]) * (columns[1] - columns[0]) / max(overviews, default=1) ** 2
        if shape[0] * shape[1] > _MOST_HELD or unpacked > _MOST_UNPACKED:
            raise InputError(
                f"{self.path} has {unpacked:,.0f} pixels under one chip; make a raster with overviews of it, "
                "`gdal_translate -of COG IN OUT.tif`, or take smaller chips."
            )

    def _to_8_bit(self, values: NDArray[np.float32]) -> NDArray[np.uint8]:
        if self._stretch is not None:
            black, white = self._stretch
            values = (values - black) * (255 / (white - black))
        return np.clip(np.rint(values), 0, 255).astype(np.uint8)


def _raster_pixels_a_step(position: NDArray[np.float64]) -> int:
    """Raster rows (or columns) to average so that a step to the next chip pixel crosses about one. position: (h, w).

    A power of two, at least 1: blocks of that many pixels lie on the pixels of the usual overviews.
    """
    down, right = np.diff(position, axis=0)[:, :-1], np.diff(position, axis=1)[:-1]
    step = np.nanmedian(np.hypot(down, right))  # the median: jumps at a seam and around a pole do not count
    return 1 if step < 1 else int(2 ** round(math.log2(step)))


def _padded_span(position: NDArray[np.float64], every: int) -> tuple[int, int]:
    """First and last (exclusive) row or column, multiples of `every`, that interpolation needs. position: (n,)."""
    first = math.floor((position.min() / every) - 1) * every
    return first, math.ceil((position.max() / every) + 1) * every


def _interpolate(
    values: NDArray[np.float32],
    weights: NDArray[np.float32],
    v: NDArray[np.float64],
    u: NDArray[np.float64],
    around: bool,
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Bilinear means of values (rows, columns, bands) at row v, column u (h, w each), and their weights (h, w).

    Centres lie on whole numbers. Beyond the outermost the values go on; columns go around if asked.
    """
    rows, columns = weights.shape
    v0, u0 = np.floor(v).astype(np.int64), np.floor(u).astype(np.int64)
    fv, fu = (v - v0).astype(np.float32), (u - u0).astype(np.float32)
    total: NDArray[np.float32] = np.zeros((*v.shape, values.shape[2]), np.float32)
    weight: NDArray[np.float32] = np.zeros(v.shape, np.float32)
    for i, wv in ((v0, 1 - fv), (v0 + 1, fv)):
        for j, wu in ((u0, 1 - fu), (u0 + 1, fu)):
            at = np.clip(i, 0, rows - 1), j % columns if around else np.clip(j, 0, columns - 1)
            share = wv * wu * weights[at]
            total += share[:, :, None] * values[at]
            weight += share
    total /= np.maximum(weight, 1e-6)[:, :, None]
    return total, weight
