"""Candles for a backtest, from a file or a folder of files: joined, in one length, within a range; holes stay holes."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import numpy as np
import pandas as pd

from app.core.window import candle_frame, utc_minute
from app.data.candles import Candles
from app.data.files import read_candles
from app.data.names import symbol_in
from app.data.quality import DataQuality, clean
from app.domain.errors import ConfigError, DataError
from app.domain.timeframe import SUPPORTED, Timeframe

SUFFIXES: Final = (".parquet", ".csv", ".zip", ".csv.gz")


@dataclass(frozen=True, slots=True)
class SourceFile:
    """One file that candles came from, and the state it was in."""

    path: Path
    quality: DataQuality


@dataclass(frozen=True, slots=True, eq=False)
class History:
    """One market's candles.

    Attributes:
        symbol: The market.
        timeframe: Length of a candle.
        candles: As `backtest()` wants them; columns are contiguous.
        files: Where they came from, in order of time.
        repeated: Candles that stood in more than one file with the same values.
        contradicting: Candles that stood in more than one file with other values; the later file counts.
    """

    symbol: str
    timeframe: Timeframe
    candles: pd.DataFrame
    files: tuple[SourceFile, ...]
    repeated: int
    contradicting: int


def load_histories(
    data: Path,
    *,
    symbols: Iterable[str] = (),
    otherwise: str = "BTC/USDT",
    timeframe: str | None = None,
    start: str | None = None,
    end: str | None = None,
) -> dict[str, History]:
    """The candles of each market, by symbol.

    Args:
        data: A file of `app.data.files`, or a folder; the markets are told by the files' names.
        symbols: The markets wanted; all that are there by default.
        otherwise: The market of files whose names tell none.
        timeframe: Length of the candles; longer ones than the files' are made. The files' own by default.
        start: First moment (ISO 8601, UTC without a zone).
        end: The moment before which the last candle opens.

    Raises:
        ConfigError: path, market, timeframe or range is not what the files have.
        DataError: a file cannot be read.
    """
    found = _by_symbol(data, otherwise)
    wanted = list(dict.fromkeys(symbols)) or sorted(found)
    if data.is_file() and symbol_in(data.name) is None and len(wanted) == 1:
        found = {wanted[0]: [data]}  # a file of one's own may have any name
    if absent := [symbol for symbol in wanted if symbol not in found]:
        raise ConfigError(f"{data} has no candles of {absent[0]}: there are {', '.join(sorted(found))}")
    since_ms, until_ms = _moment("start", start), _moment("end", end)
    return {symbol: _history(symbol, found[symbol], timeframe, since_ms, until_ms) for symbol in wanted}


def symbols_in(data: Path, otherwise: str) -> tuple[str, ...]:
    """The markets that there are candles of; errors as in `load_histories`."""
    return tuple(sorted(_by_symbol(data, otherwise)))


def _by_symbol(data: Path, otherwise: str) -> Mapping[str, list[Path]]:
    if data.is_file():
        return {symbol_in(data.name) or otherwise: [data]}
    if not data.is_dir():
        raise ConfigError(f"candle data {str(data)!r} does not exist: give a Parquet or CSV file, or a folder of them")
    grouped: dict[str, list[Path]] = {}
    for path in sorted(data.iterdir()):
        if path.is_file() and path.name.lower().endswith(SUFFIXES) and not path.name.startswith("."):
            grouped.setdefault(symbol_in(path.name) or otherwise, []).append(path)
    if not grouped:
        raise ConfigError(f"folder {str(data)!r} has no candle files ({', '.join(SUFFIXES)}): give another")
    return grouped


def _history(
    symbol: str, paths: list[Path], timeframe: str | None, since_ms: int | None, until_ms: int | None
) -> History:
    parts: list[tuple[Candles, SourceFile]] = []
    for path in paths:
        candles, quality = read_candles(path)
        if not len(candles):
            raise DataError(f"{path} holds no candles ({quality.text()}): give another file")
        parts.append((candles, SourceFile(path, quality)))
    own = _length_of(symbol, parts)
    parts.sort(key=lambda part: int(part[0].times[0]))
    candles, repeated, contradicting = _joined(parts)
    length = _length_wanted(symbol, own, timeframe)
    if length.ms != own.ms:
        candles = candles.aggregate(length)
    chosen = candles.between(since_ms, until_ms, None)
    if not len(chosen):
        raise ConfigError(_nothing_in_range(symbol, candles, length, since_ms, until_ms))
    files = tuple(file for _, file in parts)
    frame = candle_frame(chosen.times, chosen.ohlcv, copy=False)
    return History(symbol, length, frame, files, repeated, contradicting)


def _length_of(symbol: str, parts: list[tuple[Candles, SourceFile]]) -> Timeframe:
    """The one length of all files' candles."""
    lengths: dict[int, Path] = {}
    for candles, file in parts:
        spacing = candles.spacing_ms()
        if spacing is not None:
            lengths.setdefault(spacing, file.path)
    if not lengths:
        raise DataError(f"{parts[0][1].path} holds one candle of {symbol}: a backtest needs at least 2")
    if len(lengths) > 1:
        (first, one), (second, other) = list(lengths.items())[:2]
        raise DataError(
            f"{one} holds a candle of {symbol} every {first / 1_000:g} s and {other} one every {second / 1_000:g} s: "
            "give files of one length"
        )
    spacing, path = next(iter(lengths.items()))
    for name in SUPPORTED:
        if (timeframe := Timeframe.parse(name)).ms == spacing:
            return timeframe
    raise DataError(
        f"{path} holds a candle every {spacing / 1_000:g} s, which is none of {', '.join(SUPPORTED)}: give another file"
    )


def _length_wanted(symbol: str, own: Timeframe, wanted: str | None) -> Timeframe:
    length = own if wanted is None else Timeframe.parse(wanted)
    if length.ms % own.ms:
        raise ConfigError(
            f"the candles of {symbol} are {own} long, of which {length} candles cannot be made: "
            f"set strategy.timeframe to {own} or a multiple of it"
        )
    return length


def _joined(parts: list[tuple[Candles, SourceFile]]) -> tuple[Candles, int, int]:
    """All candles in order of time, each once, and how many stood in two files, with the same values and with others.

    The parts let go of their candles.
    """
    if len(parts) == 1:
        return parts[0][0], 0, 0
    times = np.concatenate([candles.times for candles, _ in parts])
    values = np.empty((5, len(times)))
    np.concatenate([candles.ohlcv.T for candles, _ in parts], axis=1, out=values)
    parts[:] = [(Candles(times[:0], values.T[:0]), file) for _, file in parts]
    candles, quality = clean(times, values.T, "")
    return candles, quality.duplicates, quality.conflicts


def _nothing_in_range(
    symbol: str, candles: Candles, length: Timeframe, since_ms: int | None, until_ms: int | None
) -> str:
    if not len(candles):
        return f"the candles of {symbol} are too few for one of {length}: use a shorter strategy.timeframe"
    start = "the beginning" if since_ms is None else utc_minute(since_ms)
    end = "the end" if until_ms is None else utc_minute(until_ms)
    first, last = utc_minute(int(candles.times[0])), utc_minute(int(candles.times[-1]))
    return f"there are no candles of {symbol} from {start} to {end}: choose within {first} and {last}"


def _moment(option: str, text: str | None) -> int | None:
    if text is None:
        return None
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise ConfigError(f'--{option} {text!r} is no moment: write "2021-05-19" or "2021-05-19T13:00"') from None
    return round((moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp() * 1_000)
