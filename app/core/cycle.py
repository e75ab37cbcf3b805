"""What one cycle of the bot found out; it becomes the recorded step."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from app.core.decision import Action, Decision, Signal
from app.domain.errors import OrderPostponed, OrderRejected
from app.models.sql import Step
from app.repositories.signal_repository import json_ready
from app.risk.gate import Approved
from app.risk.position import Leaving

NOT_REACHED: Final = Decision(Action.NO_DECISION, "no decision: the cycle did not get that far")


@dataclass(slots=True)
class Cycle:
    """Filled in as the cycle goes on, so that a failing one is recorded as far as it got.

    Attributes:
        candle_time: Open time of the judged candle.
        close: Its close, quote per base.
        signal: The strategy's signal; None when there was no decision.
        indicators: The candle's indicator values.
        decision: What to do, and why.
        order: What the gate approved.
        leaving: Why the position is sold, when it is.
        order_id: The order that was executed.
        error: What ended the cycle early.
    """

    candle_time: datetime | None = None
    close: float | None = None
    signal: Signal | None = None
    indicators: dict[str, Any] = field(default_factory=dict)
    decision: Decision = NOT_REACHED
    order: Approved | None = None
    leaving: Leaving = Leaving.NOTHING
    order_id: str | None = None
    error: BaseException | None = None

    def note_order(self, placed: object) -> None:
        """Keep the id of what an executor returned, if it has one."""
        identity = placed.get("id") if isinstance(placed, Mapping) else None
        self.order_id = identity if isinstance(identity, str) else None

    @property
    def is_settled(self) -> bool:
        """Whether the signal needs no further attempt: acted upon, held, or an entry that was refused for good.

        An exit that was refused is tried again at the next candle: the position is still there.
        """
        if self.signal is None or self.decision.action is Action.NO_DECISION:
            return False
        if self.decision.action in {Action.EXIT, Action.CANCEL} or isinstance(self.error, OrderPostponed):
            return self.error is None
        return self.error is None or isinstance(self.error, OrderRejected)

    def step(self, *, recorded_at: datetime, symbol: str, timeframe: str, strategy: str, is_settled: bool) -> Step:
        """The row that records this cycle."""
        return Step(
            recorded_at=recorded_at,
            symbol=symbol,
            timeframe=timeframe,
            strategy=strategy,
            candle_time=self.candle_time,
            close=self.close,
            signal_value=None if self.signal is None else int(self.signal),
            indicators=json_ready(self.indicators),
            action=self.decision.action.value,
            reason=self.decision.reason,
            order_id=self.order_id,
            error=None if self.error is None else _sentence(self.error),
            is_settled=is_settled,
        )


def _sentence(error: BaseException) -> str:
    notes: list[str] = getattr(error, "__notes__", [])
    return "; ".join([f"{type(error).__name__}: {error}", *notes])
