"""Python's search for reference cycles, which a command that is about to end need not repeat every 700 objects."""

import gc
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

SELDOM: Final = 200_000  # new objects between two searches; importing pandas and Numba makes some 500,000 that all stay


@contextmanager
def garbage_seldom_collected() -> Iterator[None]:
    """Search seldom: at Python's own pace it is a fifth of a `keel backtest` on a year of minutes."""
    before = gc.get_threshold()
    gc.set_threshold(SELDOM, *before[1:])
    try:
        yield
    finally:
        gc.set_threshold(*before)
