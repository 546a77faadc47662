"""The words above a picture: a taxon's common name, and its scientific name in italics."""

from matplotlib.artist import Artist
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.offsetbox import AnchoredOffsetbox, HPacker, TextArea
from matplotlib.text import Text
from matplotlib.transforms import Bbox

from birdsat.observations.scientific_names import parse_name
from birdsat.pictures.colours import INK

_POINTS = 15.0
_LEAST_POINTS = 7.0
_WIDTH = 0.92  # of the picture's, at most


def draw_heading(figure: Figure, title: str, *, is_taxon: bool, common_name: str = "") -> Text:
    """Above all panels, as large as the picture's width allows; in no text does $ start a formula."""
    whole = f"{common_name} ({title})" if common_name else title
    # A table may know its birds by English names alone, such as Northern Cardinal.
    style = "italic" if is_taxon and not common_name and parse_name(title).is_scientific else "normal"
    heading = figure.suptitle(whole, style=style, fontsize=_POINTS, color=INK, parse_math=False)
    width = _extent(figure, heading).width / (figure.get_figwidth() * figure.dpi)
    if width > _WIDTH:
        heading.set_fontsize(max(_LEAST_POINTS, _POINTS * _WIDTH / width))
    return heading


def draw_name_in_italics(figure: Figure, heading: Text, title: str, common_name: str) -> None:
    """In the place of a heading that has been laid out, which is kept for that and not seen: the same in two styles."""
    middle = heading.get_position()[0]
    top = _extent(figure, heading).y1 / (figure.get_figheight() * figure.dpi)
    heading.set_alpha(0)
    look = {"fontsize": heading.get_fontsize(), "color": INK, "parse_math": False}
    parts: list[Artist] = [
        TextArea(text, textprops={"style": style, **look})
        for text, style in ((f"{common_name} (", "normal"), (title, "italic"), (")", "normal"))
    ]
    box = AnchoredOffsetbox(
        loc="upper center",
        child=HPacker(children=parts, pad=0, sep=0, align="baseline"),
        pad=0,
        borderpad=0,
        frameon=False,
        bbox_to_anchor=(middle, top),
        bbox_transform=figure.transFigure,
    )
    box.set_in_layout(False)
    figure.add_artist(box)


def _extent(figure: Figure, text: Text) -> Bbox:
    canvas = figure.canvas
    assert isinstance(canvas, FigureCanvasAgg)
    return text.get_window_extent(canvas.get_renderer())
