"""From a method's settings to the method."""

from birdsat.methods.classifier import BackboneConfig, Classifier, ClassifierConfig
from birdsat.methods.cve_mae import CveMae, CveMaeConfig
from birdsat.methods.cvm_mae import CvmMae, CvmMaeConfig
from birdsat.methods.mae import Mae, MaeConfig
from birdsat.methods.method import Method
from birdsat.methods.moco_geo import MocoGeo, MocoGeoConfig

MethodConfig = BackboneConfig | ClassifierConfig


def build_method(config: MethodConfig) -> Method:
    """A method with fresh weights, drawn from torch's global generator."""
    match config:
        case MaeConfig():
            return Mae(config)
        case CveMaeConfig():
            return CveMae(config)
        case CvmMaeConfig():
            return CvmMae(config)
        case MocoGeoConfig():
            return MocoGeo(config)
        case ClassifierConfig():
            return Classifier(config, build_method(config.backbone))
