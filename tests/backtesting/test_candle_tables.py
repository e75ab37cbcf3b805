"""Candles as tables, trades by hand, to the cent."""

import importlib.util
from pathlib import Path

import pytest

from app.backtesting import backtest

_SPEC = importlib.util.spec_from_file_location("told", Path(__file__).parent / "conftest.py")
_TOLD = importlib.util.module_from_spec(_SPEC)
_SPEC.loader.exec_module(_TOLD)
Told, table = _TOLD.Told, _TOLD.table

FLAT = (100, 101, 99, 100, 10)
THICK = (100, 101, 99, 100, 100)
SELL_ONCE = [0, -1, 0, 0, 0, 0]
TWO_CANDLES = {"exits": {"max_hold_candles": 2}}
BUY_SELL = [0, 1, 0, -1, 0, 0]


def trades_of(result):
    return [
        (
            row.entry_price,
            row.exit_price,
            round(row.quantity, 3),
            round(row.fees, 2),
            round(row.pnl, 2),
            row.exit_reason,
        )
        for row in result.trades.itertuples()
    ]


@pytest.mark.parametrize(
    ("rows", "signals", "options", "risk", "expected"),
    [
        pytest.param(
            [FLAT, FLAT, (102, 103, 101, 102, 10), FLAT, (110, 111, 109, 110, 10), FLAT],
            BUY_SELL, {}, {}, [(102.0, 110.0, 10.0, 0.0, 80.0, "signal")],
            id="next open: decided at the close, filled at the next open",
        ),
        pytest.param(
            [FLAT, FLAT, (102, 103, 101, 102, 10), FLAT, (110, 111, 109, 110, 10), FLAT],
            BUY_SELL, {"fill": "close"}, {}, [(100.0, 100.0, 10.0, 0.0, 0.0, "signal")],
            id="close: filled at the close that decided",
        ),
        pytest.param(
            [FLAT, FLAT, (102, 103, 101, 102, 10), FLAT, (110, 111, 109, 110, 10), FLAT],
            BUY_SELL, {"fee": "0.001", "slippage_bp": 10}, {},
            # buys at 102.102 -> 102.11, sells at 109.89; fees 1.02 and 1.10
            [(102.11, 109.89, 10.0, 2.12, 75.68, "signal")],
            id="fee and slippage, rounded to the tick against the trader",
        ),
        pytest.param(
            [FLAT, FLAT, (100, 101, 99, 100, 10), (99, 100, 97, 98, 10), FLAT, FLAT],
            [0, 1, 0, 0, 0, 0], {"fee": "0.001", "slippage_bp": 10}, {"stop_loss_pct": 0.02},
            # in at 100.10; stop 98.098 -> 98.09; out at 97.99191 -> 97.99
            [(100.1, 97.99, 10.0, 1.98, -23.08, "stop")],
            id="stop at its price, with slippage",
        ),
        pytest.param(
            [FLAT, FLAT, (100, 101, 99, 100, 10), (95, 96, 94, 95, 10), FLAT, FLAT],
            [0, 1, 0, 0, 0, 0], {}, {"stop_loss_pct": 2}, [(100.0, 95.0, 10.0, 0.0, -50.0, "stop")],
            id="a gap through the stop fills at the open",
        ),
        pytest.param(
            [FLAT, FLAT, (100, 103, 97, 100, 10), FLAT, FLAT, FLAT],
            [0, 1, 0, 0, 0, 0], {}, {"stop_loss_pct": 0.02, "take_profit_pct": 0.02},
            [(100.0, 98.0, 10.0, 0.0, -20.0, "stop")],
            id="stop and target within the entry's own candle: the stop",
        ),
        pytest.param(
            [FLAT, FLAT, FLAT, (101, 102, 100, 101, 10), (103, 105, 102, 104, 10), FLAT],
            [0, 1, 0, 0, 0, 0], {"fee": "0.001", "maker_fee": "0.0005"}, {"take_profit_pct": 0.02},
            [(100.0, 102.0, 10.0, 1.51, 18.49, "target")],
            id="a target touched to the tick rests on, traded through it fills at its price with the maker's fee",
        ),
        pytest.param(
            [FLAT, FLAT, FLAT, FLAT], [0, 1, 0, 0], {}, {}, [(100.0, 100.0, 10.0, 0.0, 0.0, "end")],
            id="what is open at the end is valued at the last close",
        ),
        pytest.param(
            [FLAT, FLAT, (105, 106, 104, 105, 0), (107, 108, 106, 107, 10), FLAT, FLAT],
            [0, 1, 0, 0, -1, 0], {}, {}, [(107.0, 100.0, 10.0, 0.0, -70.0, "signal")],
            id="a candle without volume fills nothing",
        ),
        pytest.param(
            [FLAT, FLAT, (100, 101, 99, 100, 8), (102, 103, 101, 102, 8), (104, 105, 103, 104, 8), FLAT],
            [0, 1, 0, 0, 0, 0], {"volume_share": 0.5}, {},
            # 4 at 100, 4 at 102, 2 at 104: 10 at 101.60, worth 100 at the end
            [(101.6, 100.0, 10.0, 0.0, -16.0, "end")],
            id="half of the volume: the order fills in three candles",
        ),
        pytest.param(
            [FLAT, FLAT, (100, 101, 99.5, 100, 10), (100, 101, 99, 100, 10), FLAT, FLAT],
            [0, 1, 0, 0, 0, 0], {"entry_limit_bp": 50, "entry_limit_candles": 3}, {},
            [(99.5, 100.0, 10.0, 0.0, 5.0, "end")],
            id="a limit entry: a touch is not enough, traded through it fills at its price",
        ),
        pytest.param(
            [FLAT, FLAT, (100, 101, 99.5, 100, 10), (100, 101, 99, 100, 10), FLAT, FLAT],
            [0, 1, 0, 0, 0, 0], {"entry_limit_bp": 50}, {}, [], id="a limit entry expires",
        ),
        pytest.param(
            [FLAT, FLAT, FLAT, FLAT, (90, 91, 89, 90, 10), FLAT],
            [0, -1, 0, 1, 0, 0], {"shorts": True}, {},
            [(100.0, 90.0, 10.0, 0.0, 100.0, "signal"), (90.0, 100.0, 10.0, 0.0, 100.0, "end")],
            id="shorts: a sell opens, a buy closes and opens a long",
        ),
        pytest.param(
            [FLAT, FLAT, FLAT, (104, 106, 103, 105, 10), (105, 105, 103, 104, 10), FLAT],
            [0, 1, 0, 0, 0, 0], {}, {"exits": {"trailing_stop_pct": 0.02, "trailing_from_pct": 0}},
            # best 106: the stop follows to 103.88
            [(100.0, 103.88, 10.0, 0.0, 38.8, "trailing")],
            id="a trailing stop follows closed candles",
        ),
        pytest.param(
            [FLAT, FLAT, FLAT, (100.5, 101, 99.9, 100, 10), FLAT, FLAT],
            [0, 1, 0, 0, 0, 0], {}, {"exits": {"break_even_pct": 0.01}}, [(100.0, 100.0, 10.0, 0.0, 0.0, "break even")],
            id="break-even",
        ),
        pytest.param(
            [FLAT, FLAT, FLAT, FLAT, (110, 111, 109, 110, 10), FLAT],
            [0, 1, 0, 0, 0, 0], {}, {"exits": {"max_hold_candles": 2}}, [(100.0, 110.0, 10.0, 0.0, 100.0, "time")],
            id="two candles held: out at the next open",
        ),
        pytest.param(
            [FLAT, FLAT, FLAT, (101, 103, 100, 102, 10), FLAT, FLAT],
            [0, 1, 0, 0, 0, 0], {}, {"exits": {"take_profit_stages": [{"profit_pct": 0.02, "close_share": 0.5}]}},
            [(100.0, 102.0, 5.0, 0.0, 10.0, "target"), (100.0, 100.0, 5.0, 0.0, 0.0, "end")],
            id="a stage closes half",
        ),
        pytest.param(
            [FLAT, FLAT, FLAT, (89, 90, 88, 89, 10), (88, 89, 87, 88, 10), FLAT],
            [0, 1, 0, 0, 0, 0], {}, {"limits": {"max_drawdown_pct": 0.01}},
            [(100.0, 88.0, 10.0, 0.0, -120.0, "drawdown")],
            id="the account fell by 1.1 % of its equity",
        ),
        pytest.param(
            [FLAT, FLAT, FLAT, (110, 111, 109, 110, 10), FLAT, FLAT, FLAT],
            [0, 1, 0, 1, 0, 0, 0], {}, {"max_entries": 2, "max_position_size_usd": 1000},
            # 5 at 100; they are worth 550 at 110, so that 450 are left: 4.09
            [(100.0, 100.0, 9.09, 0.0, 0.0, "end")],
            id="a second entry is added",
        ),
        pytest.param(
            [THICK, THICK, THICK, THICK, (110, 111, 109, 110, 8), (112, 113, 111, 112, 100)],
            BUY_SELL, {"volume_share": 0.5}, {},
            [(100.0, 110.0, 4.0, 0.0, 40.0, "signal"), (100.0, 112.0, 6.0, 0.0, 72.0, "signal")],
            id="half of the volume: the exit fills in two candles",
        ),
        pytest.param(
            [THICK, THICK, THICK, (99, 100, 97, 98, 8), (96, 97, 95, 96, 100), FLAT],
            [0, 1, 0, 0, 0, 0], {"volume_share": 0.5}, {"stop_loss_pct": 0.02},
            [(100.0, 98.0, 4.0, 0.0, -8.0, "stop"), (100.0, 96.0, 6.0, 0.0, -24.0, "stop")],
            id="half of the volume: what a stop could not sell is sold at the next open",
        ),
        pytest.param(
            [FLAT, FLAT, (100, 101, 99, 100, 8), (100, 101, 99, 100, 8), (100, 101, 99, 100, 8), FLAT],
            [0, 1, 0, 0, 0, 0], {"entry_limit_bp": 50, "entry_limit_candles": 3, "volume_share": 0.5}, {},
            [(99.5, 100.0, 10.0, 0.0, 5.0, "end")],
            id="half of the volume: a limit order fills in three candles, 4 + 4 + 2",
        ),
        pytest.param(
            [FLAT, FLAT, FLAT, FLAT, FLAT, FLAT],
            BUY_SELL, {"entry_limit_bp": 50, "fee": "0.001", "maker_fee": "0.0005"}, {},
            # in by a limit of 99.50: 0.4975 as maker; out at market: 1.00 as taker
            [(99.5, 100.0, 10.0, 1.5, 3.5, "signal")],
            id="a limit entry pays the maker's fee, a market exit the taker's",
        ),
        pytest.param(
            [FLAT] * 4 + [FLAT, FLAT, (103, 105, 103, 104, 10), FLAT],
            [0, 0, 0, 0, 1, 0, 0, 0], {}, {"exits": {"take_profit_atr": 2, "atr_candles": 3}},
            # three ranges of 2: the target is 4 above the entry
            [(100.0, 104.0, 10.0, 0.0, 40.0, "target")],
            id="a target in average true ranges",
        ),
        pytest.param(
            [FLAT, FLAT, FLAT, FLAT, (90, 91, 89, 90, 10), FLAT],
            SELL_ONCE, {"shorts": True, "fee": "0.001", "slippage_bp": 10}, TWO_CANDLES,
            # sells at 99.90, buys at 90.09; fees 0.999 and 0.9009
            [(99.9, 90.09, 10.0, 1.9, 96.2, "time")],
            id="a short pays fee and slippage, too",
        ),
        pytest.param(
            [FLAT, FLAT, FLAT, (101, 103, 100, 102, 10), FLAT, FLAT],
            SELL_ONCE, {"shorts": True}, {"stop_loss_pct": 0.02}, [(100.0, 102.0, 10.0, 0.0, -20.0, "stop")],
            id="a short's stop lies above",
        ),
        pytest.param(
            [FLAT, FLAT, FLAT, (105, 106, 104, 105, 10), FLAT, FLAT],
            SELL_ONCE, {"shorts": True}, {"stop_loss_pct": 0.02}, [(100.0, 105.0, 10.0, 0.0, -50.0, "stop")],
            id="a gap through a short's stop fills at the open",
        ),
        pytest.param(
            [FLAT, FLAT, FLAT, (99, 100, 98, 99, 10), (99, 100, 97.99, 99, 10), FLAT],
            SELL_ONCE, {"shorts": True, "fee": "0.001", "maker_fee": "0.0005"}, {"take_profit_pct": 0.02},
            # 1.00 as taker at 100, 0.49 as maker at 98
            [(100.0, 98.0, 10.0, 1.49, 18.51, "target")],
            id="a short's target is traded through from above",
        ),
        pytest.param(
            [FLAT] * 6, SELL_ONCE, {"shorts": True, "borrow_pct_per_year": 5256}, TWO_CANDLES,
            # 52.56 a year are 0.0001 a minute, of 1,000, at two closes
            [(100.0, 100.0, 10.0, 0.2, -0.2, "time")],
            id="a short pays for what it borrowed",
        ),
        pytest.param(
            [FLAT] * 6, SELL_ONCE, {"shorts": True, "funding_pct_per_day": 14.4}, TWO_CANDLES,
            [(100.0, 100.0, 10.0, -0.2, 0.2, "time")],
            id="funding goes from long to short positions",
        ),
    ],
)  # fmt: skip
def test_trades_by_hand(settings, rows, signals, options, risk, expected):
    result = backtest(table(rows), Told(signals), settings(risk=risk), **options)
    assert trades_of(result) == expected
    assert result.equity.iloc[-1] == pytest.approx(10_000 + result.trades["pnl"].sum(), abs=1e-9)


def test_a_hole_ends_a_waiting_entry_and_silences_signals_until_the_window_is_whole_again(settings):
    minutes = [0, 1, 2, 10, *range(11, 90)]
    signals = [0, 0, 1, 0, 1, *[0] * 68, 1, *[0] * 9]
    result = backtest(table([FLAT] * 83, minutes=minutes), Told(signals), settings())
    assert list(result.orders["status"]) == ["canceled", "filled"]
    assert list(result.decisions["action"]) == ["enter", "no decision", "enter"]
    assert result.trades["entry_time"][0] == result.candles.index[74]


def test_finer_candles_tell_which_of_stop_and_target_came_first(settings):
    rows = [FLAT, FLAT, (100, 103, 97, 100, 10), FLAT]
    risk = {"stop_loss_pct": 0.02, "take_profit_pct": 0.02}
    inside = [(100, 103, 99.5, 102, 3), (102, 102, 99, 99, 3), (99, 100, 97, 100, 4)]
    fine = table(inside, start="2025-01-01 00:02", minutes=[0, 1 / 3, 2 / 3])
    told = backtest(table(rows), Told([0, 1, 0, 0]), settings(risk=risk), fine=fine)
    blind = backtest(table(rows), Told([0, 1, 0, 0]), settings(risk=risk))
    assert trades_of(told) == [(100.0, 102.0, 10.0, 0.0, 20.0, "target")]
    assert trades_of(blind) == [(100.0, 98.0, 10.0, 0.0, -20.0, "stop")]


def test_symbols_share_one_cash_in_their_order(settings):
    markets = {"A/USDT": table([FLAT] * 5), "B/USDT": table([FLAT] * 5)}
    result = backtest(markets, Told([0, 1, 0, 0, 0]), settings(), cash=1_500.5)
    assert list(result.orders["quantity"]) == [10.0, 5.004]
    assert list(result.orders["symbol"]) == ["A/USDT", "B/USDT"]
    assert list(result.equity) == [1_500.5] * 5


def test_holding_costs_are_part_of_a_trade(settings):
    config = settings(backtest={"funding_pct_per_day": 14.4})  # 0.01 % a minute
    result = backtest(table([FLAT] * 5), Told([0, 1, 0, -1, 0]), config)
    assert trades_of(result) == [(100.0, 100.0, 10.0, 0.2, -0.2, "signal")]


def test_decisions_and_entries_are_told_in_the_words_that_the_bot_records(settings):
    rows = [FLAT] * 12
    signals = [0, 1, 1, 0, 1, -1, 0, 1, 0, 0, 0, 0]
    risk = {"exits": {"max_hold_candles": 3}}
    result = backtest(table(rows), Told(signals), settings(risk=risk), fill="close", shorts=True)
    assert list(result.decisions["reason"]) == [
        "entered: buy signal while flat",
        "held: signal unchanged",
        "exited: held for 3 candles (risk.exits.max_hold_candles)",
        "entered: sell signal while flat",
        "reversed: buy signal while short 10",
        "exited: held for 3 candles (risk.exits.max_hold_candles)",
    ]
    assert [str(reason) for reason in result.trades["entry_reason"]] == [
        "entered: buy signal while flat",
        "entered: sell signal while flat",
        "reversed: buy signal while short",
    ]
