"""Reads candle files: Parquet, CSV, and Binance's public dumps, plain, .zip or .gz.

Dumps: https://github.com/binance/binance-public-data, twelve columns, spot without header, milliseconds until 2024 and
microseconds since 2025; USD-M futures with a header, except some of 2022.
"""

import gzip
import hashlib
import io
import lzma
import zipfile
import zlib
from pathlib import Path
from textwrap import shorten
from typing import Any, Final

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from app.core.window import COLUMNS
from app.data.candles import Candles
from app.data.quality import DataQuality, clean
from app.domain.errors import DataError

TIME_NAMES: Final = ("open_time", "time", "timestamp", "date", "datetime", "opentime", "open time")
EARLIEST_MS: Final = 631_152_000_000  # 1990: what lies before, or after 2200, was no time in s, ms, µs or ns
LATEST_MS: Final = 7_258_118_400_000
BATCH_ROWS: Final = 262_144
HEADERLESS_WIDTHS: Final = (6, 11, 12)  # bare candles; Binance's dump without and with its last, unused column


def read_candles(path: Path) -> tuple[Candles, DataQuality]:
    """Read a file, put it in order and say in what state it was.

    Raises:
        DataError: one sentence with the file, the line or column, and the remedy.
    """
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        raise DataError(f"candle file {str(path)!r} does not exist: give the path of a Parquet or CSV file") from None
    except OSError as error:
        raise DataError(f"candle file {str(path)!r} cannot be read: {error.strerror}") from None
    digest = hashlib.sha256(content).hexdigest()
    content = _unpacked(path, content)
    if content[:4] == b"PAR1":
        if (numbers := _plain_parquet(content)) is not None:
            return clean(*numbers, digest)
        table = _parquet(path, content)
    else:
        table = _csv(path, content)
    del content
    times = _milliseconds(path, table.pop("time"))
    values = np.empty((len(COLUMNS), len(table)))
    for place, name in enumerate(COLUMNS):
        values[place] = _numbers(path, table.pop(name), name)
    return clean(times, values.T, digest)


def _unpacked(path: Path, content: bytes) -> bytes:
    try:
        if content[:2] == b"\x1f\x8b":
            return gzip.decompress(content)
        if content[:2] != b"PK":
            return content
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            names = [name for name in archive.namelist() if not name.endswith("/")]
            if len(names) != 1:
                raise DataError(f"{path}: the archive holds {len(names)} files: pack one candle file per archive")
            return archive.read(names[0])
    except (zipfile.BadZipFile, zlib.error, lzma.LZMAError, EOFError, OSError) as error:
        raise DataError(f"{path}: the archive is damaged ({error}): fetch the file again") from None
    except (RuntimeError, NotImplementedError) as error:  # encrypted, or packed by an unknown method
        raise DataError(f"{path}: the archive cannot be unpacked ({error}): unpack it first") from None


def _plain_parquet(content: bytes) -> tuple[NDArray[np.int64], NDArray[np.float64]] | None:
    """Columns of floats and of milliseconds one by one, so that years of minutes take little more memory than they are.

    None for any other file, and for one that cannot be read.
    """
    try:
        file = pq.ParquetFile(pa.BufferReader(content))
        names = {str(name).lower(): name for name in file.schema_arrow.names}
        found = [next((name for name in TIME_NAMES if name in names), ""), *COLUMNS]
        time, *prices = wanted = [names.get(name, "") for name in found]
        kinds = [pa.int64(), *[pa.float64()] * len(COLUMNS)]
        if "" in wanted or [file.schema_arrow.field(name).type for name in wanted] != kinds:
            return None
        rows = file.metadata.num_rows
        open_ms, values = np.empty(rows, dtype=np.int64), np.empty((len(COLUMNS), rows))
        if not rows or not _fill(open_ms, file, time):
            return None
        if not (open_ms.min() >= EARLIEST_MS and open_ms.max() <= LATEST_MS):
            return None
        for place, name in enumerate(prices):
            _fill(values[place], file, name)
    except pa.ArrowException:
        return None
    return open_ms, values.T


def _fill(out: NDArray[Any], file: pq.ParquetFile, name: str) -> bool:
    """Copy a column piece by piece, so that it is never there twice; whether it is without an empty cell."""
    at, is_full = 0, True
    for batch in file.iter_batches(batch_size=BATCH_ROWS, columns=[name]):
        column = batch.column(0)
        out[at : at + len(column)] = column.to_numpy(zero_copy_only=False)
        at, is_full = at + len(column), is_full and not column.null_count
    return is_full


def _parquet(path: Path, content: bytes) -> pd.DataFrame:
    try:
        table = pq.read_table(pa.BufferReader(content))
        if not table.num_columns:
            raise DataError(f"{path}: the file has no columns: give a file of candles")
        frame = table.to_pandas(split_blocks=True, self_destruct=True)
        del table
    except pa.ArrowException as error:
        raise DataError(f"{path}: no readable Parquet file ({error}): fetch the file again") from None
    if isinstance(frame.index, pd.DatetimeIndex):
        frame = frame.reset_index(names="time")
    return _named(path, frame)


def _csv(path: Path, content: bytes) -> pd.DataFrame:
    first_line = content.removeprefix(b"\xef\xbb\xbf").split(b"\n", 1)[0].strip()
    if not first_line:
        raise DataError(f"{path}: line 1 is empty: the file holds no candles")
    cells = first_line.split(b",")
    headerless = cells[0][:1].isdigit()
    if headerless and len(cells) not in HEADERLESS_WIDTHS:
        raise DataError(
            f"{path}: line 1 has {len(cells)} columns and no header: candles have 6 (time, open, high, low, close, "
            f"volume) or Binance's 12"
        )
    try:
        frame = pd.read_csv(
            io.BytesIO(content),
            header=None if headerless else 0,
            encoding="utf-8-sig",
            skip_blank_lines=False,
            low_memory=False,
        )
    except (pd.errors.ParserError, UnicodeDecodeError) as error:
        raise DataError(f"{path}: no readable CSV file ({str(error).strip()}): fetch the file again") from None
    frame.index += 1 if headerless else 2  # the index is the line number
    frame = frame.dropna(how="all")
    if headerless:
        return frame.iloc[:, :6].set_axis(["time", *COLUMNS], axis=1)
    return _named(path, frame)


def _named(path: Path, frame: pd.DataFrame) -> pd.DataFrame:
    """The six columns, whatever their case and whatever the time is called."""
    names = {str(name).strip().lower(): name for name in frame.columns}
    time = next((names[name] for name in TIME_NAMES if name in names), None)
    absent = [name for name in COLUMNS if name not in names]
    if time is None:
        absent.insert(0, "open_time")
    if absent:
        held = shorten(", ".join(map(str, frame.columns)), 200, placeholder=" ...")
        raise DataError(f"{path}: column {', '.join(absent)} is missing (there are {held}): give a file of candles")
    return frame[[time, *(names[name] for name in COLUMNS)]].set_axis(["time", *COLUMNS], axis=1)


def _numbers(path: Path, column: pd.Series, name: str) -> NDArray[np.float64]:
    """A column as floats; an empty cell is NaN, which no candle survives."""
    if column.dtype == np.float64:
        return column.to_numpy()
    numbers = pd.to_numeric(column, errors="coerce")
    wrong = numbers.isna() & column.notna()
    if wrong.any():
        raise DataError(
            f"{path}: line {wrong.idxmax()}, column {name!r} holds {str(column[wrong].iloc[0])!r}: a number is needed"
        )
    return numbers.to_numpy(dtype=np.float64)


def _milliseconds(path: Path, column: pd.Series) -> NDArray[np.int64]:
    """Open times in ms UTC from dates, ISO texts (naive means UTC) or numbers since the epoch in s, ms, µs or ns."""
    numbers = column if pd.api.types.is_datetime64_any_dtype(column) else pd.to_numeric(column, errors="coerce")
    if pd.api.types.is_numeric_dtype(numbers) and numbers.notna().any():
        _refuse(path, column, numbers.isna() | (numbers.abs() >= 2**63))
        ticks = numbers.to_numpy(dtype=np.int64)
        if ticks.min() >= 10**11 and ticks.max() < 10**14:
            times = ticks.copy()
        else:
            units = [ticks >= 10**17, ticks >= 10**14, ticks >= 10**11]
            times = np.select(units, [ticks // 1_000_000, ticks // 1_000, ticks], default=ticks * 1_000)
    else:
        dates = pd.to_datetime(column, utc=True, errors="coerce", format="ISO8601")
        _refuse(path, column, dates.isna())
        times = pd.DatetimeIndex(dates).as_unit("ms").asi8
    _refuse(path, column, pd.Series((times < EARLIEST_MS) | (times > LATEST_MS), index=column.index))
    return times


def _refuse(path: Path, times: pd.Series, wrong: "pd.Series[bool]") -> None:
    if wrong.any():
        found = str(times[wrong].iloc[0])
        raise DataError(f"{path}: line {wrong.idxmax()}, the time is {found!r}: give ms or ISO 8601 (UTC)")
