"""What a region of given embeddings has in place of imagery."""

from dataclasses import dataclass

from birdsat.earth.bands import RGBBands, Stretch
from birdsat.errors import InputError
from birdsat.imagery.open_imagery import Imagery
from birdsat.imagery.sources import ChipSource


@dataclass(frozen=True)
class GivenEmbeddings(Imagery):
    """Embeddings that somebody else made, of Earth. What they were made from is not here."""

    def _chips(
        self, sizes_km: tuple[float, ...], px: int, bands: RGBBands | None, stretch: Stretch | None
    ) -> ChipSource:
        raise InputError(
            f"{self.text} are embeddings, and no chips can be cut from them; name imagery, such as a raster."
        )
