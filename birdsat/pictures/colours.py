"""The colours of maps, and of what is drawn beside them."""

from matplotlib.colors import LinearSegmentedColormap

WATER, NO_DATA, LAND, RANGE = "#dbe6ec", "#bdbdba", "#f1eee6", "#a8327d"
# Bare land where the taxon is not expected, darker in even steps of lightness where it is.
SCORE_COLOURS = LinearSegmentedColormap.from_list(
    "score", ["#f6f3ea", "#f6dfb0", "#f2ad6e", "#dd6279", "#a8327d", "#5f1a80", "#21104c"]
)
INK, FRAME, QUIET = "#33363b", "#8a8d92", "#6b6f76"
COAST = "#5d646d"
POINT, POINT_EDGE = "#38e8d0", "#06322c"
