"""Exits of the bot, candle by candle: what was armed meets the candle, levels move, what is overdue leaves."""

import logging
from collections.abc import Callable
from datetime import UTC, datetime

import pandas as pd

from app.core.cycle import Cycle
from app.core.decision import Action, Decision
from app.core.enums import OrderType
from app.core.interfaces import IExecutor
from app.core.memory import Memory
from app.core.orders import is_ours, place
from app.core.risk_book import RiskBook
from app.core.window import average_true_range
from app.domain.errors import DataError, KeyRevoked, OrderError, StopReached
from app.domain.instrument import Instrument
from app.domain.values import Quantity
from app.risk.codes import DRAWDOWN
from app.risk.exits import BREAK_EVEN, TRAILING, after_candle, is_overdue, next_target, stage_closed
from app.risk.gate import Approved, Gate
from app.risk.limits import begun, must_close
from app.risk.position import Leaving
from app.risk.reasons import REFUSALS, STOPS, overdue
from app.risk.settings import market_of
from app.simulation.candle import NONE, STOP, first_exit

logger = logging.getLogger(__name__)


class Exits:
    """Looks after the open position of one symbol.

    Args:
        book: Position and account.
        gate: Approves the orders.
        executor: Executes them.
        memory: Records each as a step.
        market: What the market allows.
        now_ms: The exchange's time, ms UTC.
        atr_candles: Over how many candles a distance in true ranges is taken; 0 when no rule needs one.
    """

    def __init__(
        self,
        book: RiskBook,
        gate: Gate,
        executor: IExecutor,
        memory: Memory,
        market: Callable[[], Instrument],
        now_ms: Callable[[], int],
        *,
        atr_candles: int,
    ) -> None:
        self._book = book
        self._gate = gate
        self._executor = executor
        self._memory = memory
        self._market = market
        self._now_ms = now_ms
        self._atr_candles = atr_candles
        self._simulates = is_ours(executor, IExecutor) and executor.fills_at_given_price

    def pass_candles(self, candles: pd.DataFrame, length_ms: int) -> None:
        """Let every closed candle pass that was not looked at before, also those that went by unseen.

        Args:
            candles: Closed candles, oldest first, holes allowed.
            length_ms: Their length.
        """
        if candles.empty:
            return
        times = pd.DatetimeIndex(candles.index).asi8  # ms: see app.core.window.candle_frame
        if self._book.position is None and self._atr_candles and self._book.seen_until_ms is not None:
            decided_on = candles.iloc[: int(times.searchsorted(self._book.seen_until_ms))]
            self._book.atr = average_true_range(decided_on, self._atr_candles)
        newest_close = float(candles["close"].iloc[-1])
        self._note_taken(newest_close)
        self._book.notice(self._book.close or newest_close)
        if self._book.seen_until_ms is None:  # nothing is known of what came before: levels count from here
            self._book.mark(int(times[-1]) + length_ms, float(candles["close"].iloc[-1]))
            return
        first = int(times.searchsorted(self._book.seen_until_ms))
        for opens_ms, row in zip(times[first:].tolist(), candles.to_numpy()[first:].tolist(), strict=True):
            self._pass(opens_ms, *row)
            self._book.mark(opens_ms + length_ms, row[3])

    def due(self) -> tuple[Leaving, str] | None:
        """Why the position must be sold at this close whatever the signal says; None when it need not."""
        position, standing = self._book.position, self._book.standing
        if position is None or standing is None or self._book.is_halted:
            return None
        if must_close(standing, self._book.limits):
            return Leaving.LIMIT, f"exited: {REFUSALS[DRAWDOWN]}"
        if position.leaving not in (Leaving.NOTHING, Leaving.STAGE) and not self._something_rests():
            return position.leaving, "exited: the rest of a position that was not sold completely"
        if is_overdue(position.held, self._book.rules):
            return Leaving.TIME, f"exited: {overdue(position.held.candles)}"
        return None

    def protect(self) -> None:
        """Tell the executor under which levels the position is, so that it can make them rest.

        What it cannot do now it is asked for again in the next cycle; the bot's own stop is armed all the while. While
        everything is halted, what rests stays as it is.
        """
        if not is_ours(self._executor, IExecutor) or self._book.is_halted:
            return
        try:
            self._executor.protect(self._book.symbol, self._book.protection())
        except StopReached as reached:
            position, close = self._book.position, self._book.close
            if position is not None and close is not None:
                name = STOPS.get(position.held.stop_kind, "stop")
                reason = f"exited: {name} reached, {reached}"
                self._leave(Leaving.STOP, position.quantity, position.held.stop, close, reason, None)
        except KeyRevoked:
            raise
        except (OrderError, DataError) as reason:
            logger.warning("The protection of %s is not as it should be: %s", self._book.symbol, reason)

    def sell_by_hand(self) -> None:
        """Sell what is held at market, at the kill switch's word."""
        position = self._book.position
        if position is not None:
            price = self._book.close or position.held.entry
            self._leave(Leaving.BY_HAND, position.quantity, price, price, "exited: closed by hand (kill switch)", None)

    def _note_taken(self, close: float) -> None:
        """Record what protection at the exchange sold by itself, each in a step, before the book follows the ledger."""
        if not is_ours(self._executor, IExecutor):
            return
        for taken in self._executor.taken_exits(self._book.symbol):
            position, price = self._book.position, float(taken.price)
            reason = f"exited: profit target taken at the exchange, {taken.quantity:f} at {price:.10g}"
            if taken.is_stop:
                name = "stop loss" if position is None else STOPS.get(position.held.stop_kind, "stop loss")
                reason = f"exited: {name} taken at the exchange, {taken.quantity:f} at {price:.10g}"
            cycle = Cycle(close=price, decision=Decision(Action.EXIT, reason), order_id=taken.order_id)
            if taken.is_stop:
                self._book.leave(Leaving.STOP)
            elif self._executor.get_position(self._book.symbol)["is_flat"]:
                self._book.leave(Leaving.TARGET)  # else it was sold in part, and the rest stays under its levels
            self._book.notice(close)
            self._memory.complete(cycle, self._now_ms())
            logger.info("%s: %s", self._book.symbol, reason)

    def _something_rests(self) -> bool:
        """Whether an order is under way that the executor looks after."""
        return is_ours(self._executor, IExecutor) and self._executor.resting_order(self._book.symbol) is not None

    def _pass(self, opens_ms: int, opened: float, high: float, low: float, close: float, volume: float) -> None:
        """One candle: what it reaches is sold, what survives it has its levels moved."""
        ticks = market_of(self._market()).ticks
        while (position := self._book.position) is not None and not self._book.is_halted:
            target, part = next_target(position.held, self._book.rules, ticks)
            kind, price = first_exit(position.held.side, opened, high, low, volume, position.held.stop, target)
            if kind == NONE:
                break
            quantity = position.quantity if kind == STOP else self._book.stage_quantity(part, price)
            if quantity <= 0:  # a part that the market would refuse to buy: the stage passes
                self._book.move(stage_closed(position.held))
                continue
            leaving, reason = _exit_of(kind, position.held.stop_kind, part, price, quantity)
            if not self._leave(leaving, quantity, price, close, reason, opens_ms):
                return
            left = self._book.position
            if left is not None and (left.quantity == position.quantity or leaving is not Leaving.STAGE):
                return  # it is not sold yet, or not completely: the next cycle goes on
        if position is not None:
            self._book.move(after_candle(position.held, high, low, self._book.rules, ticks))

    def _leave(
        self, leaving: Leaving, quantity: Quantity, price: float, close: float, reason: str, opens_ms: int | None
    ) -> bool:
        """Order an exit and record it as a step of its own; whether the gate let it pass."""
        position = self._book.position
        if position is None:
            return False
        is_target = leaving in (Leaving.TARGET, Leaving.STAGE)
        kind = OrderType.TAKE_PROFIT_LIMIT if is_target and self._simulates else OrderType.MARKET
        standing = self._book.standing or begun(0.0, 0)
        order = self._gate.exit(standing, position.quantity, quantity, price, kind)
        if not isinstance(order, Approved):
            return False
        moment = None if opens_ms is None else datetime.fromtimestamp(opens_ms / 1_000, UTC)
        cycle = Cycle(candle_time=moment, close=close, decision=Decision(Action.EXIT, reason))
        self._book.leave(leaving)
        try:
            executor = self._executor if is_ours(self._executor, IExecutor) else None
            self._memory.begin(cycle, self._now_ms(), executor)
            if moment is not None and executor is not None:
                executor.note_decision(self._book.symbol, moment, reason)
            cycle.note_order(place(self._executor, order))
        except BaseException as error:
            cycle.error = error
            raise
        finally:
            self._memory.complete(cycle, self._now_ms())
        self._book.notice(close)
        return True


def _exit_of(kind: int, stop_kind: int, part: float, price: float, quantity: Quantity) -> tuple[Leaving, str]:
    if kind == STOP:
        name = STOPS[stop_kind] if stop_kind in (BREAK_EVEN, TRAILING) else "stop loss"
        return Leaving.STOP, f"exited: {name} reached, at {price:.10g}"
    if part >= 1.0:
        return Leaving.TARGET, f"exited: profit target reached, at {price:.10g}"
    return Leaving.STAGE, f"exited: {quantity:f} at a profit stage, at {price:.10g}"
