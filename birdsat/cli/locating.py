"""The verb that says where photos could have been taken."""

from pathlib import Path

from tyro.conf import Positional

from birdsat.errors import ConfigError


def locate(
    run: Positional[Path],
    photos: Positional[tuple[Path, ...]],
    region: Path,
    month: int | None = None,
    dataset: Path | None = None,
    queries: int | None = None,
    calibrate: Path | None = None,
    prior: Path | None = None,
    out: Path | None = None,
    workers: int = 0,
    overwrite: bool = False,
) -> None:
    """Say where photos could have been taken: a probability over the cells of a region, as a GeoTIFF and a picture.

    With --dataset in place of photos, measure how far from the truth that is, into RUN/locate.json.

    Args:
        run: Folder of the run.
        photos: Image files, one or several.
        region: Folder of cells that `birdsat embed RUN --grid` made.
        month: 1 to 12, when the photos were taken; all months are added up where it is unknown.
        dataset: Folder of a dataset whose test photos are located and compared with their places.
        queries: At most so many of its photos, drawn at random; 1,000 by default.
        calibrate: Folder of a dataset whose val split the temperature is fitted on; the run's own by default.
        prior: Folder of a dataset whose places say where photos are taken; by default every square kilometre is alike,
            and of --dataset its own are taken.
        out: Folder for the files, PHOTO.tif, PHOTO.png and located.csv; located by default.
        workers: Processes that decode the images of datasets.
        overwrite: Replace files that are there already.
    """
    from birdsat.cli.console import print_table
    from birdsat.workflows.locate import QUERIES, locate_dataset, locate_photos

    if (dataset is None) == (not photos):
        raise ConfigError("give either photos to locate, or --dataset to measure how well that goes.")
    if dataset is not None:
        if month is not None or out is not None or overwrite:
            raise ConfigError("--month, --out and --overwrite are about photos; leave them out beside --dataset.")
        asked = QUERIES if queries is None else queries
        print_table(
            locate_dataset(
                run, dataset, region, queries=asked, calibrate=calibrate, prior=prior, workers=workers
            ).table()
        )
        return
    if queries is not None:
        raise ConfigError("--queries can be used with --dataset only; leave it out.")
    table, files = locate_photos(
        run,
        photos,
        region,
        out=out or Path("located"),
        month=month,
        calibrate=calibrate,
        prior=prior,
        workers=workers,
        overwrite=overwrite,
    )
    print_table(table)
    print(*files, sep="\n")
