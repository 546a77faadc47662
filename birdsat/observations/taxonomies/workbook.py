"""Workbooks of spreadsheets, as authorities publish their lists: the first sheet that holds a table."""

from collections.abc import Iterator
from pathlib import Path

from birdsat.errors import InputError
from birdsat.observations.taxonomies.taxon_rows import text

_INSTALL = "Install what reads workbooks, `pip install 'birdsat[taxonomies]'`, or save the sheet as CSV and give that."


def sheet_rows(path: Path) -> Iterator[list[str]]:
    """The rows of the sheet with the most cells, as text. Raises InputError where the workbook cannot be read."""
    try:
        from python_calamine import CalamineError, CalamineWorkbook
    except ModuleNotFoundError as error:
        raise InputError(f"{path} is a workbook. {_INSTALL}") from error
    try:
        book = CalamineWorkbook.from_path(str(path))
        sheets = [book.get_sheet_by_name(name) for name in book.sheet_names]
        largest = max(sheets, key=lambda sheet: sheet.total_height * sheet.total_width, default=None)
        rows = [] if largest is None else largest.to_python(skip_empty_area=False)
    except (CalamineError, OSError, ValueError) as error:
        raise InputError(f"workbook {path} cannot be read ({error}); save the sheet as CSV and give that.") from error
    for row in rows:
        yield [text(cell) for cell in row]
