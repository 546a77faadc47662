from birdsat.tables import Table


def test_a_table_as_markdown_stands_words_left_and_figures_right_and_escapes_bars() -> None:
    table = Table(title="t", columns=["taxon", "rows"])
    table.add_row("a | b", "1")
    table.add_section()
    table.add_row("mean")
    assert table.markdown() == "| taxon | rows |\n| --- | ---: |\n| a \\| b | 1 |\n| mean |  |"
    assert table.sections == [[("a | b", "1")], [("mean", "")]]
