"""Methods by name: where the settings of each are found, without importing any. A new one is one file and one line."""

METHODS: dict[str, str] = {
    "mae": "birdsat.methods.mae:MaeConfig",
    "cve_mae": "birdsat.methods.cve_mae:CveMaeConfig",
    "cvm_mae": "birdsat.methods.cvm_mae:CvmMaeConfig",
    "moco_geo": "birdsat.methods.moco_geo:MocoGeoConfig",
    "classifier": "birdsat.methods.classifier:ClassifierConfig",
}
