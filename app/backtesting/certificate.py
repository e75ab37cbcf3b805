"""What the candles of a backtest are worth: the facts that a report states about its data."""

import hashlib
import json
from dataclasses import asdict, dataclass
from typing import Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from app.backtesting.loading import History
from app.core.window import COLUMNS, utc_minute
from app.domain.timeframe import Timeframe
from app.indicators.arrays import F64

OUTLIER: Final = 50.0  # times the usual range
SAMPLE: Final = 20_000  # candles from which the usual range is taken


@dataclass(frozen=True, slots=True)
class Certificate:
    """Facts about one market's candles, as they were traded.

    Attributes:
        symbol: The market.
        timeframe: Length of a candle.
        source: The files, or "memory".
        first_ms: Open time of the first candle, ms UTC.
        last_ms: Open time of the last.
        candles: How many there are.
        missing: How many are missing between the first and the last.
        gaps: Runs of missing candles.
        first_gap_ms: Open time of the first missing candle; None without a gap. `longest_gap_ms` likewise.
        longest_gap_ms: Open time of the first missing candle of the longest gap.
        longest_gap: Candles missing there.
        duplicates: Rows of the files that repeated a candle.
        conflicts: Rows of the files that gave a candle other values; the last one counts.
        out_of_order: Rows that stood behind a later one.
        impossible: Rows that could not be candles and were dropped.
        outliers: Candles that move by more than 50 times the usual range, within themselves or from the close before
            them; the usual range is the median of high / low - 1 of candles that moved. They are traded as they are.
        first_outlier_ms: Open time of the first outlier.
        zero_volume_share: Fraction of the candles in which nothing was traded.
        sha256: Of the file's bytes; of several files', in order of time, the digest of their digests; of candles in
            memory, of their times and columns.
    """

    symbol: str
    timeframe: str
    source: tuple[str, ...]
    first_ms: int
    last_ms: int
    candles: int
    missing: int
    gaps: int
    first_gap_ms: int | None
    longest_gap_ms: int | None
    longest_gap: int
    duplicates: int
    conflicts: int
    out_of_order: int
    impossible: int
    outliers: int
    first_outlier_ms: int | None
    zero_volume_share: float
    sha256: str

    def text(self) -> str:
        """Some lines for a terminal."""
        range_ = f"{utc_minute(self.first_ms)} to {utc_minute(self.last_ms)} UTC"
        lines = [
            f"{self.symbol} {self.timeframe}: {self.candles:,} candles, {range_}",
            f"from {', '.join(self.source)}, SHA-256 {self.sha256[:16]}",
        ]
        if self.gaps and self.first_gap_ms is not None and self.longest_gap_ms is not None:
            gaps = "1 gap" if self.gaps == 1 else f"{self.gaps:,} gaps"
            lines.append(
                f"{self.missing:,} missing in {gaps}, first {utc_minute(self.first_gap_ms)}, "
                f"longest {utc_minute(self.longest_gap_ms)} ({self.longest_gap:,} candles)"
            )
        dirt = {
            "repeated": self.duplicates,
            "contradicting": self.conflicts,
            "out of order": self.out_of_order,
            "impossible and dropped": self.impossible,
        }
        lines += [", ".join(f"{count:,} {word}" for word, count in dirt.items() if count)] if any(dirt.values()) else []
        if self.first_outlier_ms is not None:
            lines.append(f"{self.outliers:,} outliers, first {utc_minute(self.first_outlier_ms)}")
        lines.append(f"{self.zero_volume_share:.2%} without volume")
        return "\n".join(lines)

    def as_json(self) -> dict[str, object]:
        """For programs and saved results."""
        return json.loads(json.dumps(asdict(self)))  # type: ignore[no-any-return]


def certify(history: History) -> Certificate:
    """The certificate of candles from files."""
    qualities = [file.quality for file in history.files]
    digests = [quality.sha256 for quality in qualities]
    digest = digests[0] if len(digests) == 1 else hashlib.sha256("\n".join(digests).encode()).hexdigest()
    return _certificate(
        history.symbol,
        history.timeframe,
        history.candles,
        tuple(file.path.name for file in history.files),
        digest,
        duplicates=sum(quality.duplicates for quality in qualities) + history.repeated,
        conflicts=sum(quality.conflicts for quality in qualities) + history.contradicting,
        out_of_order=sum(quality.out_of_order for quality in qualities),
        impossible=sum(quality.impossible for quality in qualities),
    )


def certify_frame(symbol: str, timeframe: Timeframe, candles: pd.DataFrame) -> Certificate:
    """The certificate of candles that somebody has in memory; the backtest refuses dirty ones, so there is no dirt."""
    return _certificate(symbol, timeframe, candles, ("memory",), content_hash(candles))


def content_hash(candles: pd.DataFrame) -> str:
    """SHA-256 of open times (ms UTC, int64) and of the five columns (float64), one after the other."""
    digest = hashlib.sha256(_times(candles).data)
    for name in COLUMNS:
        digest.update(np.ascontiguousarray(candles[name].to_numpy(), dtype=np.float64).data)
    return digest.hexdigest()


def _certificate(
    symbol: str,
    timeframe: Timeframe,
    candles: pd.DataFrame,
    source: tuple[str, ...],
    digest: str,
    *,
    duplicates: int = 0,
    conflicts: int = 0,
    out_of_order: int = 0,
    impossible: int = 0,
) -> Certificate:
    times = _times(candles)
    before = np.flatnonzero(np.diff(times) != timeframe.ms)
    lengths = (times[before + 1] - times[before]) // timeframe.ms - 1
    longest = int(np.argmax(lengths)) if len(before) else None
    outliers = _outliers(candles, before + 1)
    return Certificate(
        symbol=symbol,
        timeframe=timeframe.name,
        source=source,
        first_ms=int(times[0]),
        last_ms=int(times[-1]),
        candles=len(times),
        missing=int(lengths.sum()),
        gaps=len(before),
        first_gap_ms=int(times[before[0]]) + timeframe.ms if len(before) else None,
        longest_gap_ms=None if longest is None else int(times[before[longest]]) + timeframe.ms,
        longest_gap=0 if longest is None else int(lengths[longest]),
        duplicates=duplicates,
        conflicts=conflicts,
        out_of_order=out_of_order,
        impossible=impossible,
        outliers=len(outliers),
        first_outlier_ms=int(times[outliers[0]]) if len(outliers) else None,
        zero_volume_share=1 - np.count_nonzero(candles["volume"].to_numpy()) / len(times),
        sha256=digest,
    )


def _times(candles: pd.DataFrame) -> NDArray[np.int64]:
    return np.ascontiguousarray(pd.DatetimeIndex(candles.index).as_unit("ms").asi8)


def _outliers(candles: pd.DataFrame, after_gap: NDArray[np.int64]) -> NDArray[np.int64]:
    """Rows of candles that move by more than `OUTLIER` usual ranges; what a gap hides is no move."""
    opens, high, low, close = (candles[name].to_numpy() for name in ("open", "high", "low", "close"))
    usual = _usual_range(high, low)
    if usual is None:
        return np.zeros(0, dtype=np.int64)
    much = 1 + OUTLIER * usual
    moved = high > low * much
    jumped = (opens[1:] > close[:-1] * much) | (opens[1:] * much < close[:-1])
    jumped[after_gap - 1] = False
    moved[1:] |= jumped
    return np.flatnonzero(moved)


def _usual_range(high: F64, low: F64) -> float | None:
    every = max(len(high) // SAMPLE, 1)
    ranges = high[::every] / low[::every] - 1
    ranges = ranges[ranges > 0]
    return float(np.median(ranges)) if len(ranges) else None
