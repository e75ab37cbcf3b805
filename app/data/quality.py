"""What a file of candles is worth: counted while it is read, so that nobody trusts a dirty file unknowingly."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from app.core.window import possible, utc_minute
from app.data.candles import Candles


@dataclass(frozen=True, slots=True)
class DataQuality:
    """The state in which a file was found; every row that is not counted as a candle was dropped.

    Attributes:
        candles: Usable candles.
        first_ms: Open time of the first, ms UTC; None without candles. `last_ms` likewise.
        last_ms: Open time of the last.
        missing: Candles missing between the first and the last.
        holes: Interruptions: runs of missing candles.
        duplicates: Rows that repeat a time with the same values.
        conflicts: Rows that repeat a time with other values; the last one in the file counts.
        out_of_order: Rows that stand behind a later one.
        impossible: Rows that cannot be candles (NaN, price of zero, high below low) or lie off the file's grid.
        zero_volume_share: Fraction of the candles in which nothing was traded.
        sha256: Of the file's bytes, hexadecimal.
    """

    candles: int
    first_ms: int | None
    last_ms: int | None
    missing: int
    holes: int
    duplicates: int
    conflicts: int
    out_of_order: int
    impossible: int
    zero_volume_share: float
    sha256: str

    def text(self) -> str:
        """One line for the log."""
        if self.first_ms is None or self.last_ms is None:
            return f"{self.impossible} impossible rows" if self.impossible else "no rows"
        dirt = {
            "missing": self.missing,
            "duplicated": self.duplicates,
            "contradicting": self.conflicts,
            "out of order": self.out_of_order,
            "impossible": self.impossible,
        }
        span = f"{self.candles} candles, {utc_minute(self.first_ms)} to {utc_minute(self.last_ms)}"
        return ", ".join([span, *(f"{count} {word}" for word, count in dirt.items() if count)])


def clean(times: NDArray[np.int64], values: NDArray[np.float64], sha256: str) -> tuple[Candles, DataQuality]:
    """Sort, drop what is no candle, count what was wrong.

    Args:
        times: Open times in ms UTC, in the file's order, shape (n,).
        values: Open, high, low, close, volume, shape (n, 5).
        sha256: Of the file.
    """
    rows = len(times)
    out_of_order = int((np.diff(times) < 0).sum())
    good = possible(values)
    if not good.all():
        times, values = times[good], values[good]
    if out_of_order:
        order = np.argsort(times, kind="stable")
        times, values = times[order], values[order]
    repeats = np.diff(times) == 0
    same = repeats
    if repeats.any():
        same = repeats & (values[1:] == values[:-1]).all(axis=1)
        last_of_each = np.append(~repeats, True)
        times, values = times[last_of_each], values[last_of_each]
    candles = Candles(times, values)
    spacing = candles.spacing_ms()
    if spacing is not None and (np.diff(candles.times) % spacing).any():
        on_grid = (candles.times - _grid_of(candles.times, spacing)) % spacing == 0
        candles = Candles(candles.times[on_grid], candles.ohlcv[on_grid])
    steps = np.diff(candles.times) // spacing if spacing else np.zeros(0, dtype=np.int64)
    kept = len(candles)
    return candles, DataQuality(
        candles=kept,
        first_ms=int(candles.times[0]) if kept else None,
        last_ms=int(candles.times[-1]) if kept else None,
        missing=int((steps - 1).sum()),
        holes=int((steps > 1).sum()),
        duplicates=int(same.sum()),
        conflicts=int(repeats.sum() - same.sum()),
        out_of_order=out_of_order,
        impossible=rows - kept - int(repeats.sum()),
        zero_volume_share=float((candles.ohlcv[:, 4] == 0).mean()) if kept else 0.0,
        sha256=sha256,
    )


def _grid_of(times: NDArray[np.int64], spacing_ms: int) -> int:
    """Where in a spacing most candles begin, so that one stray first row does not shift the grid."""
    offsets, counts = np.unique(times % spacing_ms, return_counts=True)
    return int(offsets[np.argmax(counts)])
