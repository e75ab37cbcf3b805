"""The one door to a backtest: candles, strategy and settings in, a result out."""

from collections.abc import Iterable, Mapping
from typing import Final, TypeVar

import pandas as pd

from app.backtesting.events import Progress
from app.backtesting.lanes import Lane, frozen, lane_of
from app.backtesting.result import BacktestResult
from app.backtesting.setup import Setup
from app.backtesting.untaught import Untaught
from app.config.models import BotConfig
from app.domain.errors import ConfigError, DataError
from app.domain.instrument import Instrument
from app.domain.timeframe import Timeframe
from app.strategies.base import BaseStrategy
from app.strategies.event import EventStrategy
from app.strategies.guarded import signal_frame

T = TypeVar("T")

_PAPER: Final = {"cash": "cash", "fee": "fee_rate", "slippage_bp": "slippage_bp"}
_BACKTEST: Final = {"maker_fee": "maker_fee_rate"}


def backtest(
    candles: pd.DataFrame | Mapping[str, pd.DataFrame],
    strategy: BaseStrategy,
    config: BotConfig | None = None,
    *,
    instrument: Instrument | Mapping[str, Instrument] | None = None,
    fine: pd.DataFrame | Mapping[str, pd.DataFrame] | None = None,
    progress: Progress | None = None,
    **options: object,
) -> BacktestResult:
    """Trade a strategy over closed candles, by the rules of the live bot.

    Args:
        candles: Columns open, high, low, close (quote per base) and volume (base), indexed by open time, naive means
            UTC; or such frames by symbol, which share the cash.
        strategy: What gives the signals, symbol by symbol; its `config` names market and timeframe.
        config: All settings; the defaults around the strategy's own when there are none.
        instrument: What the market allows, for all or by symbol; `exchange.market` of the settings by default.
        fine: Shorter candles, which tell what came first where stop and target lie in one candle.
        progress: Called with the part that is done, 0 to 1, and what is being done.
        options: Settings for this run: `cash`, `fee` and `slippage_bp` of `paper`, `maker_fee`, or any key of
            `backtest`, such as `fill="close"`.

    Raises:
        ConfigError: an option is unknown or wrong.
        DataError: the candles are none, or not in order.
        StrategyError: the strategy raised, or returned something that is no signal.
    """
    _refuse_kinds(strategy, config)
    settings = with_options(config or settings_around(strategy), options)
    is_free = config is None and "timeframe" not in strategy.config.model_fields_set
    timeframe = None if is_free else Timeframe.parse(settings.strategy.timeframe)
    frames = candles if isinstance(candles, Mapping) else {settings.strategy.symbol: candles}
    if not frames:
        raise DataError("there are no candles: give a DataFrame, or DataFrames by symbol")
    _refuse_strangers(frames, instrument, "an instrument")
    _refuse_strangers(frames, fine, "a table of fine candles")
    lanes, is_called, untaught = [], isinstance(strategy, EventStrategy), Untaught(strategy)
    for number, (symbol, frame) in enumerate(frames.items()):
        if progress and not is_called:
            progress(number / (len(frames) + 1), f"signals of {symbol}")
        lane = lane_of(symbol, frame, timeframe)
        lanes.append(lane if is_called else _with_signals(lane, strategy))
    if progress and not is_called:
        progress(len(frames) / (len(frames) + 1), "orders")
    if len({lane.step_ms for lane in lanes}) > 1:
        raise DataError("candles of different lengths: give those of all symbols in one length")
    markets = [_of(instrument, lane.symbol) or _instrument(settings, lane.symbol) for lane in lanes]
    setup = Setup(settings, strategy, lanes, markets, [_of(fine, lane.symbol) for lane in lanes])
    tapes = setup.run_events(strategy, progress) if isinstance(strategy, EventStrategy) else setup.run()
    untaught.learned()
    result = BacktestResult(settings, strategy, lanes, setup, tapes, untaught)
    if progress:
        progress(1.0, "done")
    return result


def _refuse_kinds(strategy: object, config: object) -> None:
    """What people hand over by mistake: raises ConfigError."""
    if isinstance(strategy, type):
        made = f"{strategy.__name__}(StrategyConfig(...))"
        raise ConfigError(f"strategy is the class {strategy.__name__}: give a strategy of it, {made}")
    if not hasattr(strategy, "config"):
        raise ConfigError(
            f"strategy is {strategy!r}: give a strategy, such as load_strategy(StrategyConfig(...)) makes"
        )
    if config is not None and not isinstance(config, BotConfig):
        raise ConfigError(
            f"config came as {type(config).__name__}: give a BotConfig, as BotConfig.model_validate makes"
        )


def _refuse_strangers(symbols: Iterable[object], given: object, what: str) -> None:
    """Things by symbol of which there are no candles would be ignored: raises ConfigError."""
    known = list(symbols)
    if strange := [symbol for symbol in given if symbol not in known] if isinstance(given, Mapping) else []:
        traded = ", ".join(map(str, known))
        raise ConfigError(f"there is {what} of {strange[0]}, which is not traded: give those of {traded}")


def _with_signals(lane: Lane, strategy: BaseStrategy) -> Lane:
    lane.signal_frame = signal_frame(strategy, lane.frame)
    lane.signals = frozen(lane.signal_frame["signal"].to_numpy())
    return lane


def _of(given: "T | Mapping[str, T] | None", symbol: str) -> "T | None":
    return given.get(symbol) if isinstance(given, Mapping) else given


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
            reason = reason.partition(" [type=")[0]
            raise ConfigError(f"option {name} of backtest() is {value!r}: {reason[:1].lower()}{reason[1:]}") from None
    return config.model_copy(update={"paper": paper, "backtest": fills})


def _instrument(config: BotConfig, symbol: str) -> Instrument:
    market = config.exchange.market
    return Instrument(symbol, market.price_tick, market.quantity_step, market.min_quantity, market.min_notional)
