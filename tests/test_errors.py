from birdsat.errors import BirdsatError, UnknownTaxonError


def test_an_unknown_taxon_offers_the_nearest_names_and_where_to_list_them() -> None:
    error = UnknownTaxonError("Setophaga citrna", ["Setophaga citrina", "Apus apus"], listing="`birdsat taxa RUN`")
    assert "nearest: 'Setophaga citrina'" in str(error)
    assert "2 labels" in str(error) and "`birdsat taxa RUN`" in str(error)
    assert "Apus" not in str(error)
    assert isinstance(error, BirdsatError)


def test_a_taxon_like_no_other_offers_none() -> None:
    assert "nearest" not in str(UnknownTaxonError("xyz", ["Apus apus"], listing="`birdsat taxa RUN`"))
