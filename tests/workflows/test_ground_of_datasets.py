"""A dataset's rows through a run: which datasets fit it."""

from collections.abc import Callable
from pathlib import Path

import pytest
from made_runs import PHOTO, NoiseImages, make_dataset, make_run

from birdsat.dataset.row_groups import Dataset
from birdsat.embeddings.embed import embed_split
from birdsat.errors import ConfigError
from birdsat.methods.mae import MaeConfig
from birdsat.training.run_folder import load_run
from birdsat.workflows.classify import classify
from birdsat.workflows.embed import embed
from birdsat.workflows.requests.regions import EmbedRequest
from birdsat.workflows.requests.tasks import ClassifyRequest, RetrieveRequest
from birdsat.workflows.retrieve import retrieve

VERBS: dict[str, Callable[[Path, Path, Path], object]] = {
    "classify": lambda run, data, out: classify(ClassifyRequest(run=run, dataset=data)),
    "finetune with chips": lambda run, data, out: classify(
        ClassifyRequest(run=run, dataset=data, mode="finetune", inputs="photo_chip", out=out)
    ),
    "retrieve": lambda run, data, out: retrieve(RetrieveRequest(run=run, dataset=data)),
    "embed": lambda run, data, out: embed(EmbedRequest(run=run, paths=(data, out))),
}


@pytest.mark.parametrize("verb", VERBS.values(), ids=VERBS)
def test_a_dataset_whose_chips_show_another_size_of_ground_is_refused(
    verb: Callable[[Path, Path, Path], object], run: Path, tmp_path: Path
) -> None:
    folder = make_dataset(tmp_path / "data", images=NoiseImages(7.5)).folder
    with pytest.raises(ConfigError, match=r"5 km.*7\.5 km.*build the dataset with chips of 5 km"):
        verb(run, folder, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_the_ground_size_matters_only_where_chips_are_there_and_seen(run: Path, dataset: Path, tmp_path: Path) -> None:
    same = Dataset(dataset)
    blind = make_run(tmp_path / "blind", MaeConfig(image=PHOTO))
    other, bare = (
        make_dataset(tmp_path / name, images=NoiseImages(7.5), with_chips=chips)
        for name, chips in (("other", True), ("bare", False))
    )
    for folder, dataset in ((blind, other), (run, bare), (run, same)):
        assert len(embed_split(load_run(folder), dataset, "test")) == 2
