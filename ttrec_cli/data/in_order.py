"""Work in several threads, answers in order, with few of them waiting in memory."""

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

Answer = TypeVar("Answer")


def in_order(jobs: Iterable[Callable[[], Answer]], threads: int, ahead: int = 1) -> Iterator[Answer]:
    """The answer of each job, in the order of the jobs; at most `threads` + `ahead` have left the reader behind."""
    waiting: deque[Future[Answer]] = deque()
    with ThreadPoolExecutor(threads) as pool:
        try:
            for job in jobs:
                waiting.append(pool.submit(job))
                if len(waiting) > threads + ahead:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()
        finally:
            for future in waiting:
                future.cancel()
