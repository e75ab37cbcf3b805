"""The one door to a backtest: candles, strategy and settings in, a result out."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Final

import numpy as np
import pandas as pd

from app.backtesting.lanes import Lane, lane_of
from app.backtesting.layout import (
    ACCOUNT_CELLS,
    CASH,
    LAST_SIGNAL,
    POSITION_CELLS,
    Sizing,
    Terms,
)
from app.backtesting.result import BacktestResult, Tapes
from app.backtesting.sweep import sweep
from app.config.backtest import FillRule
from app.config.models import BotConfig
from app.core.decision import NO_SIGNAL
from app.core.window import candles_needed
from app.domain.errors import ConfigError
from app.domain.instrument import Instrument
from app.domain.timeframe import Timeframe
from app.risk.settings import exit_rules, market_of
from app.strategies.base import BaseStrategy
from app.strategies.guarded import signal_frame, warmup_of

_PAPER: Final = {"cash": "cash", "fee": "fee_rate", "slippage_bp": "slippage_bp"}
_BACKTEST: Final = {"maker_fee": "maker_fee_rate"}
_DAYS_PER_YEAR: Final = 365
_MS_PER_DAY: Final = 86_400_000


def backtest(
    candles: pd.DataFrame,
    strategy: BaseStrategy,
    config: BotConfig | None = None,
    *,
    instrument: Instrument | None = None,
    **options: object,
) -> BacktestResult:
    """Trade a strategy over closed candles, by the rules of the live bot.

    Args:
        candles: Columns open, high, low, close (quote per base) and volume (base), indexed by open time, naive means
            UTC.
        strategy: What gives the signals; its `config` names market and timeframe.
        config: All settings; the defaults around the strategy's own when there are none.
        instrument: What the market allows; `exchange.market` of the settings by default.
        options: Settings for this run: `cash`, `fee` and `slippage_bp` of `paper`, `maker_fee`, or any key of
            `backtest`, such as `fill="close"`.

    Raises:
        ConfigError: an option is unknown or wrong.
        DataError: the candles are none, or not in order.
        StrategyError: the strategy raised, or returned something that is no signal.
    """
    timeframe = None if config is None and "timeframe" not in strategy.config.model_fields_set else strategy.config
    settings = with_options(config or settings_around(strategy), options)
    lane = lane_of(
        settings.strategy.symbol, candles, None if timeframe is None else Timeframe.parse(settings.strategy.timeframe)
    )
    lane.signal_frame = signal_frame(strategy, lane.frame)
    lane.signals = np.ascontiguousarray(lane.signal_frame["signal"].to_numpy())
    market = instrument or _instrument(settings)
    setup = Setup(settings, strategy, lane, market)
    return BacktestResult(settings, strategy, [lane], setup.run)


def settings_around(strategy: BaseStrategy) -> BotConfig:
    """The default settings with this strategy's own section."""
    return BotConfig.model_validate({"exchange": {"name": "binance"}, "strategy": strategy.config})


def with_options(config: BotConfig, options: Mapping[str, object]) -> BotConfig:
    """Settings with some of `paper` and `backtest` replaced.

    Raises:
        ConfigError: an option is unknown, or its value is refused.
    """
    if not options:
        return config
    paper, fills = config.paper.model_copy(), config.backtest.model_copy()
    for name, value in options.items():
        section, key = (paper, _PAPER[name]) if name in _PAPER else (fills, _BACKTEST.get(name, name))
        if key not in type(section).model_fields:
            known = ", ".join([*_PAPER, *_BACKTEST, *type(fills).model_fields])
            raise ConfigError(f"backtest() has no option {name!r}: known are {known}")
        try:
            setattr(section, key, value)
        except ValueError as error:
            reason = str(error).splitlines()[2].strip() if str(error).count("\n") > 1 else str(error)
            raise ConfigError(f"option {name} of backtest() is {value!r}: {reason}") from None
    return config.model_copy(update={"paper": paper, "backtest": fills})


class Setup:
    """The numbers of a run, ready for the pass, which may be run more than once."""

    def __init__(self, config: BotConfig, strategy: BaseStrategy, lane: Lane, instrument: Instrument) -> None:
        self.cash = float(config.paper.cash)
        self.lane = lane
        self.buffer = candles_needed(config, strategy)
        self.first = max(warmup_of(strategy), 1) - 1
        self.rules = exit_rules(config.risk)
        self.terms = terms_of(config, lane)
        self.market = market_of(instrument)
        self.sizing = Sizing(float(config.risk.max_position_size_usd))

    def run(self, *, equity: bool = False, notes: int = 0, skip: bool = True) -> Tapes:
        """Run the pass.

        Args:
            equity: Whether to write down the equity at each close.
            notes: For how many decisions there is room.
            skip: Whether candles at which nothing can happen are passed over; the result is the same.
        """
        lane = self.lane
        position, account = np.zeros(POSITION_CELLS), np.zeros(ACCOUNT_CELLS)
        position[LAST_SIGNAL], account[CASH] = NO_SIGNAL, self.cash
        curve = np.empty(len(lane) if equity else 0)
        decisions = np.empty((notes, 4))
        orders, trades = sweep(
            *lane.columns, lane.signals, np.empty(0), lane.holes, self.first, self.buffer, position, account, curve,
            decisions, self.terms, self.market, self.rules, self.sizing, int(skip),
        )  # fmt: skip
        return Tapes(orders, trades, curve, decisions, position, account)


def terms_of(config: BotConfig, lane: Lane) -> Terms:
    """How orders fill, as floats; costs of holding per candle of this length."""
    fills, paper = config.backtest, config.paper
    step_ms = int(pd.Timedelta(lane.step, unit=lane.index.unit) / pd.Timedelta(1, unit="ms"))
    days = step_ms / _MS_PER_DAY
    funding = fills.funding_pct_per_day / 100 * days
    maker = paper.fee_rate if fills.maker_fee_rate is None else fills.maker_fee_rate
    return Terms(
        taker=float(paper.fee_rate),
        maker=float(maker),
        slippage=float(paper.slippage_bp * Decimal("0.0001")),
        at_close=int(fills.fill is FillRule.CLOSE),
        volume_share=float(fills.volume_share or 0.0),
        shorts=int(fills.shorts),
        limit=-1.0 if fills.entry_limit_bp is None else float(fills.entry_limit_bp / 10_000),
        limit_candles=int(fills.entry_limit_candles),
        carry_long=float(funding),
        carry_short=float(fills.borrow_pct_per_year / 100 * days / _DAYS_PER_YEAR - funding),
    )


def _instrument(config: BotConfig) -> Instrument:
    market = config.exchange.market
    return Instrument(
        config.strategy.symbol, market.price_tick, market.quantity_step, market.min_quantity, market.min_notional
    )
