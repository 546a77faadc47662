"""The verb for weights that others published."""

from pathlib import Path
from typing import Literal

from tyro.conf import Positional


def import_(
    source: Positional[str],
    run: Positional[Path],
    image: Literal["photo", "chip"] = "photo",
    photo_px: int | None = None,
    chip_px: int | None = None,
    chip_km: tuple[float, ...] = (2.56,),
    heads: int | None = None,
    decoder_heads: int | None = None,
    taxa_from: Path | None = None,
    workers: int = 0,
) -> None:
    """Make a run of a published checkpoint: BirdSAT's CVE and CVM models, Meta's MAE, or a ViT of timm.

    Args:
        source: Checkpoint file, or timm:NAME for a pretrained ViT of that library.
        run: Folder of the new run.
        image: What the encoder of an MAE or a ViT is to see.
        photo_px: Side of photos other than the checkpoint's; positions are interpolated.
        chip_px: Side of chips other than the checkpoint's.
        chip_km: Side of a chip on the ground, kilometres; BirdSAT's are 256 pixels of Sentinel-2. With several, a
            place is encoded at each.
        heads: Attention heads of the encoders, which a checkpoint does not say; known for the usual widths.
        decoder_heads: Attention heads of the decoder.
        taxa_from: Dataset whose training photos give each taxon its mean embedding, which maps need.
        workers: Processes that decode images.
    """
    from birdsat.dataset.row_groups import Dataset
    from birdsat.methods.published.weights import Wanted
    from birdsat.workflows.import_weights import import_weights, learn_taxa

    wanted = Wanted(heads=heads, decoder_heads=decoder_heads, photo_px=photo_px, chip_px=chip_px, image=image)
    made, published = import_weights(source, run, wanted=wanted, chip_km=chip_km)
    seen = [
        f"{px} px {name}"
        for name, px in (("photos", made.config.method.photo_px), ("chips", made.config.method.chip_px))
        if px
    ]
    print(f"{published.kind}, {' and '.join(seen)}: {run}")
    if published.unused:
        print(f"not needed and left out: {len(published.unused)} tensors, such as {published.unused[0]}")
    if taxa_from is not None:
        print(f"{learn_taxa(made, Dataset(taxa_from), workers=workers):,} taxa learned from {taxa_from}")
