"""Trade figures by hand, and at the edges."""

import math

import numpy as np
import pandas as pd
import pytest

from app.analytics.trades import Trades, grouped, longest_run, trade_figures


def test_figures_are_those_computed_by_hand(trade_table):
    figures = trade_figures(
        Trades.of(
            trade_table(
                ("BTC/USDT", "2025-01-01 00:10", 3.0, "target"),
                ("BTC/USDT", "2025-01-01 00:20", 1.0, "signal"),
                ("ETH/USDT", "2025-01-01 00:30", -2.0, "stop"),
                ("BTC/USDT", "2025-01-01 00:40", 0.0, "signal"),
                ("BTC/USDT", "2025-01-01 00:50", -1.0, "end"),
            )
        )
    )
    assert (figures.count, figures.wins, figures.losses, figures.still_open) == (5, 2, 2, 1)
    assert figures.win_rate == 0.4
    assert (figures.gross_profit, figures.gross_loss, figures.pnl) == (4.0, -3.0, 1.0)
    assert figures.profit_factor == pytest.approx(4 / 3)
    assert figures.payoff == pytest.approx(2 / 1.5)
    assert figures.expectancy == pytest.approx(0.2)
    assert (figures.best, figures.worst) == (0.03, -0.02)
    assert (figures.winning_streak, figures.losing_streak) == (2, 1)
    assert (figures.fees, figures.slippage) == (pytest.approx(1.0), pytest.approx(0.5))
    # Five entries at 100, and the four exits that happened.
    assert figures.turnover == pytest.approx(500 + 103.3 + 101.3 + 98.3 + 100.3)


def test_streaks_follow_the_order_of_exits_not_of_rows(trade_table):
    rows = [("A", f"2025-01-01 00:{minute:02}", pnl, "signal") for minute, pnl in [(3, 1.0), (1, 1.0), (2, -1.0)]]
    assert trade_figures(Trades.of(trade_table(*rows))).winning_streak == 1


def test_no_trades_have_no_averages():
    for frame in (pd.DataFrame(), pd.DataFrame(columns=["symbol", "pnl"])):
        figures = trade_figures(Trades.of(frame))
        assert (figures.count, figures.pnl, figures.fees) == (0, 0, 0)
        assert all(
            math.isnan(value)
            for value in (figures.win_rate, figures.profit_factor, figures.expectancy, figures.best, figures.payoff)
        )
        assert grouped(Trades.of(frame), Trades.of(frame).symbol) == []


def test_an_unknown_result_leaves_the_sums_unknown(trade_table):
    figures = trade_figures(
        Trades.of(trade_table(("A", "2025-01-01", math.nan, "signal"), ("A", "2025-01-02", 1.0, "signal")))
    )
    assert math.isnan(figures.pnl)
    assert math.isnan(figures.profit_factor)
    assert figures.wins == 1


def test_wins_alone_have_no_profit_factor(trade_table):
    assert math.isnan(trade_figures(Trades.of(trade_table(("A", "2025-01-01", 1.0, "signal")))).profit_factor)


def test_a_missing_column_is_named(trade_table):
    with pytest.raises(ValueError, match="trades have no column 'fees'"):
        Trades.of(trade_table(("A", "2025-01-01", 1.0, "signal")).drop(columns="fees"))


def test_groups_add_up_to_the_whole(trade_table):
    rng = np.random.default_rng(4)
    rows = [
        (str(rng.choice(["BTC/USDT", "ETH/USDT", "</script>"])), f"2025-01-{day + 1:02}", float(rng.normal()), "stop")
        for day in range(28)
    ]
    trades = Trades.of(trade_table(*rows))
    figures, groups = trade_figures(trades), grouped(trades, trades.symbol)
    assert [group.name for group in groups] == sorted({row[0] for row in rows})
    assert sum(group.count for group in groups) == figures.count
    assert sum(group.pnl for group in groups) == pytest.approx(figures.pnl)
    assert sum(group.fees for group in groups) == pytest.approx(figures.fees)


@pytest.mark.parametrize(
    ("flags", "expected"), [([], 0), ([0], 0), ([1], 1), ([1, 1, 0, 1, 1, 1], 3), ([0, 1, 0], 1), ([1, 1], 2)]
)
def test_the_longest_run(flags, expected):
    assert longest_run(np.array(flags, dtype=bool)) == expected
