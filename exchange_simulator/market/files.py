"""Market data files: candles and trades as Parquet, CSV, or zipped CSV, with or without a header.

What is understood: Binance's public dumps (klines, trades, aggTrades; spot files have no header, futures files do;
times in milliseconds until 2024, in microseconds from 2025 on) and tables with the columns
open_time|timestamp|date|time, open, high, low, close, volume (candles) or time, price, quantity|qty|amount, side
(trades). Nothing is repaired: a row that is no market data stops the reading with a sentence that names it.
"""

import re
import zipfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv
import pyarrow.parquet as pq

from exchange_simulator.market.tape import Flags, Ints
from exchange_simulator.market.walk import Floats

_TIME_NAMES = ("open_time", "timestamp", "time", "date", "datetime", "transact_time")
_QUANTITY_NAMES = ("quantity", "qty", "amount", "size")
_CANDLE_NAMES = ("open", "high", "low", "close", "volume")
_HEADERLESS = {  # number of columns of Binance's dumps, and what stands in them
    6: ("open_time", *_CANDLE_NAMES),
    12: ("open_time", *_CANDLE_NAMES, *(f"unused_{place}" for place in range(6))),
    7: ("id", "price", "qty", "unused_0", "time", "is_buyer_maker", "unused_1"),
    8: ("id", "price", "qty", "unused_0", "unused_1", "time", "is_buyer_maker", "unused_2"),
}
_TRUE_WORDS = ("true", "1", "sell", "s", "ask")  # of `is_buyer_maker`, and of a `side` that means the taker sells


@dataclass(frozen=True, slots=True)
class CandleTable:
    """Candles of one file. `prices` is (n, 4): open, high, low, close; `volume` (n,) in the base asset."""

    name: str
    open_us: Ints
    prices: Floats
    volume: Floats


@dataclass(frozen=True, slots=True)
class TradeTable:
    """Trades of one file, (n,) each; `buyer` says whether the taker buys."""

    name: str
    time_us: Ints
    price: Floats
    quantity: Floats
    buyer: Flags


def read_market_file(path: Path) -> CandleTable | TradeTable:
    """Read one file.

    Raises:
        ValueError: the file is missing, empty, of an unknown kind, or a row in it is no market data.
    """
    if not path.is_file():
        raise ValueError(f"{path.name}: there is no such file, give a Parquet, CSV or zipped CSV file")
    table = _table(path)
    if not table.num_rows:
        raise ValueError(f"{path.name}: the file holds no rows, give one with candles or trades")
    names = set(table.column_names)
    if names.issuperset(_CANDLE_NAMES):
        return _candles(path.name, table)
    if "price" in names and names.intersection(_QUANTITY_NAMES):
        return _trades(path.name, table)
    raise ValueError(
        f"{path.name}: columns {', '.join(table.column_names)} are neither candles (open_time, open, high, low, "
        "close, volume) nor trades (time, price, quantity, side)"
    )


def symbol_in_name(path: Path) -> str | None:
    """The symbol a file's name speaks of (`spot-klines-BTCUSDT-1h-2024.zip` gives BTCUSDT), or None."""
    found = re.search(r"(?<![A-Za-z0-9])[A-Z0-9]{2,}[A-Z]{3,}(?![A-Za-z0-9])", path.name)
    return found.group() if found else None


def _table(path: Path) -> pa.Table:
    try:
        match path.suffix.lower():
            case ".parquet" | ".pq":
                table = pq.read_table(path)
            case ".csv":
                table = _csv(path.name, path.read_bytes())
            case ".zip":
                with zipfile.ZipFile(path) as archive:
                    table = _csv(path.name, archive.read(archive.namelist()[0]))
            case _:
                raise ValueError(f"{path.name}: unknown kind of file, give .parquet, .csv or .zip")
    except (pa.ArrowException, zipfile.BadZipFile, IndexError, OSError) as error:
        raise ValueError(f"{path.name}: not readable as a table: {error}") from error
    return table.rename_columns([name.strip().lower() for name in table.column_names])


def _csv(name: str, data: bytes) -> pa.Table:
    first = data.split(b"\n", 1)[0].strip()
    if re.match(rb"[\d.]+,", first):
        count = first.count(b",") + 1
        if count not in _HEADERLESS:
            raise ValueError(f"{name}: {count} columns without a header are of no known kind: add a header line")
        options = pyarrow.csv.ReadOptions(column_names=list(_HEADERLESS[count]))
    else:
        options = pyarrow.csv.ReadOptions()
    return pyarrow.csv.read_csv(pa.BufferReader(data), read_options=options)


def _candles(name: str, table: pa.Table) -> CandleTable:
    prices = np.stack([_numbers(name, table, column) for column in _CANDLE_NAMES[:4]], axis=1)
    volume = _numbers(name, table, "volume")
    opened, high, low, close = prices.T
    _refuse(name, prices.min(axis=1) <= 0, "a price is not positive")
    _refuse(name, (high < np.maximum(opened, close)) | (low > np.minimum(opened, close)), "high and low do not enclose")
    _refuse(name, volume < 0, "the volume is negative")
    open_us = _instants(name, table)
    _refuse(name, np.diff(open_us, prepend=open_us[0] - 1) <= 0, "the candle does not open after the one before it")
    return CandleTable(name, open_us, prices, volume)


def _trades(name: str, table: pa.Table) -> TradeTable:
    quantity = next(column for column in _QUANTITY_NAMES if column in table.column_names)
    sellers = next((column for column in ("is_buyer_maker", "side") if column in table.column_names), None)
    if sellers is None:
        raise ValueError(f"{name}: trades need a column side or is_buyer_maker that tells who took")
    words = np.char.lower(np.array(pc.cast(table[sellers], pa.string()).to_pylist(), dtype=np.str_))
    trades = TradeTable(
        name,
        _instants(name, table),
        _numbers(name, table, "price"),
        _numbers(name, table, quantity),
        ~np.isin(words, _TRUE_WORDS),
    )
    _refuse(name, trades.price <= 0, "the price is not positive")
    _refuse(name, trades.quantity < 0, "the quantity is negative")
    _refuse(name, np.diff(trades.time_us, prepend=trades.time_us[0]) < 0, "the trade is earlier than the one before it")
    return trades


def _numbers(name: str, table: pa.Table, column: str) -> Floats:
    try:
        values: Floats = pc.cast(table[column], pa.float64()).to_numpy().astype(np.float64)
    except pa.ArrowException as error:
        raise ValueError(f"{name}: column {column} holds something that is no number: {error}") from error
    _refuse(name, ~np.isfinite(values), f"{column} is no number")
    return values


def _instants(name: str, table: pa.Table) -> Ints:
    column = next((column for column in _TIME_NAMES if column in table.column_names), None)
    if column is None:
        raise ValueError(f"{name}: no column of times, name one of {', '.join(_TIME_NAMES)}")
    kind = table[column].type
    if pa.types.is_timestamp(kind):
        instants: Ints = pc.cast(pc.cast(table[column], pa.timestamp("us")), pa.int64()).to_numpy()
        return instants
    times = _numbers(name, table, column)
    _refuse(name, times <= 0, f"{column} is not after 1970")
    for limit, factor in ((1e11, 1e6), (1e14, 1e3), (1e17, 1.0)):
        if times[-1] < limit:
            return np.rint(times * factor).astype(np.int64)
    return np.rint(times / 1e3).astype(np.int64)


def _refuse(name: str, bad: Flags, reason: str) -> None:
    if bad.any():
        raise ValueError(f"{name}: row {int(np.argmax(bad)) + 1}: {reason}; correct the file or leave the row out")
