"""Encoders by name: where the settings of each are found, without importing any."""

ENCODERS: dict[str, str] = {
    "vit": "birdsat.encoders.view_encoder:ViewEncoderConfig",
}
