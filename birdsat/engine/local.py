"""Work shared out to processes of this machine. No torch, so that they start fast."""

import multiprocessing
import os
import pickle
import signal
import sys
import threading
import time
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from multiprocessing import resource_tracker
from multiprocessing.connection import Connection, wait
from typing import Any, TypeVar

from birdsat.errors import BirdsatError, ConfigError, WorkerError

Item = TypeVar("Item")
Made = TypeVar("Made")
_ORPHAN_SECONDS = 1.0  # between two looks at whether the parent is still there


def in_processes(
    call: Callable[[Item], Made], items: Iterable[Item], *, workers: int, doing: str, ahead: int | None = None
) -> Generator[Made, None, None]:
    """What `call` makes of every item, in their order, made by worker processes; with workers 0, by this one.

    call: sent once to each worker, so that it may hold what all items need; it must pickle, as must items and results.
    doing: words for "a worker process died while ...". ahead: items in work before the first of them is asked for;
    one more than the workers by default, so that none waits. They start afresh, so a script that asks for them needs
    the usual `if __name__ == "__main__"`.

    Workers leave Ctrl-C to this process, and end with it, however it ends. When the results are not asked for to their
    end, or an item fails, what is in work is stopped and not waited for. Raises WorkerError when a worker dies,
    ConfigError for fewer workers than 0.
    """
    if workers < 0:
        raise ConfigError(f"workers is {workers}; allowed: 0 (work in this process) or more.", settings=("workers",))
    if workers == 0:
        yield from map(call, items)
        return
    context = multiprocessing.get_context("spawn")  # GDAL and Arrow have threads, which a fork would break
    until_closed, stop = context.Pipe(duplex=False)
    pool = ProcessPoolExecutor(workers, mp_context=context, initializer=_start_worker, initargs=(call, until_closed))
    in_work: deque[Future[Made]] = deque()
    most = workers + 1 if ahead is None else ahead
    try:
        for item in items:
            with _without_ctrl_c():
                in_work.append(pool.submit(_work, item))
            if len(in_work) > most:
                yield in_work.popleft().result()
        while in_work:
            yield in_work.popleft().result()
        pool.shutdown(wait=True)
    except BrokenProcessPool as error:
        raise WorkerError(
            f"a worker process died while {doing}, perhaps for want of memory. Run the same command again, with fewer "
            "workers; what is finished is kept."
        ) from error
    finally:
        stop.close()  # workers that are still there end at once
        pool.shutdown(wait=True, cancel_futures=True)
        until_closed.close()


@contextmanager
def _without_ctrl_c() -> Iterator[None]:
    """What is started meanwhile never sees Ctrl-C, not even before it can say so itself; we see it afterwards."""
    if sys.platform == "win32":
        yield
        return
    resource_tracker.ensure_running()  # starting it would let signals through again
    before = signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGINT])
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


_call: Callable[[Any], Any]  # of this worker process


def _start_worker(call: Callable[[Any], Any], until_closed: Connection) -> None:
    global _call
    _call = call
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with, args=(until_closed,), daemon=True).start()


def _end_with(until_closed: Connection) -> None:
    parent = multiprocessing.parent_process()
    assert parent is not None
    wait([until_closed, parent.sentinel])
    os._exit(1)


def _work(item: Any) -> Any:
    try:
        return _call(item)
    except Exception as error:
        try:
            pickle.loads(pickle.dumps(error))
        except Exception:  # as of an error that is made of more than its words
            kind = BirdsatError if isinstance(error, BirdsatError) else RuntimeError
            raise kind(str(error)) from None
        raise


def leave_signals_to_parent() -> None:
    """In a worker: the parent alone takes notice of signals, and the worker ends when it asks or is gone.

    Ctrl-C reaches every process of the terminal, and a scheduler's SIGTERM every process of the job, while the parent
    may still want what its workers make to come to a good end. Only its own SIGTERM ends them.
    """
    parent = multiprocessing.parent_process()
    assert parent is not None and parent.pid is not None
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    if sys.platform == "linux":  # elsewhere a signal does not tell who sent it
        signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGTERM])
    threading.Thread(target=_end_after, args=(parent.pid,), daemon=True).start()


def _end_after(parent: int) -> None:
    # The parent's sentinel would not do: workers forked later hold copies of its other end.
    while os.getppid() == parent:
        if sys.platform == "linux":
            asked = signal.sigtimedwait([signal.SIGTERM], _ORPHAN_SECONDS)
            if asked is not None and asked.si_pid == parent:
                break
        else:
            time.sleep(_ORPHAN_SECONDS)
    os._exit(0)  # torch in the parent would tell of anything but success
