"""Fixtures for all tests: real SQLite files, candles as tables, a bot on top of them."""

import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from hypothesis import settings
from sqlalchemy.orm import Session

from app.config.masking import _MASKER
from app.config.models import BotConfig
from app.core.database import Database

settings.register_profile("keel", deadline=None)
settings.load_profile("keel")

REPOSITORY = Path(__file__).parent.parent
MINUTE_MS = 60_000
START = pd.Timestamp("2025-01-01", tz="UTC")


@pytest.fixture(autouse=True)
def _secrets_of_one_test_only() -> Iterator[None]:
    """What a test hides, a letter even, is not masked in the sentences that later tests read."""
    before = _MASKER._forms
    yield
    _MASKER._forms = before


@pytest.fixture(scope="session")
def market_data() -> Path:
    """The folder with real candles; the test is skipped where it is absent."""
    folder = Path(os.environ.get("KEEL_MARKET_DATA", REPOSITORY.parent / "shared" / "data"))
    if not folder.is_dir():
        pytest.skip("real market data is not here: set KEEL_MARKET_DATA to its folder")
    return folder


@pytest.fixture(scope="session")
def migrated_database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An empty database of the newest schema; tests copy it because migrating takes a while."""
    path = tmp_path_factory.mktemp("database") / "template.db"
    database = Database()
    database.open(path)
    database.close()
    return path


@pytest.fixture
def database_path(migrated_database: Path, tmp_path: Path) -> Path:
    path = tmp_path / "keel.db"
    shutil.copy(migrated_database, path)
    return path


@pytest.fixture
def database(database_path: Path) -> Iterator[Database]:
    database = Database()
    database.open(database_path)
    yield database
    database.close()


@pytest.fixture
def session(database: Database) -> Iterator[Session]:
    with database.session_scope() as session:
        yield session


@pytest.fixture
def settings_document() -> dict[str, Any]:
    """A complete settings document, as a file would hold it."""
    return {
        "exchange": {"name": "binance", "api_key": "", "api_secret": "", "sandbox_mode": True},
        "risk": {"max_position_size_usd": 1000.0, "stop_loss_pct": 0.02, "take_profit_pct": 0.04},
        "strategy": {
            "name": "sma_cross",
            "symbol": "BTC/USDT",
            "timeframe": "1m",
            "params": {"fast_window": 2, "slow_window": 4},
        },
        "db_path": "keel.db",
    }


@pytest.fixture
def bot_config(settings_document: dict[str, Any]) -> BotConfig:
    return BotConfig.model_validate(settings_document)


@pytest.fixture
def candles() -> Callable[..., pd.DataFrame]:
    """Make minute candles from a list of closes: open is the close before, volume is 1."""

    def make(closes: list[float], start: pd.Timestamp = START) -> pd.DataFrame:
        index = pd.date_range(start, periods=len(closes), freq="1min", name="time")
        close = pd.Series(closes, index=index, dtype=float)
        opened = close.shift(1).fillna(close.iloc[0] if len(close) else 0.0)
        return pd.DataFrame(
            {
                "open": opened,
                "high": pd.concat([opened, close], axis=1).max(axis=1),
                "low": pd.concat([opened, close], axis=1).min(axis=1),
                "close": close,
                "volume": 1.0,
            }
        )

    return make
