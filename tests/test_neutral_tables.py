from birdsat.tables import Table


def test_a_table_as_markdown_stands_words_left_and_figures_right_and_escapes_bars() -> None:
    table = Table(title="t", columns=["taxon", "rows"])
    table.add_row("a | b", "1")
    table.add_section()
    table.add_row("mean")
    assert table.markdown() == "| taxon | rows |\n| --- | ---: |\n| a \\| b | 1 |\n| mean |  |"
    assert table.sections == [[("a | b", "1")], [("mean", "")]]


def test_a_table_as_a_frame_has_numbers_where_figures_are_numbers() -> None:
    table = Table(columns=["taxon", "rows", "recall", "chance"])
    table.add_row("Corvus corax", "1,200", "0.500", "0.5 (0.1)")
    table.add_row("mean", "", "0.250", "0.25 (0.1)")
    frame = table.to_frame()
    assert frame["rows"].iloc[0] == 1200 and frame["rows"].isna().tolist() == [False, True]
    assert frame["recall"].tolist() == [0.5, 0.25] and frame["chance"].tolist() == ["0.5 (0.1)", "0.25 (0.1)"]
    assert frame["taxon"].tolist() == ["Corvus corax", "mean"]
