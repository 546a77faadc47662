"""What the verbs do with a finished run: read it, do the work, and write the figures beside it."""

import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, Literal

from birdsat.dataset.chip_source import open_chips
from birdsat.dataset.row_groups import Dataset
from birdsat.earth.grid import Grid
from birdsat.embeddings.embed import embed_blocks, embed_split
from birdsat.embeddings.table import EmbeddingTable
from birdsat.embeddings.taxa import load_taxon_means, save_taxon_means, taxon_means
from birdsat.embeddings.write import write_embeddings
from birdsat.maps.draw import draw_map, save_png
from birdsat.maps.points import read_points
from birdsat.maps.predict import predict_maps
from birdsat.maps.write import write_map
from birdsat.observations.observation import Split
from birdsat.tasks.classify import ClassifyReport, classify
from birdsat.tasks.retrieve import RetrieveReport, retrieve
from birdsat.training.config import RunConfig
from birdsat.training.pretrain import pretrain
from birdsat.training.run_folder import Run, load_run


def pretrain_and_name_taxa(config: RunConfig, dataset: Dataset, out: Path, *, resume: bool = False) -> Run:
    """Pretrain, then embed the train split once more to give each taxon its mean photo embedding for maps."""
    run = pretrain(config, dataset, out, resume=resume)
    save_taxon_means(taxon_means(embed_rows(run, dataset, "train", workers=config.workers)), run.path)
    return run


def embed_rows(run: Run, dataset: Dataset, split: Split, *, workers: int = 0) -> EmbeddingTable:
    """Every row of a split through the run's method, with progress."""
    return embed_split(
        run.method,
        dataset,
        split,
        photo_px=run.photo_px,
        chip_px=run.chip_px,
        workers=workers,
        show_progress=True,
    )


def classify_dataset(run_folder: Path, dataset_folder: Path, *, workers: int = 0) -> ClassifyReport:
    """Learn from the train split, choose on val, judge on test; written to RUN/classify.json."""
    run, dataset = load_run(run_folder), Dataset(dataset_folder)
    report = classify(
        embed_rows(run, dataset, "train", workers=workers),
        embed_rows(run, dataset, "val", workers=workers) if dataset.rows("val") else None,
        embed_rows(run, dataset, "test", workers=workers),
    )
    _write_json(run_folder / "classify.json", report.to_dict())
    return report


def retrieve_dataset(run_folder: Path, dataset_folder: Path, *, workers: int = 0) -> RetrieveReport:
    """Search the test split in both directions; written to RUN/retrieve.json."""
    run, dataset = load_run(run_folder), Dataset(dataset_folder)
    report = retrieve(embed_rows(run, dataset, "test", workers=workers))
    _write_json(run_folder / "retrieve.json", report.to_dict())
    return report


def map_taxon(
    run_folder: Path,
    taxon: str,
    grid: Grid,
    months: Sequence[int],
    imagery: str,
    *,
    out: Path,
    points: Iterable[Path] = (),
    workers: int = 0,
) -> tuple[Path, Path]:
    """Map one taxon; the GeoTIFF and the picture that were written."""
    run = load_run(run_folder)
    means = load_taxon_means(run_folder)
    vector = means.vector(taxon)
    marks = [read_points(table, taxon, grid.box) for table in points]
    chips = open_chips(imagery, ground_km=run.chip_ground_km, px=run.chip_px)
    maps = predict_maps(run.method, vector[None], grid, months, chips, workers=workers, show_progress=True)
    out.mkdir(parents=True, exist_ok=True)
    name = taxon.replace(" ", "_").replace("/", "_")
    tiff, picture = out / f"{name}.tif", out / f"{name}.png"
    write_map(tiff, grid, months, maps.score[0], taxon=taxon, model=run_folder.name)
    figure = draw_map(grid, months, maps.score[0], taxon=taxon, subtitle=f"model {run_folder.name}", points=marks)
    save_png(figure, picture)
    return tiff, picture


def embed_dataset(
    run_folder: Path,
    dataset_folder: Path,
    split: Split,
    out: Path,
    *,
    width: Literal["float32", "float16"] = "float32",
    workers: int = 0,
) -> int:
    """Embed a split into a GeoParquet file, block by block; the rows written."""
    run = load_run(run_folder)
    blocks = embed_blocks(
        run.method,
        Dataset(dataset_folder),
        split,
        photo_px=run.photo_px,
        chip_px=run.chip_px,
        workers=workers,
        show_progress=True,
    )
    return write_embeddings(out, blocks, width=width)


def _write_json(path: Path, figures: dict[str, Any]) -> None:
    partial = path.with_name(path.name + ".part")
    partial.write_text(json.dumps(figures, indent=2) + "\n")
    partial.replace(path)
