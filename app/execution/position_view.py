"""Positions in the shape of the public interface."""

from app.core.interfaces import PositionView
from app.domain.position import Position
from app.domain.values import Quantity


def view_of(position: Position, held: Quantity | None = None) -> PositionView:
    """The position as executors hand it out; `held` where it differs from what the trades add up to."""
    quantity = position.quantity if held is None else held
    return {
        "net_quantity": quantity,
        "total_buys": position.total_buys,
        "total_sells": position.total_sells,
        "is_flat": quantity == 0,
    }
