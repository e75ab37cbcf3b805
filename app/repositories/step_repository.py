"""Recorded steps: why there was or was not a trade."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from sqlalchemy import ColumnElement, Select, func, select
from sqlalchemy.orm import Session

from app.core.database import unit_of_work
from app.models.sql import Step


class StepRepository:
    """The steps of all bots in this database."""

    def __init__(self, session: Session) -> None:
        self.session = session

    @contextmanager
    def together(self) -> Iterator[None]:
        """What is written inside becomes durable together, also by other repositories of the same session."""
        with unit_of_work(self.session):
            yield

    def record(self, step: Step) -> Step:
        """Record one cycle."""
        with unit_of_work(self.session):
            self.session.add(step)
        return step

    def has(self, step: Step) -> bool:
        """Whether a step is recorded, and was not taken back with its unit of work."""
        return step in self.session

    def complete(self, step: Step, *, order_id: str | None, error: str | None, is_settled: bool) -> None:
        """Add to a step that was recorded before its order what came of it."""
        with unit_of_work(self.session):
            step.order_id, step.error, step.is_settled = order_id, error, is_settled
            self.session.flush()

    def of_order(self, order_id: str) -> Step | None:
        """The step that led to an order."""
        found = self._fetch(select(Step).where(Step.order_id == order_id).limit(1))
        return found[0] if found else None

    def latest(self, symbol: str, timeframe: str, limit: int = 1) -> Sequence[Step]:
        """The newest steps, newest first."""
        return self._fetch(self._of(symbol, timeframe).order_by(Step.id.desc()).limit(limit))

    def last_settled(self, symbol: str, timeframe: str) -> Step | None:
        """The newest step whose signal needs no further attempt."""
        query = self._of(symbol, timeframe).where(Step.is_settled.is_(True))
        found = self._fetch(query.order_by(Step.id.desc()).limit(1))
        return found[0] if found else None

    def last_close(self, symbol: str, timeframe: str) -> float | None:
        """Close of the newest judged candle."""
        judged = self._of(symbol, timeframe).where(Step.close.is_not(None)).order_by(Step.id.desc()).limit(1)
        found = self._fetch(judged)
        return found[0].close if found else None

    def candles_judged(self, symbol: str, timeframe: str) -> int:
        """How many different candles were judged."""
        return self._distinct_candles(symbol, timeframe, Step.signal_value.is_not(None))

    def signals_given(self, symbol: str, timeframe: str) -> int:
        """How many different candles had a signal other than neutral."""
        return self._distinct_candles(symbol, timeframe, Step.signal_value != 0)

    def _of(self, symbol: str, timeframe: str) -> Select[Step]:
        return select(Step).where(Step.symbol == symbol, Step.timeframe == timeframe)

    def _fetch(self, query: Select[Step]) -> Sequence[Step]:
        with unit_of_work(self.session):
            return self.session.scalars(query).all()

    def _distinct_candles(self, symbol: str, timeframe: str, condition: ColumnElement[bool]) -> int:
        query = select(func.count(func.distinct(Step.candle_time))).where(
            Step.symbol == symbol, Step.timeframe == timeframe, condition
        )
        with unit_of_work(self.session):
            return self.session.scalar(query) or 0
