"""Signals with the indicator values behind them."""

import math
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final

import numpy as np
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from app.core.database import unit_of_work
from app.models.sql import SignalRecord

LARGEST_INT: Final = 2**53  # beyond it, JSON readers lose digits
LONGEST_TEXT: Final = 200


class SignalRepository:
    """All signals. Each `create` is durable when it returns."""

    def __init__(self, session: Session) -> None:
        self.session = session

    def create(
        self, symbol: str, signal_value: int, signal_metadata: Mapping[str, Any] | None, timestamp: datetime
    ) -> SignalRecord:
        """Record a signal.

        Args:
            symbol: The market, `BTC/USDT`.
            signal_value: 1 buy, -1 sell, 0 neutral.
            signal_metadata: What stood behind it, JSON-like; NaN becomes null.
            timestamp: The candle's open time; a naive time is UTC.

        Raises:
            ValueError: the signal is none of -1, 0, 1.
        """
        if signal_value not in (-1, 0, 1):
            raise ValueError(f"signal_value is {signal_value!r}: a signal is -1, 0 or 1")
        record = SignalRecord(
            symbol=symbol,
            signal_value=int(signal_value),
            signal_metadata=json_ready(signal_metadata or {}),
            timestamp=timestamp,
        )
        with unit_of_work(self.session):
            self.session.add(record)
            self.session.flush()
        return record

    def get_latest(self, limit: int = 10, *, symbol: str | None = None) -> Sequence[SignalRecord]:
        """The newest signals, newest first."""
        query = select(SignalRecord).order_by(SignalRecord.id.desc()).limit(limit)
        if symbol is not None:
            query = query.where(SignalRecord.symbol == symbol)
        with unit_of_work(self.session):
            return self.session.scalars(query).all()

    def get_signal_count(self) -> int:
        """How many signals are recorded."""
        with unit_of_work(self.session):
            return self.session.scalar(select(func.count()).select_from(SignalRecord)) or 0


def json_ready(values: Mapping[str, Any]) -> dict[str, Any]:
    """Values that JSON can hold: numpy scalars as Python's, NaN and infinity as null, anything else as text."""
    return {str(key): _json_value(value) for key, value in values.items()}


def _json_value(value: Any) -> Any:  # noqa: ANN401  # whatever a strategy put into its columns
    plain = value.item() if isinstance(value, np.generic) else value
    if isinstance(plain, float):
        return plain if math.isfinite(plain) else None
    if plain is None or isinstance(plain, str | bool):
        return plain
    if isinstance(plain, int):
        return plain if abs(plain) < LARGEST_INT else str(float(plain) if abs(plain) < 10**300 else "huge")
    return repr(plain)[:LONGEST_TEXT]
