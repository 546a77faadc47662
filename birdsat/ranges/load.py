"""A range model read back from its folder."""

from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor

from birdsat import config
from birdsat.errors import CheckpointError, ConfigError, InputError, NewerFormatError, newer, not_a
from birdsat.ranges.applicability import Applicability
from birdsat.ranges.covariates.hinges import Hinges
from birdsat.ranges.covariates.scaling import CovariateScaling
from birdsat.ranges.estimator_network import EstimatorNetwork
from birdsat.ranges.estimators import parse_estimator
from birdsat.ranges.facts import AREA, SCHEMA_VERSION, SETTINGS_FILE, WEIGHTS_FILE, RangeFacts
from birdsat.ranges.model import PhotoTerm, RangeModel
from birdsat.ranges.network import RangeNetwork
from birdsat.ranges.projection import InputProjection
from birdsat.reading import file_within, in_place_of, read_json
from birdsat.training.sizes import refuse_other_sizes

_HINGES = "hinges."
_SHAPING = ("inputs", "width", "depth", "members", "harmonics", "basis_harmonics")  # settings that shape tensors


def load_ranges(folder: Path) -> RangeModel:
    """Read what `RangeModel.save` wrote. Raises CheckpointError when it is absent, damaged or of a newer schema."""
    path, weights = folder / SETTINGS_FILE, folder / WEIGHTS_FILE
    if not path.is_file():
        if weights.is_file():
            raise CheckpointError(
                f"{folder} is half written: it has no {SETTINGS_FILE}. Fit it again with `birdsat fit`."
            )
        raise CheckpointError(f"{not_a('range model', folder, SETTINGS_FILE)} Make one with `birdsat fit`.")
    if mistaken := in_place_of(weights):
        raise CheckpointError(f"{weights} does not hold weights: {mistaken}")
    _refuse_earlier(folder)
    try:
        facts = config.load(RangeFacts, path, schema=SCHEMA_VERSION)
        tensors = load_file(file_within(folder, WEIGHTS_FILE))
        shapes = [tuple(value.shape) for value in tensors.values()]
        if not facts.estimator:
            refuse_other_sizes(config.to_dict(facts.network), shapes, only=_SHAPING)
        scaling = CovariateScaling.take_from(tensors, sum(raster.width for raster in facts.rasters))
        _refuse_other_shapes(tensors, len(facts.taxa))
        projection = InputProjection(
            centre=tensors.pop("projection.centre"),
            directions=tensors.pop("projection.directions"),
            covariates=scaling,
        )
        area = {name: tensors.pop(name) for name in list(tensors) if name.startswith(AREA)}
        applicability = Applicability.of_tensors(
            {name.removeprefix(AREA): value for name, value in area.items()},
            taxa=len(facts.taxa),
            inputs=projection.inputs,
        )
        photos = {name: tensors.pop(f"photos.{name}").numpy() for name in _photo_names(tensors)}
        own = {name.removeprefix("network."): value for name, value in tensors.items()}
        network: RangeNetwork | EstimatorNetwork
        if facts.estimator:
            network = EstimatorNetwork(facts.network, facts.estimator, len(facts.taxa), **own)
        else:
            hinges = None
            if facts.regression is not None:
                of_file = {name.removeprefix(_HINGES): own[name] for name in own if name.startswith(_HINGES)}
                hinges = Hinges.of_tensors(of_file, 0 if scaling is None else scaling.inputs)
            network = RangeNetwork(
                facts.network, inputs=projection.inputs, taxa=len(facts.taxa), dated=facts.dated, hinges=hinges
            )
            network.load_state_dict(own)
        term = PhotoTerm(**photos) if photos else None
    except NewerFormatError as error:
        raise CheckpointError(newer(folder, error, "fit it again")) from error
    except (
        OSError,
        ValueError,
        AttributeError,
        TypeError,
        LookupError,
        ArithmeticError,
        RuntimeError,
        SafetensorError,
        ConfigError,
        InputError,
    ) as error:
        said = " ".join(str(error).split())  # torch names tensors that do not fit line by line
        raise CheckpointError(f"{folder} is damaged ({said}); fit it again with `birdsat fit`.") from error
    if facts.estimator:  # what may not be imported is not damage, and said at once
        parse_estimator(facts.estimator, from_file=True)
    network.requires_grad_(False)
    return RangeModel(facts, network, projection, applicability, term, folder)


def _refuse_earlier(folder: Path) -> None:
    """Raise CheckpointError for what an earlier birdsat wrote, before what this one does not know of it is told as
    damage or as newer."""
    with suppress(InputError):
        written = read_json(folder / SETTINGS_FILE)
        schema = written.get("schema_version") if isinstance(written, dict) else None
        if isinstance(schema, int) and schema < SCHEMA_VERSION:
            raise CheckpointError(
                f"{folder} was fitted by an earlier birdsat (schema {schema}, and this one reads {SCHEMA_VERSION}); "
                "fit it again with `birdsat fit`."
            )


def _refuse_other_shapes(tensors: Mapping[str, Tensor], taxa: int) -> None:
    """Raise ValueError where the tensors beside the network do not fit one another."""
    wanted: dict[str, tuple[int, ...]] = {"projection.centre": tensors["projection.directions"].shape[:1]}
    if _photo_names(tensors):
        wanted |= {"photos.vectors": (taxa, tensors["photos.vectors"].shape[-1]), "photos.mean": (taxa,)}
        wanted |= {"photos.deviation": (taxa,)}
    for name, shape in wanted.items():
        if tuple(tensors[name].shape) != shape:
            raise ValueError(f"{name} is {tuple(tensors[name].shape)}; {shape} is needed")
    for name in ("projection.directions", *wanted):
        if tensors[name].dtype != torch.float32:
            raise ValueError(f"{name} is of {tensors[name].dtype}; float32 is needed")


def _photo_names(tensors: Mapping[str, Tensor]) -> list[str]:
    return [name.removeprefix("photos.") for name in tensors if name.startswith("photos.")]
