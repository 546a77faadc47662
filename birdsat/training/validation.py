"""The named losses on the val split, the same masks every time."""

from collections.abc import Iterable

import torch

from birdsat.dataset.batch import Batch
from birdsat.dataset.read import read_split
from birdsat.dataset.row_groups import Dataset
from birdsat.errors import TrainingError
from birdsat.training.config import RunConfig
from birdsat.training.module import TrainingModule, seeded_generator


@torch.no_grad()
def val_losses(module: TrainingModule, dataset: Dataset, config: RunConfig) -> dict[str, float]:
    """Mean named losses over the val split of the weights that would be kept, without augmentation.

    A short last batch is left out, unless it is the only one: a contrast among fewer samples is easier. With
    several processes each takes every n-th batch. Raises TrainingError for a loss that is not finite.
    """
    method = module.best_method
    was_training = method.training
    method.eval()
    try:
        sums: dict[str, torch.Tensor] = {}
        count = 0
        for number, batch in enumerate(_own_batches(module, dataset, config)):
            generator = seeded_generator(config.seed, 1, module.global_rank, number, device=module.device)
            batch = module.with_chip_features(batch.to(module.device), "val")
            with module.trainer.precision_plugin.forward_context():
                losses = method.losses(batch, generator)
            for name, loss in losses.items():
                sums[name] = sums.get(name, torch.zeros((), device=module.device)) + loss.float()
            count += 1
    finally:
        method.train(was_training)
    values = {
        name: float(module.trainer.strategy.reduce(total / count, reduce_op="mean")) for name, total in sums.items()
    }
    wrong = [name for name, value in values.items() if not abs(value) < float("inf")]
    if wrong:
        raise TrainingError(f"val loss {wrong[0]!r} is {values[wrong[0]]}; finite values are needed.")
    return values


def _own_batches(module: TrainingModule, dataset: Dataset, config: RunConfig) -> Iterable[Batch]:
    """This process's batches; every process gets equally many, because contrast compares across processes."""
    ranks = module.trainer.world_size
    size = max(1, min(config.batch_size, dataset.rows("val") // ranks))
    groups = dataset.rows("val") // size // ranks
    batches = read_split(
        dataset,
        "val",
        batch_size=size,
        photo_px=config.views.photo_px,
        chip_px=config.views.chip_px,
        workers=config.workers,
    )
    for number, batch in zip(range(groups * ranks), batches, strict=False):
        if number % ranks == module.global_rank:
            yield batch
