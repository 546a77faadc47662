"""The parts of a run: its encoder of photos, its encoder of chip, place and date, its classifier."""

import math

import torch
from torch import Tensor, nn

from birdsat.dataset.batch import Batch
from birdsat.errors import InputError
from birdsat.methods.classifier import Classifier
from birdsat.methods.method import Method
from birdsat.tasks.export.part import BATCH, Part, PartName, Port, chip_port, photo_port, place_ports
from birdsat.training.run_folder import Run


class PhotoEncoder(nn.Module):
    """Photos to unit vectors, and to the features before any head."""

    def __init__(self, method: Method) -> None:
        super().__init__()
        self.method = method

    def forward(self, photo: Tensor) -> tuple[Tensor, Tensor]:
        """photo (n, 3, px, px) uint8 to (n, d) and (n, f)."""
        return self.method.embed_photo(photo), self.method.photo_features(photo)


class PlaceEncoder(nn.Module):
    """Chips, places and dates to unit vectors, and to what the chips alone show."""

    def __init__(self, method: Method) -> None:
        super().__init__()
        self.method = method

    def forward(self, chip: Tensor, lon_lat: Tensor, year_fraction: Tensor) -> tuple[Tensor, Tensor]:
        """chip (n, 3, px, px) or (n, sizes, 3, px, px) uint8, lon_lat (n, 2), year_fraction (n,) to (n, d) and (n, f).

        Of several ground sizes, the vector is of their mean, and the features stand one after another, as in a region.
        """
        if chip.ndim == 4:
            features = self.method.encode_chip(chip).float()
            return self.method.embed_chip(features, lon_lat, year_fraction), features
        each = torch.stack([self.method.encode_chip(chip[:, size]).float() for size in range(chip.shape[1])], dim=1)
        return self.method.embed_chip(each.mean(dim=1), lon_lat, year_fraction), each.flatten(1)


class Naming(nn.Module):
    """What a classifier looks at to probabilities, with the temperature that was fitted on val, and their logits."""

    def __init__(self, method: Classifier) -> None:
        super().__init__()
        self.method = method

    def forward(
        self,
        photo: Tensor,
        chip: Tensor | None = None,
        has_chip: Tensor | None = None,
        lon_lat: Tensor | None = None,
        year_fraction: Tensor | None = None,
    ) -> tuple[Tensor, Tensor]:
        """photo (n, 3, px, px), and as many of the others as it looks at, to (n, t) and (n, t)."""
        of_photos = photo[:, 0, 0, 0]  # (n,), for the size of what is not given
        yes = torch.ones_like(of_photos, dtype=torch.bool)
        unknown = torch.full_like(of_photos, math.nan, dtype=torch.float32)
        batch = Batch(
            photos=(photo,),
            chip=photo if chip is None else chip,
            has_photo=yes,
            has_chip=~yes if has_chip is None else has_chip,
            lon_lat=torch.stack([unknown, unknown], dim=1) if lon_lat is None else lon_lat,
            year_fraction=unknown if year_fraction is None else year_fraction,
            label=yes.long(),
            row=yes.long(),
        )
        logits = self.method.logits(batch).float() / self.method.temperature
        return logits.softmax(dim=1), logits


def run_parts(run: Run) -> tuple[dict[PartName, Part], dict[PartName, str]]:
    """The parts that a run can give, and of the others why it cannot."""
    method = run.method.eval()
    parts: dict[PartName, Part] = {}
    lacking: dict[PartName, str] = {}
    photo = photo_port(run.photo_px)
    sizes = max(1, len(run.dataset.chip_ground_km))
    if method.sees_photos:
        with torch.inference_mode():
            shown = PhotoEncoder(method)(photo.example())
        parts["photo-encoder"] = Part(
            name="photo-encoder",
            module=PhotoEncoder(method),
            inputs=(photo,),
            outputs=_vectors(shown, "the same for photos and places that belong together, where it learned so"),
        )
    else:
        lacking["photo-encoder"] = f"{run.path} was trained on chips alone; it has no encoder of photos"
    chip = chip_port(run.chip_px, sizes)
    try:
        with torch.inference_mode():
            shown = PlaceEncoder(method)(chip.example(), *(port.example() for port in place_ports()))
        parts["place-encoder"] = Part(
            name="place-encoder",
            module=PlaceEncoder(method),
            inputs=(chip, *place_ports()),
            outputs=_vectors(shown, "to compare with those of photos"),
        )
    except InputError as error:
        lacking["place-encoder"] = str(error).rstrip(".")
    if isinstance(method, Classifier):
        parts["classifier"] = _classifier(run, method, photo)
    else:
        lacking["classifier"] = (
            f"{run.path} is not a classifier; train one from it: mode finetune of `birdsat classify`"
        )
    lacking["range-model"] = f"{run.path} is a run, not a range model; give the folder of one, made by `birdsat fit`"
    return parts, lacking


def _classifier(run: Run, method: Classifier, photo: Port) -> Part:
    looks_at = method.config.inputs
    beside: tuple[Port, ...] = ()
    if looks_at != "photo":
        has_chip = Port(
            name="has_chip",
            type="bool",
            shape=(BATCH,),
            meaning="whether there is a chip; where not, it is passed over",
        )
        beside = (chip_port(run.chip_px, 1), has_chip)
    if looks_at == "photo_chip_place_date":
        beside += place_ports()
    taxa = len(method.config.taxa)
    return Part(
        name="classifier",
        module=Naming(method),
        inputs=(photo, *beside),
        outputs=(
            Port(
                name="probability",
                type="float32",
                shape=(BATCH, taxa),
                meaning="of each label, with the temperature below",
            ),
            Port(name="logits", type="float32", shape=(BATCH, taxa), meaning="whose softmax the probabilities are"),
        ),
    )


def _vectors(shown: tuple[Tensor, Tensor], meaning: str) -> tuple[Port, Port]:
    embedding, features = (tensor.shape[1] for tensor in shown)
    return (
        Port(name="embedding", type="float32", shape=(BATCH, embedding), meaning=f"unit vectors, {meaning}"),
        Port(name="features", type="float32", shape=(BATCH, features), meaning="before any head, for probes"),
    )
