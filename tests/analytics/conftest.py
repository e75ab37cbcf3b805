"""Plausible results of a run, made without an engine."""

from collections.abc import Callable

import pandas as pd
import pytest


@pytest.fixture
def trade_table() -> Callable[..., pd.DataFrame]:
    """Make trades from (symbol, exit time, pnl, exit reason): one coin bought at 100, held 2 candles, 0.2 fees, 0.1 slippage."""

    def make(*rows: tuple[str, str, float, str]) -> pd.DataFrame:
        frame = pd.DataFrame(rows, columns=["symbol", "exit_time", "pnl", "exit_reason"])
        frame["exit_time"] = pd.to_datetime(frame["exit_time"], utc=True)
        return frame.assign(
            side="long",
            entry_time=frame["exit_time"] - pd.Timedelta(minutes=2),
            entry_price=100.0,
            exit_price=100.0 + frame["pnl"] + 0.3,
            quantity=1.0,
            fees=0.2,
            slippage=0.1,
            entry_reason="signal",
            candles=2,
            **{"return": frame["pnl"] / 100},
        )

    return make
