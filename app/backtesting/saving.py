"""Results on disk: what a backtest was made of and what it gave, so that it can be repeated and compared.

::

    results/2026-11-26T17-30-12-sma_cross/
        result.json        settings, code, data, version, seed, verdict, metrics
        trades.parquet  orders.parquet  decisions.parquet  equity.parquet
"""

import hashlib
import inspect
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from shutil import rmtree
from typing import Any, Final

import pandas as pd

from app.backtesting.result import BacktestResult
from app.config.models import BotConfig
from app.domain.errors import ConfigError
from app.report.plain import plain_report
from app.strategies.base import BaseStrategy

FORMAT: Final = 1
TABLES: Final = ("trades", "orders", "decisions", "equity")
_SETTINGS: Final = {"strategy": True, "risk": True, "paper": True, "backtest": True, "exchange": {"market"}}


@dataclass(frozen=True, slots=True)
class DataAsked:
    """Which candles a backtest was asked to trade, in the words of the command line."""

    path: str
    symbols: tuple[str, ...]
    start: str | None
    end: str | None
    fine: str | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Saved:
    """A result as it was saved.

    Attributes:
        folder: Where it stands.
        document: What `result.json` holds.
        tables: The tables by name.
    """

    folder: Path
    document: Mapping[str, Any]
    tables: Mapping[str, pd.DataFrame]

    @property
    def config(self) -> BotConfig:
        """The settings it ran with; those of the exchange are not saved."""
        settings = self.document["settings"]
        exchange = {"name": "simulated", **settings.get("exchange", {})}
        return BotConfig.model_validate({**settings, "exchange": exchange})

    @property
    def data(self) -> DataAsked:
        """The candles it was asked to trade."""
        asked = self.document["data"]
        return DataAsked(asked["path"], tuple(asked["symbols"]), asked["start"], asked["end"], asked.get("fine"))


def document_of(result: BacktestResult, data: DataAsked, *, seed: int) -> dict[str, Any]:
    """Everything that `result.json` says, but for the moment at which it is saved."""
    report = plain_report(result.report(seed=seed))
    certificates = {symbol: certificate.as_json() for symbol, certificate in result.certificates.items()}
    settings = result.config.model_dump(mode="json", include=_SETTINGS)  # type: ignore[arg-type]
    return {
        "format": FORMAT,
        "version": version("keelbot"),
        "seed": seed,
        "settings": settings,
        "code": code_of(result.strategy),
        "data": {
            "path": data.path,
            "symbols": list(data.symbols),
            "start": data.start,
            "end": data.end,
            "certificates": certificates,
            "fine": data.fine,
            "fine_certificates": {name: one.as_json() for name, one in result.fine_certificates.items()},
        },
        "notices": result.notices,
        "causality": result.causality.as_json(),
        "metrics": report["metrics"],
        "intervals": report["intervals"],
    }


def code_of(strategy: BaseStrategy) -> dict[str, str]:
    """The strategy's class, and the SHA-256 of the file that it stands in; without one, of nothing."""
    kind = type(strategy)
    try:
        content = Path(inspect.getfile(kind)).read_bytes()
    except (OSError, TypeError):
        content = b""
    return {"strategy": kind.__name__, "sha256": hashlib.sha256(content).hexdigest()}


def save(result: BacktestResult, document: Mapping[str, Any], results: Path, *, at: str) -> Path:
    """Write a result into a new folder below `results`.

    Args:
        result: The backtest.
        document: What `document_of` made of it.
        results: The folder of all results; it is made when it is not there.
        at: The present moment, ISO 8601 with seconds.

    Raises:
        ConfigError: the folder cannot be written.
    """
    strategy = result.config.strategy.name
    name = f"{at[:19].replace(':', '-')}-{Path(strategy.rpartition(':')[0]).stem or strategy}"
    folder, part = results / name, None
    text = json.dumps({"saved": at, **document}, indent=1, allow_nan=False)
    try:
        results.mkdir(parents=True, exist_ok=True)
        part = results / f".unfinished-{name}-{os.getpid()}"
        part.mkdir(exist_ok=True)
        for table, frame in _tables(result).items():
            frame.to_parquet(part / f"{table}.parquet")
        (part / "result.json").write_text(text + "\n", encoding="utf-8")
        count = 1
        while folder.exists():
            count += 1
            folder = results / f"{name}-{count}"
        part.rename(folder)
    except OSError as error:
        raise ConfigError(f"results cannot be written to {folder} ({error}): choose another --results") from None
    finally:  # also when it is interrupted: a result is there in full or not at all
        if part is not None:
            rmtree(part, ignore_errors=True)
    return folder


def load_saved(folder: Path) -> Saved:
    """A saved result.

    Raises:
        ConfigError: there is none, or it was saved by a version that this one does not know.
    """
    path = folder / "result.json"
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
        if not isinstance(document, dict) or not {"format", "settings", "data"} <= document.keys():
            raise ConfigError(f"{str(path)!r} was not written by keel backtest --save: give the folder of a result")
        if document["format"] != FORMAT:
            raise ConfigError(f"{str(folder)!r} has format {document['format']}, known is {FORMAT}: update Keel")
        path = next((at for table in TABLES if not (at := folder / f"{table}.parquet").is_file()), path)
        tables = {table: pd.read_parquet(folder / f"{table}.parquet") for table in TABLES}
    except (FileNotFoundError, NotADirectoryError):
        raise ConfigError(f"{str(folder)!r} is no saved result ({path} is missing): give its folder") from None
    except (OSError, ValueError) as error:
        raise ConfigError(f"{str(folder)!r} cannot be read ({error}): give another result") from None
    return Saved(folder, document, tables)


def as_saved(result: BacktestResult, document: Mapping[str, Any]) -> Saved:
    """A result as it would be saved, to compare it with one that was."""
    return Saved(Path("this run"), json.loads(json.dumps(document)), _tables(result))


def _tables(result: BacktestResult) -> dict[str, pd.DataFrame]:
    return {
        "trades": result.trades,
        "orders": result.orders,
        "decisions": result.decisions,
        "equity": result.equity.to_frame("equity"),
    }
