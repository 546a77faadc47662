"""Work on blocks side by side: everything in its order, little held, and no thread left behind."""

import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
import torch

from birdsat.engine.threads import in_threads


@pytest.fixture(autouse=True, params=[1, 3])
def threads(request: pytest.FixtureRequest) -> Iterator[int]:
    before = torch.get_num_threads()
    torch.set_num_threads(request.param)
    yield request.param
    torch.set_num_threads(before)


def test_everything_comes_in_order_and_torch_keeps_its_threads(threads: int) -> None:
    def slow_when_even(item: int) -> tuple[int, int]:
        time.sleep(0.01 * (item % 2 == 0))
        return item, torch.get_num_threads()

    assert list(in_threads(slow_when_even, range(20))) == [(item, 1) for item in range(20)]
    assert torch.get_num_threads() == threads
    with ThreadPoolExecutor(1) as another:
        assert another.submit(torch.get_num_threads).result() == threads
    assert list(in_threads(slow_when_even, [])) == []
    assert list(in_threads(slow_when_even, [7])) == [(7, threads)]  # alone, it has them all


def test_few_items_are_taken_ahead(threads: int) -> None:
    taken = 0

    def items() -> Iterator[int]:
        nonlocal taken
        while taken < 100:
            taken += 1
            yield taken

    for made in in_threads(lambda item: item, items()):
        assert taken - made <= threads


def test_an_error_comes_where_its_item_was_due() -> None:
    found = in_threads(lambda item: 1 // item, [1, 1, 0, 1])
    assert [next(found), next(found)] == [1, 1]
    with pytest.raises(ZeroDivisionError):
        next(found)


def test_leaving_early_ends_the_threads() -> None:
    running = threading.active_count()
    found = in_threads(lambda item: item, iter(range(1000)))
    assert next(found) == 0
    found.close()  # type: ignore[attr-defined]
    assert threading.active_count() == running
