"""The colours of maps, and of what is drawn beside them."""

from matplotlib.colors import LinearSegmentedColormap

WATER, NO_DATA, LAND, RANGE = "#dbe6ec", "#bdbdba", "#f1eee6", "#a8327d"
# Bare land where the taxon is not expected, darker in even steps of lightness where it is, so that the order is seen
# with any kind of colour vision, and in grey.
SCORE_RAMP = ("#f6f3ea", "#f6dfb0", "#f2ad6e", "#dd6279", "#a8327d", "#5f1a80", "#21104c")
SCORE_COLOURS = LinearSegmentedColormap.from_list("score", SCORE_RAMP)
UNCERTAINTY_COLOURS = LinearSegmentedColormap.from_list(
    "uncertainty", ["#f4f5f0", "#b9cdb6", "#6f9f9c", "#2f6480", "#122a4e"]
)
EFFORT_RAMP = ("#f5f3ee", "#d9cfae", "#a9a06a", "#67713b", "#2a3c1d")
EFFORT_COLOURS = LinearSegmentedColormap.from_list("effort", EFFORT_RAMP)
INSIDE, OUTSIDE = "#7fa98f", "#f6f3ea"  # of the area of applicability
INK, FRAME, QUIET = "#33363b", "#8a8d92", "#6b6f76"
COAST = "#5d646d"
POINT, POINT_EDGE = "#38e8d0", "#06322c"
