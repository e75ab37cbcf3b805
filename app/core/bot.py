"""The bot: fetch, compute, decide, execute, record. All that is clever lives elsewhere."""

import logging
from collections.abc import Mapping
from contextlib import suppress
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, Final

import pandas as pd

from app.config.models import BotConfig
from app.core.clock import Clock, SystemClock
from app.core.cycle import Cycle
from app.core.decision import Action, Decision, Signal, around_resting
from app.core.desk import Desk
from app.core.interfaces import BaseStrategy, IDataHandler, IExecutor
from app.core.kill_switch import StopOrNews
from app.core.memory import Memory
from app.core.orders import is_ours
from app.core.pacing import Pacing
from app.core.shutdown import stop_on_signals
from app.core.stop import StopFlag
from app.core.window import Window, candles_needed, inspect_window
from app.domain.errors import (
    ConfigError,
    CutShort,
    DatabaseGone,
    DataError,
    KeyRevoked,
    OrderRejected,
    StrategyError,
)
from app.domain.instrument import Instrument
from app.domain.resting import RestingOrder
from app.domain.timeframe import Timeframe
from app.domain.values import exact
from app.repositories import SignalRepository, StepRepository, TradeRepository
from app.strategies.guarded import signal_frame, warmup_of

logger = logging.getLogger(__name__)

ATTEMPTS_WITHOUT_TIME: Final = 5  # how often a cycle is repeated where no time passes between two attempts
CANDLE_COLUMNS: Final = frozenset({"open", "high", "low", "close", "volume", "signal"})


class TradingBot:
    """Trades one symbol with one strategy.

    Args:
        config: All settings.
        data_handler: Where candles come from; its `clock` and `instrument(symbol)` are used when it has them.
        strategy: Gives a signal per candle.
        executor: Sends orders and knows the position.
        trade_repo: Booked trades.
        signal_repo: Recorded signals.
        clock: By which candles close; the data handler's by default, else this machine's.
        instrument: What the market allows; asked of the data handler by default.
        steps: Where each cycle is recorded; beside the signals by default.
        stop: The wish to stop, where others look at it too.

    Attributes:
        symbol: The market, `BTC/USDT`.
        timeframe: The candle length, `1m`.
        buffer_size: How many candles each cycle asks for.
        last_signal_value: The signal that was last acted upon (1, -1, 0); None before the first. Survives restarts.
    """

    def __init__(
        self,
        config: BotConfig,
        data_handler: IDataHandler,
        strategy: BaseStrategy,
        executor: IExecutor,
        trade_repo: TradeRepository,
        signal_repo: SignalRepository,
        *,
        clock: Clock | None = None,
        instrument: Instrument | None = None,
        steps: StepRepository | None = None,
        stop: StopFlag | None = None,
    ) -> None:
        self.config = config
        self.data_handler = data_handler
        self.strategy = strategy
        self.executor = executor
        self.trade_repo = trade_repo
        self.signal_repo = signal_repo
        self.symbol = config.strategy.symbol
        self.timeframe = config.strategy.timeframe
        self.buffer_size = candles_needed(config, strategy)
        self._length = Timeframe.parse(self.timeframe)
        exchange_clock = clock or _clock_of(data_handler)
        self._clock_is_the_exchanges = exchange_clock is not None
        self._clock = exchange_clock or SystemClock()
        self._instrument = instrument
        self._memory = Memory(
            steps or _steps_beside(signal_repo),
            symbol=self.symbol,
            timeframe=self.timeframe,
            strategy=config.strategy.name,
        )
        self._stop = stop or StopFlag()
        self._desk = Desk(
            config, data_handler, executor, trade_repo, self._memory, market=self._market, now_ms=self._now_ms
        )
        self._newest_is_late = False
        self._memory.restore()
        if self._memory.is_empty and is_ours(signal_repo, SignalRepository):
            saved = signal_repo.get_latest(1, symbol=self.symbol)
            self._memory.last_signal = saved[0].signal_value if saved else None

    @property
    def last_signal_value(self) -> int | None:
        """The signal that was last acted upon."""
        return self._memory.last_signal

    @last_signal_value.setter
    def last_signal_value(self, value: int | None) -> None:
        self._memory.last_signal = value

    def run_once(self) -> None:
        """One cycle: fetch, compute, decide, execute, record. Errors of data, strategy and executor come out."""
        cycle = Cycle()
        try:
            self._synchronize()
            window = self._fetch_window()
            self._show_candles(window)
            self._desk.exits.pass_candles(window.candles, self._length.ms)
            self._desk.withdraw()
            cycle.decision = self._judge(window, cycle)
            logger.info("Decision: %s", cycle.decision.reason)
            self._desk.execute(cycle)
            self._desk.exits.protect()
        except BaseException as error:
            cycle.error = error
            raise
        finally:
            self._record(cycle)

    def start(self, sleep_seconds: float = 60) -> None:
        """Run cycles until `stop()`, Ctrl+C, SIGTERM or the clock's end.

        Waits until the next candle has closed, at most `sleep_seconds`. A failing cycle is logged and tried again, with
        growing pauses while it keeps failing; where time jumps (a replay at full speed) a few times, on one candle.

        Raises:
            ConfigError: a setting turned out to be wrong.
            KeyRevoked: the exchange does not accept the key.
            DatabaseGone: the database's file was deleted or replaced.
        """
        pacing = Pacing(self._length, int(sleep_seconds * 1_000))
        iteration, wake = 0, StopOrNews(self._stop, self._desk.switch)
        logger.info("Starting %s on %s %s", type(self.strategy).__name__, self.symbol, self.timeframe)
        with stop_on_signals(self.stop), suppress(KeyboardInterrupt):
            while not self._stop.is_set():
                iteration += 1
                at_the_end = self._clock.ended()
                logger.info("Iteration %d at %s", iteration, _utc(self._clock.now_ms()))
                failed = not self._survived(pacing)
                if not failed:
                    self.get_ready()
                again_at_once = failed and self._clock.jumps
                if at_the_end and not again_at_once:
                    break
                if not again_at_once:
                    self._clock.wait_until(pacing.next_cycle_ms(self._clock.now_ms()), wake)
        logger.info("Stopped after %d iterations", iteration)

    def _survived(self, pacing: Pacing) -> bool:
        """Run one cycle; whether it may be followed by the next. What no repetition can mend comes out."""
        try:
            self.run_once()
        except (ConfigError, DatabaseGone, KeyRevoked):
            raise
        except OrderRejected as refusal:
            logger.warning("Error in trading cycle: %s", refusal)
        except CutShort as reason:
            logger.info("The last cycle was cut short: %s", reason)
            return False
        except Exception:
            logger.exception("Error in trading cycle")
            if pacing.failed() >= ATTEMPTS_WITHOUT_TIME and self._clock.jumps:
                raise
            return False
        pacing.succeeded(late=self._newest_is_late)
        return True

    def stop(self) -> None:
        """Let `start` return after the current cycle; safe from any thread."""
        self._stop.set()

    def get_ready(self) -> None:
        """Let the executor ask what the next order would have to ask; `start` does it after each cycle."""
        executor = _own(self.executor)
        if executor is None:
            return
        try:
            executor.get_ready(self.symbol)
        except CutShort:
            return
        except DataError as reason:
            logger.info("Not ready for the next order, it asks by itself: %s", reason)

    def obey(self) -> None:
        """Do what the kill switch asks for, if it asks for something; each cycle does it, too."""
        self._desk.obey()

    def _synchronize(self) -> None:
        """Learn what became of the past before deciding about the future; obey the kill switch in between."""
        if isinstance(self.executor, IExecutor):
            self.executor.synchronize(self.symbol)
        self._memory.finish_half_done()
        self.obey()

    def _fetch_window(self) -> Window:
        frame = self.data_handler.get_historical_data(
            symbol=self.symbol, timeframe=self.timeframe, limit=self.buffer_size
        )
        window = inspect_window(frame, self._length, self._clock.now_ms())
        for notice in window.notices:
            logger.warning("%s %s: %s", self.symbol, self.timeframe, notice)
        self._newest_is_late = self._clock_is_the_exchanges and window.late > 0
        return window

    def _judge(self, window: Window, cycle: Cycle) -> Decision:
        """Signal and decision for the newest closed candle; a rule that must sell needs no signal."""
        if reason := self._why_undecidable(window):
            due = self._desk.exits.due()
            return self._desk.sell(cycle, due) if due else Decision(Action.NO_DECISION, f"no decision: {reason}")
        signals = self._signals(window.candles)
        if reason := self._why_judged_already(signals.index[-1]):
            return Decision(Action.NO_DECISION, f"no decision: {reason}")
        cycle.candle_time = signals.index[-1].to_pydatetime()
        cycle.close = float(signals["close"].iloc[-1])
        cycle.indicators = self._extract_indicators(signals)
        cycle.signal, caught_up = self._signal(signals)
        logger.info("Latest signal: %d (1=BUY, -1=SELL, 0=NEUTRAL)", cycle.signal)
        logger.info("Position: %s %s, close %s", f"{self._desk.book.quantity:f}", self.symbol, cycle.close)
        age = window.late if self._clock_is_the_exchanges else 0
        decision = self._desk.decide(cycle, cycle.signal, self.last_signal_value, window.candles, age)
        decision = self._beside_orders(decision, cycle)
        return Decision(decision.action, decision.reason + caught_up)

    def _signal(self, signals: pd.DataFrame) -> tuple[Signal, str]:
        """The newest candle's signal; a sell signal that went by while nobody looked counts, an entry is too old.

        Returns:
            The signal, and what to add to the reason when candles went by unjudged.
        """
        newest = Signal(int(signals["signal"].iloc[-1]))
        if self._memory.last_judged is None or not self._clock_is_the_exchanges:
            return newest, ""
        unjudged = signals["signal"].loc[signals.index > self._memory.last_judged].iloc[:-1]
        if unjudged.empty:
            return newest, ""
        logger.warning("%d candles went by unjudged since %s", len(unjudged), self._memory.last_judged)
        given = unjudged[unjudged != 0]
        if newest is Signal.NEUTRAL and len(given) and given.iloc[-1] == Signal.SELL:
            return Signal.SELL, f" (caught up: signal of {given.index[-1]:%Y-%m-%d %H:%M})"
        return newest, f" ({len(unjudged)} candles went by unjudged)"

    def _why_judged_already(self, candle_time: pd.Timestamp) -> str | None:
        """Why a candle is too old to judge: the exchange's clock, or its data, went back behind what was judged."""
        if (
            not self._clock_is_the_exchanges
            or self._memory.last_judged is None
            or candle_time >= self._memory.last_judged
        ):
            return None
        last = self._memory.last_judged
        return f"the candle of {candle_time:%Y-%m-%d %H:%M} is older than the last one judged, {last:%H:%M}"

    def _signals(self, candles: pd.DataFrame) -> pd.DataFrame:
        """Run the strategy; its own exception comes out, with the sentence that names file and line as a note."""
        try:
            return signal_frame(self.strategy, candles)
        except StrategyError as error:
            if not isinstance(error.__cause__, Exception):
                raise
            error.__cause__.add_note(str(error))
            raise error.__cause__ from None

    def _beside_orders(self, decision: Decision, cycle: Cycle) -> Decision:
        """The decision in the light of what rests, and of what can be sent now."""
        executor = _own(self.executor)
        if executor is None or cycle.signal is None:
            return decision
        resting = executor.resting_order(self.symbol)
        decision = around_resting(decision, cycle.signal, resting if isinstance(resting, RestingOrder) else None)
        if decision.action not in {Action.HOLD, Action.NO_DECISION}:
            leaves = decision.action is Action.EXIT
            reason = executor.why_no_exit(self.symbol) if leaves else executor.why_not_now(self.symbol)
            if not isinstance(reason, str):
                return decision
            decision = Decision(Action.NO_DECISION, f"no decision: {reason}")
        cycle.order = None
        return decision

    def _show_candles(self, window: Window) -> None:
        executor = _own(self.executor)
        if executor is not None and len(window.candles):
            executor.see(self.symbol, window.candles)

    def _why_undecidable(self, window: Window) -> str | None:
        """Why no decision may be made on this window, in words; None when one may."""
        if self._desk.book.is_halted:
            return self._desk.book.why_not_trading()
        warmup = max(warmup_of(self.strategy), self._desk.candles_needed)
        if window.missing:
            return f"{window.missing} candles missing since {window.first_gap}"
        if self._newest_is_late:
            return f"the newest candle is {window.late} candles late"
        if len(window.candles) < max(warmup, 1):
            return f"{len(window.candles)} closed candles, {max(warmup, 1)} needed"
        return None

    def _calculate_order_quantity(self, price: Decimal | float) -> Decimal | float:
        """Base units that `risk.max_position_size_usd` buys at `price`, rounded down to what the market allows.

        Exact for a Decimal price; a float for a float, so that a user's arithmetic with floats goes on.
        """
        quantity = self._desk.largest_quantity(exact(price))
        return quantity if isinstance(price, Decimal) else float(quantity)

    def _extract_indicators(self, df: pd.DataFrame) -> dict[str, Any]:
        """The last row's indicator columns and its close."""
        last = df.iloc[-1]
        return {str(name): last[name] for name in df.columns if name == "close" or name not in CANDLE_COLUMNS}

    def _save_signal(self, signal_value: int, timestamp: datetime, price: float, indicators: Mapping[str, Any]) -> None:
        """Record a signal; a failure is logged and does not stop trading."""
        try:
            self.signal_repo.create(
                symbol=self.symbol,
                signal_value=signal_value,
                signal_metadata={"price": price, **indicators},
                timestamp=timestamp,
            )
        except Exception:
            logger.exception("Failed to save signal")

    def _record(self, cycle: Cycle) -> None:
        """Write down the cycle, also a failed one."""
        if cycle.signal is not None and cycle.candle_time is not None and cycle.close is not None:
            self._save_signal(int(cycle.signal), cycle.candle_time, cycle.close, cycle.indicators)
        self._memory.complete(cycle, self._clock.now_ms())

    def _now_ms(self) -> int:
        return self._clock.now_ms()

    def _market(self) -> Instrument:
        """What it allows now: filters change, and markets pause."""
        if self._instrument is not None:
            return self._instrument
        offered = getattr(self.data_handler, "instrument", None)
        market = offered(self.symbol) if callable(offered) else None
        return market if isinstance(market, Instrument) else Instrument.default(self.symbol)


def _clock_of(data_handler: object) -> Clock | None:
    clock = getattr(data_handler, "clock", None)
    return clock if isinstance(clock, Clock) else None


def _steps_beside(signal_repo: SignalRepository) -> StepRepository | None:
    return StepRepository(signal_repo.session) if is_ours(signal_repo, SignalRepository) else None


def _own(executor: object) -> IExecutor | None:
    """The executor, if it knows more than the public signature: a user's own need not."""
    return executor if isinstance(executor, IExecutor) else None


def _utc(at_ms: int) -> str:
    return datetime.fromtimestamp(at_ms / 1_000, UTC).strftime("%Y-%m-%d %H:%M:%S")
