"""What the settings say reaches the chain."""

import json
import logging
from contextlib import suppress
from decimal import Decimal
from pathlib import Path

import pytest

from app.cli.compose import running_bot
from app.config.models import BotConfig
from app.core.database import db
from app.domain.errors import ConfigError, DatabaseError
from app.repositories import OrderRepository, TradeRepository

BTC = "BTC/USDT"


@pytest.fixture
def document(tmp_path, candles) -> dict:
    """Odd values everywhere, on candles that cross their averages."""
    closes = [100.0 + 10 * ((i // 4) % 2) + (i * 7 % 5) / 10 for i in range(60)]
    candles(closes).reset_index(names="open_time").to_parquet(tmp_path / "candles.parquet")
    return {
        "exchange": {
            "name": "replay",
            "replay": {"file": str(tmp_path / "candles.parquet"), "speed": 0},
            "market": {"price_tick": "0.05", "quantity_step": "0.3", "min_notional": "7"},
        },
        "risk": {"max_position_size_usd": "777"},
        "strategy": {"name": "sma_cross", "symbol": BTC, "params": {"fast_window": 2, "slow_window": 4}},
        "db_path": str(tmp_path / "keel.db"),
        "paper": {"cash": "1234.5", "fee_rate": "0.0125", "slippage_bp": "37"},
    }


def run(document: dict):
    with running_bot(BotConfig.model_validate(document)) as (bot, summarize):
        bot.start(sleep_seconds=60)
        return summarize()


def test_fee_slippage_cash_and_market_of_the_settings_are_those_of_the_ledger(document):
    run(document)
    db.open(document["db_path"])
    with db.session_scope() as session:
        trades = list(reversed(TradeRepository(session).get_by_symbol(BTC)))
        orders = {order.id: order for order in OrderRepository(session).by_symbol(BTC)}
    db.close()
    first = trades[0]
    assert len(trades) > 4
    assert {trade.price % Decimal("0.05") for trade in trades} == {0}
    assert {trade.quantity % Decimal("0.3") for trade in trades} == {0}
    assert all(trade.fee == trade.price * trade.quantity * Decimal("0.0125") for trade in trades)
    decided = Decimal(777) / (first.quantity + Decimal("0.3")), Decimal(777) / first.quantity
    assert decided[0] < first.price / Decimal("1.0037") <= decided[1]
    assert orders[first.order_id].filled == first.quantity


def test_the_summary_counts_from_the_cash_of_the_settings(document):
    summary = run(document)
    assert summary.cash + summary.position * (summary.last_price or 0) == summary.equity
    assert abs(summary.equity - Decimal("1234.5")) < 800
    document["paper"]["cash"] = "99999"
    assert run(document).cash == summary.cash


def test_other_cash_than_the_account_was_opened_with_is_told(document, caplog):
    run(document)
    document["paper"]["cash"] = "99999"
    with caplog.at_level(logging.WARNING):
        run(document)
    assert [record for record in caplog.records if "1234.5" in record.getMessage() and "99999" in record.getMessage()]


def test_a_second_bot_on_the_same_database_is_refused(document):
    config = BotConfig.model_validate(document)
    with running_bot(config), pytest.raises(DatabaseError, match="another bot"), running_bot(config):
        pass


def test_the_database_is_closed_and_free_after_a_failed_start(document):
    broken = json.loads(json.dumps(document))
    broken["exchange"]["replay"]["file"] = "nowhere.csv"
    with suppress(Exception), running_bot(BotConfig.model_validate(broken)):
        pass
    assert run(document).trades > 4


def test_a_replay_of_another_time_on_the_same_database_is_refused(document, candles, tmp_path):
    import pandas as pd

    run(document)
    later = candles([100.0] * 50, pd.Timestamp("2026-01-01", tz="UTC"))
    later.reset_index(names="open_time").to_parquet(tmp_path / "later.parquet")
    document["exchange"]["replay"]["file"] = str(Path(tmp_path) / "later.parquet")
    with pytest.raises(ConfigError, match="choose another db_path"):
        run(document)
