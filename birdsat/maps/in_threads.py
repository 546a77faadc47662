"""Blocks of cells worked on side by side, each by one thread."""

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import chain, islice
from typing import TypeVar

import torch

Item = TypeVar("Item")
Made = TypeVar("Made")


def in_threads(call: Callable[[Item], Made], items: Iterable[Item]) -> Iterator[Made]:
    """What `call` makes of every item, in their order; few are held at a time.

    In as many threads as torch computes with, and in each of them torch computes with one: the products of a block are
    so small that threads which share one mostly wait for each other, and where others compute as well, for those too.
    A single item has all of torch's threads.
    """
    count = torch.get_num_threads()
    rest = iter(items)
    first = list(islice(rest, 2))
    if count == 1 or len(first) < 2:
        yield from map(call, chain(first, rest))
        return
    pool = ThreadPoolExecutor(count, initializer=torch.set_num_threads, initargs=(1,))
    waiting: deque[Future[Made]] = deque()
    try:
        for item in chain(first, rest):
            waiting.append(pool.submit(call, item))
            if len(waiting) > count:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
    finally:
        pool.shutdown(cancel_futures=True)
