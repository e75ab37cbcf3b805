"""What the bot must know after a restart, and the record of what it did: one step per cycle."""

import logging
from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial
from typing import Any

from app.core.cycle import Cycle
from app.core.decision import Action
from app.core.enums import OrderSide, OrderType
from app.core.interfaces import IExecutor
from app.domain.errors import DatabaseError, DatabaseGone
from app.domain.order import OrderStatus
from app.models.sql import Order, Step
from app.repositories import OrderRepository, StepRepository

logger = logging.getLogger(__name__)


class Memory:
    """The recorded steps of one market, and what follows from them.

    A cycle that needs an order is recorded before the order is sent, and completed afterwards: a process that dies
    between the two leaves a step that says what it was about to do.

    Args:
        steps: Where cycles are recorded; None records nothing (a user's own repositories).
        symbol: The market.
        timeframe: The candle length.
        strategy: The strategy's name.

    Attributes:
        last_signal: The signal that was last acted upon; None before the first.
        last_judged: Open time of the newest candle that was judged to its end.
        beside: Writes down what belongs to the steps: durable together with them where both are in one database.
    """

    beside: Callable[[], None]

    def __init__(self, steps: StepRepository | None, *, symbol: str, timeframe: str, strategy: str) -> None:
        self._steps = steps
        self._symbol = symbol
        self._timeframe = timeframe
        self._strategy = strategy
        self._begun: Step | None = None
        self._half_done: Step | None = None
        self.last_signal: int | None = None
        self.last_judged: datetime | None = None
        self.beside = _nothing

    @property
    def is_empty(self) -> bool:
        """Whether nothing was ever recorded."""
        return self._steps is None or not self._steps.latest(self._symbol, self._timeframe)

    def restore(self) -> None:
        """Learn from the database what was done before."""
        if self._steps is None:
            return
        newest = next(iter(self._steps.latest(self._symbol, self._timeframe)), None)
        if newest is not None and _was_left_half_done(newest):
            self._half_done = newest
            self.finish_half_done()
        self._recall(self._steps)

    def finish_half_done(self) -> None:
        """Complete the step that a dying process left, once the fate of its order is known; called until it is."""
        if self._steps is None or self._half_done is None:
            return
        order = OrderRepository(self._steps.session).newest(self._symbol)
        if order is not None and OrderStatus(order.status).is_unresolved:
            return
        if order is None or not self._belongs_to_half_done(order) or order.status == OrderStatus.REJECTED:
            self._half_done = None  # nothing was executed: the candle is judged again
        elif order.filled > 0 or OrderStatus(order.status).rests or order.order_type == OrderType.LIMIT.value:
            logger.info("Order %s was accepted right before a restart", order.id)
            has_signal = self._half_done.signal_value is not None
            self._steps.complete(self._half_done, order_id=order.id, error=None, is_settled=has_signal)
            self._half_done = None
            self._recall(self._steps)

    def is_ordered(self, candle_time: datetime | None) -> bool:
        """Whether an entry was sent for a candle and not refused, whatever its cycle learned of it."""
        if self._steps is None or candle_time is None:
            return False
        order = OrderRepository(self._steps.session).newest(self._symbol)
        if order is None or order.side is OrderSide.SELL or order.status == OrderStatus.REJECTED:
            return False
        return order.candle_time == candle_time

    def _belongs_to_half_done(self, order: Order) -> bool:
        """Whether the newest order is the one that the step was begun for, and not the one of an earlier step."""
        side = OrderSide.BUY if self._half_done and self._half_done.action == Action.ENTER.value else OrderSide.SELL
        return self._steps is not None and order.side is side and self._steps.of_order(order.id) is None

    def _recall(self, steps: StepRepository) -> None:
        if settled := steps.last_settled(self._symbol, self._timeframe):
            self.last_signal, self.last_judged = settled.signal_value, settled.candle_time

    def begin(self, cycle: Cycle, now_ms: int, executor: IExecutor | None = None) -> None:
        """Record what is about to be done: together with its order, where the executor can do that.

        Raises:
            DatabaseError: an entry cannot be recorded; an exit does not wait for a broken database.
        """
        try:
            self._begin(cycle, now_ms, executor)
        except DatabaseGone:
            raise
        except DatabaseError as error:
            if cycle.decision.action is Action.ENTER:
                raise
            logger.critical("The exit from %s is not recorded, it goes on: %s", self._symbol, error)

    def _begin(self, cycle: Cycle, now_ms: int, executor: IExecutor | None) -> None:
        if self._steps is None:
            self.beside()
            return
        write = partial(self._write_begun, self._steps, self._step(cycle, now_ms, is_settled=False))
        if executor is None or not executor.write_along(self._symbol, self._steps.session, write):
            write()

    def _write_begun(self, steps: StepRepository, step: Step) -> None:
        with steps.together():
            self.beside()
            self._begun = steps.record(step)

    def complete(self, cycle: Cycle, now_ms: int) -> None:
        """Record how the cycle ended, also a failed one; a failure to record it is logged."""
        if cycle.is_settled and cycle.signal is not None:
            self.last_signal, self.last_judged = int(cycle.signal), cycle.candle_time
        begun, self._begun = self._begun, None
        if begun is not None and self._steps is not None and not self._steps.has(begun):
            begun = None  # it was to be written with its order, and was not
        try:
            self._complete(cycle, begun, now_ms)
        except Exception:
            logger.exception("Failed to record the step")

    def _complete(self, cycle: Cycle, begun: Step | None, now_ms: int) -> None:
        if self._steps is None:
            self.beside()
            return
        step = self._step(cycle, now_ms, is_settled=cycle.is_settled)
        with self._steps.together():
            self.beside()
            if begun is None:
                self._steps.record(step)
            else:
                self._steps.complete(begun, order_id=step.order_id, error=step.error, is_settled=step.is_settled)

    def _step(self, cycle: Cycle, now_ms: int, *, is_settled: bool) -> Step:
        identity: dict[str, Any] = {"symbol": self._symbol, "timeframe": self._timeframe, "strategy": self._strategy}
        moment = datetime.fromtimestamp(now_ms / 1_000, UTC)
        return cycle.step(recorded_at=moment, is_settled=is_settled, **identity)


def _nothing() -> None:
    """Where nothing else is written down."""


def _was_left_half_done(step: Step) -> bool:
    """Whether a step was begun for an order and never completed."""
    needs_order = step.action in {Action.ENTER.value, Action.EXIT.value}
    return needs_order and not step.is_settled and step.error is None and step.order_id is None
