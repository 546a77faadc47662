"""How models on the hub are named."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from birdsat.errors import InputError
from birdsat.fetch.hub import HubAddress

NAMES = st.from_regex(r"[A-Za-z0-9][\w.-]{0,20}", fullmatch=True, alphabet=st.characters(codec="ascii"))


@given(user=NAMES, name=NAMES, revision=st.none() | st.from_regex(r"[\w./-]{1,20}", fullmatch=True))
def test_an_address_reads_back_as_it_is_written(user: str, name: str, revision: str | None) -> None:
    address = HubAddress(repo=f"{user}/{name}", revision=revision)
    assert HubAddress.parse(str(address)) == address


@given(st.text(max_size=30))
def test_any_other_text_is_refused_and_never_breaks(text: str) -> None:
    try:
        assert str(HubAddress.parse(text)) == text
    except InputError as error:
        assert "write hf://user/name" in str(error)


def test_a_revision_may_have_slashes_as_branches_do() -> None:
    assert HubAddress.parse("hf://anna/birds@refs/pr/3").revision == "refs/pr/3"
    with pytest.raises(InputError):
        HubAddress.parse("hf://anna/birds@a@b")
