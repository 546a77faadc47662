"""Blocks of cells worked on side by side, each by one thread."""

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import islice
from typing import TypeVar

import torch

Item = TypeVar("Item")
Made = TypeVar("Made")
_MOST_THREADS = 8  # each holds a block and what is made of it


def in_threads(call: Callable[[Item], Made], items: Iterable[Item]) -> Iterator[Made]:
    """What `call` makes of every item, in their order; no more than the threads and one are held at a time.

    In as many threads as torch computes with, and in each of them torch computes with one: the products of a block are
    so small that threads which share one mostly wait for each other, and where others compute as well, for those too.
    A single item has all of torch's threads.
    """
    of_torch = torch.get_num_threads()
    count = min(of_torch, _MOST_THREADS)
    rest = iter(items)
    first = deque(islice(rest, 2))
    several = _and_then(first, rest)
    if count == 1 or len(first) < 2:
        yield from map(call, several)
        return
    pool = ThreadPoolExecutor(count, initializer=torch.set_num_threads, initargs=(1,))
    waiting: deque[Future[Made]] = deque()
    try:
        for item in several:
            waiting.append(pool.submit(call, item))
            if len(waiting) > count:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
    finally:
        pool.shutdown(cancel_futures=True)
        torch.set_num_threads(of_torch)  # threads of others that start from now on take what was last set in any


def _and_then(first: deque[Item], rest: Iterator[Item]) -> Iterator[Item]:
    while first:
        yield first.popleft()
    yield from rest
