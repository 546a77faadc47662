"""The words that go with the world: whose its sources are, and its README.md."""

from birdsat.embeddings.regions.world_files import WorldMaking
from birdsat.imagery.ground_sizes import sizes_text

IMAGERY_CREDIT = (
    "NASA Earth Observatory, Blue Marble: Next Generation (2004), with shaded relief and bathymetry. Open data of "
    "NASA: free to use; credit is asked for."
)
ELEVATION_CREDIT = "NOAA National Centers for Environmental Information, ETOPO. Public domain."


def world_card(making: WorldMaking, cells: int, step_degrees: float, components: int) -> str:
    """README.md of a world."""
    plans = zip(making.chip_ground_km, making.spacing_km, making.smooth_km, making.turned, strict=True)
    spacing = "; ".join(
        f"{size:g} km every {every:g} km"
        + (f", averaged within {within:g} km" if within else "")
        + (", the mean over a chip's turns and mirrorings" if turned else "")
        for size, every, within, turned in plans
    )
    return f"""# The world that comes with birdsat

What satellite chips of {sizes_text(making.chip_ground_km)} show of the {cells:,} cells of {step_degrees:g} degrees
that have any land, and of some off the coasts: {components} principal components of the features of a small masked
autoencoder, in eight bits; beside them each cell's elevation and how uneven the land around it is. `birdsat map`,
`fit` and the rest read it where no region is named, and `birdsat embed OUT --grid ... --imagery ...` embeds finer grids
by its encoder.

## Sources and licence

| what | file | whose |
|---|---|---|
| imagery | `{making.imagery.name}`, sha256 `{making.imagery.sha256[:16]}` | {making.imagery.credit} |
| elevation | `{making.elevation.name}`, sha256 `{making.elevation.sha256[:16]}` | {making.elevation.credit} |
| which cells have land | Natural Earth, 1:10 and 1:50 million | Public domain. |

No species record, no climate and nobody's map of a bird went into it. It is given away under the licence of birdsat.
Please credit "Blue Marble: Next Generation, NASA Earth Observatory; ETOPO, NOAA".

## How it was made

`python tools/make_world.py` in birdsat's repository, from these files alone: places drawn at random on land; a masked
autoencoder (`encoder/`, model `{making.model}`) that learned from a chip of each; chips encoded at places
spaced evenly, and interpolated to the cells between
({spacing});
principal components over the land's area without Antarctica, which keep {making.variance_kept:.1%} of the features'
variance. Made with {", ".join(making.versions)}.

## Good for

Range maps, richness and lists of species over regions and continents, at 0.25 degrees or coarser, from occurrences.

## Bad for

- Anything smaller than a cell: habitats within it, small islands beside large ones, gardens and reed beds.
- Change: the imagery is of 2004, one month, and the same for every year.
- Water: lakes and coasts count as the land around them; there are no cells of open sea.
- Places whose colours mislead, such as snow and cloud at high latitudes: the imagery is a mosaic of many days.
- Ice: on Antarctica's plateau cells differ by hardly more than noise.
"""
