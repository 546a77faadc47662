"""From a method's settings to the method."""

from birdsat.methods.cve_mae import CveMae, CveMaeConfig
from birdsat.methods.mae import Mae, MaeConfig
from birdsat.methods.method import Method

MethodConfig = MaeConfig | CveMaeConfig


def build_method(config: MethodConfig) -> Method:
    """A method with fresh weights, drawn from torch's global generator."""
    match config:
        case MaeConfig():
            return Mae(config)
        case CveMaeConfig():
            return CveMae(config)
