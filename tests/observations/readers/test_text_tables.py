"""How text tables are laid out: delimiters, quotes, heads, and blocks of whole rows."""

import csv
import io

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from birdsat.earth.place import Place
from birdsat.errors import InputError
from birdsat.observations.curation import Remark
from birdsat.observations.occurrences import read_occurrences
from birdsat.observations.readers import row_blocks as blocks
from birdsat.observations.readers.tables import read_table
from birdsat.observations.readers.text_layout import find_layout


def taxa(path):
    return [row.taxon for row in read_table(path) if not isinstance(row, Remark)]


def test_a_table_that_excel_saved_as_tab_text_loses_its_quotes(shared_cases):
    found = read_occurrences(shared_cases / "03-excel-tab-text" / "saved_by_excel.txt")
    assert dict(zip(found.taxa, found.counts.tolist(), strict=True)) == {
        "Cardinalis cardinalis": 1,
        "Passerina cyanea": 3,
    }


def test_excel_quotes_cells_with_commas_alone_and_gbif_none(tmp_path):
    path = tmp_path / "t.txt"
    path.write_text(
        'id\tspecies\trights_holder\r\n1\t"Parus major (L., 1758)"\t"A ""big"" one"\r\n2\tParus major\t"Big" one\r\n'
        '3\tParus major\t"begins so\r\n4\tParus major\t""\r\n5\tParus major\t"\r\n'
    )
    rows = list(read_table(path))
    assert [row.taxon for row in rows] == ["Parus major"] * 5
    assert [row.attribution for row in rows] == ['A "big" one', '"Big" one', '"begins so', "", '"']


def test_line_ends_in_cells_that_excel_quotes_do_not_cut_rows(tmp_path):
    path = tmp_path / "t.txt"
    path.write_text('id\tspecies\tlocality\n1\tParus major\t"Oak Park,\nOhio"\n2\tApus apus\t"The ""Lake"""\n')
    assert taxa(path) == ["Parus major", "Apus apus"]


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_the_delimiter_is_that_of_the_head(tmp_path, delimiter):
    path = tmp_path / "t.csv"
    path.write_text(delimiter.join(("species", "lon", "lat")) + "\n" + delimiter.join(("Parus major", "1", "2")) + "\n")
    (row,) = read_table(path)
    assert row.place == Place(1, 2)


def test_the_line_in_which_excel_names_the_delimiter_is_not_the_head(tmp_path):
    path = tmp_path / "t.csv"
    path.write_text("sep=;\nspecies;lon;lat\nParus major;1;2\n")
    assert taxa(path) == ["Parus major"]


@pytest.mark.parametrize(
    "text", ["id\tspecies\n1\t7\tParus major\n2\t8\tApus apus\n", 'id,species\n"1",7,Parus major\n"2",8,Apus apus\n']
)
def test_rows_that_r_numbers_in_front_keep_their_columns(tmp_path, text):
    path = tmp_path / "t.txt"
    path.write_text(text)
    assert [(row.id, row.taxon) for row in read_table(path)] == [("7", "Parus major"), ("8", "Apus apus")]


def test_a_cell_too_many_without_numbers_in_front_is_no_row(tmp_path):
    path = tmp_path / "t.csv"
    path.write_text("species,lon,lat\nParus major,1,2,x\nParus major,1,2,y\n")
    assert [row.reason for row in read_table(path)] == ["wrong number of cells"] * 2


def test_two_columns_of_one_name_are_refused_only_where_it_would_be_read(tmp_path):
    path = tmp_path / "t.csv"
    path.write_text("species,species,lon,lat\nParus major,Apus apus,1,2\n")
    with pytest.raises(InputError, match="2 columns called 'species'"):
        taxa(path)
    path.write_text("species,notes,lon,lat,notes,,\nParus major,a,1,2,b,,\n")
    assert taxa(path) == ["Parus major"]


def test_a_quote_that_is_not_closed_says_over_how_many_lines_it_goes(tmp_path):
    path = tmp_path / "t.csv"
    path.write_text('species,lon,lat\nApus apus,1,2\n"Parus major,1,2\nApus apus,1,2\nApus apus,1,2\n')
    bird, remark = read_table(path)
    assert bird.taxon == "Apus apus" and "over 3 lines: is a quote not closed?" in remark.detail


def test_an_empty_head_is_an_empty_table():
    with pytest.raises(InputError, match="is empty"):
        find_layout(b"\n\n", "t.csv")
    layout = find_layout(b'"a, b";c\n1;2\n', "t.csv")
    assert (layout.names, layout.delimiter, layout.quote, layout.head_bytes) == (("a, b", "c"), ";", '"', 9)


@pytest.mark.parametrize("rows", [1, 2, 150_000])
def test_rows_of_every_block_are_numbered_on(tmp_path, rows):
    path = tmp_path / "t.csv"
    with path.open("w") as file:
        file.write("species,lon,lat\n")
        file.writelines(
            f"Parus major,{i % 180},{i % 89 + 1}\n" if i % 1000 != 7 else "short\n" for i in range(1, rows + 1)
        )
    read = list(read_table(path))
    assert [row.row if isinstance(row, Remark) else row.id for row in read] == [f"row {i}" for i in range(1, rows + 1)]
    assert sum(isinstance(row, Remark) for row in read) == len(range(7, rows + 1, 1000))


cells = st.text(alphabet='ab," \n\r', max_size=6)


@settings(derandomize=True, deadline=None)
@given(rows=st.lists(st.lists(cells, min_size=2, max_size=2), min_size=1, max_size=40), size=st.integers(40, 200))
def test_blocks_end_where_rows_end_whatever_is_quoted(rows, size):
    text = io.StringIO()
    csv.writer(text, lineterminator="\n", quoting=csv.QUOTE_ALL).writerows(rows)
    data = text.getvalue().encode()
    most = blocks.MAX_ROW_BYTES
    blocks.MAX_ROW_BYTES = size
    try:
        parts = [bytes(part).decode() for part in blocks.row_blocks(io.BytesIO(data), ",", '"')]
    finally:
        blocks.MAX_ROW_BYTES = most
    assert "".join(parts).encode() == data
    assert [row for part in parts for row in csv.reader(io.StringIO(part, newline=""))] == rows
