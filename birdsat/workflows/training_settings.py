"""The settings of a run that a request asks for: a recipe's, with single ones replaced."""

from birdsat.errors import ConfigError
from birdsat.recipes.ours import changed
from birdsat.settings import replaced
from birdsat.training.config import RunConfig
from birdsat.workflows.requests.training import TrainingOptions


def with_options(config: RunConfig, options: TrainingOptions) -> RunConfig:
    """The run with the single settings of the request. Raises ConfigError for one that it cannot have."""
    config = changed(config, **{name: getattr(options, name) for name in TrainingOptions.SHORTCUTS})
    try:
        return replaced(config, options.set)
    except ConfigError as error:
        raise ConfigError(str(error), settings=("set",)) from error
