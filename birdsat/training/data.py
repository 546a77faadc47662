"""The batches of one training process."""

import time
from collections.abc import Iterable, Iterator

import lightning

from birdsat.dataset.batch import Batch
from birdsat.dataset.read import Batches, TrainingStream
from birdsat.dataset.row_groups import Dataset
from birdsat.training.config import RunConfig


def training_stream(
    config: RunConfig, dataset: Dataset, *, rank: int = 0, ranks: int = 1, start_batch: int = 0
) -> TrainingStream:
    """The train split as the run's settings want it; without images that the method does not look at.

    Raises DatasetError when it is smaller than a batch.
    """
    return TrainingStream(
        dataset,
        "train",
        batch_size=config.batch_size,
        views=config.views,
        seed=config.seed,
        rank=rank,
        ranks=ranks,
        start_batch=start_batch,
        with_photos=config.method.photo_px is not None,
        with_chips=config.method.chip_px is not None and not config.method.chips_are_frozen,
    )


class TimedLoader:
    """Batches from another loader, with the time spent waiting for them."""

    def __init__(self, batches: Iterable[Batch]) -> None:
        self._batches = batches
        self.waited_seconds = 0.0

    def __iter__(self) -> Iterator[Batch]:
        batches = iter(self._batches)
        while True:
            start = time.perf_counter()
            batch = next(batches, None)
            self.waited_seconds += time.perf_counter() - start
            if batch is None:
                return
            yield batch


class TrainingData(lightning.LightningDataModule):
    """The training stream of this process, from the batch on at which a resumed run stands."""

    def __init__(self, config: RunConfig, dataset: Dataset) -> None:
        super().__init__()
        self._config, self._dataset = config, dataset
        self._loader: TimedLoader | None = None

    @property
    def waited_seconds(self) -> float:
        """Time spent waiting for batches so far."""
        return 0.0 if self._loader is None else self._loader.waited_seconds

    def train_dataloader(self) -> TimedLoader:
        trainer, config = self.trainer, self._config
        assert trainer is not None
        stream = training_stream(
            config,
            self._dataset,
            rank=trainer.global_rank,
            ranks=trainer.world_size,
            start_batch=trainer.global_step * config.accumulate,
        )
        on_gpu = trainer.strategy.root_device.type == "cuda"
        self._loader = TimedLoader(Batches(stream, workers=config.workers, pin_memory=on_gpu))
        return self._loader
