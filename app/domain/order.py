"""The life of an order, as one table. An order is written down before it is sent, so its life begins in the ledger.

::

    created ──► submitted ──► open ──► partially filled ──► filled
                    │           └────────────┴──► canceled, expired
                    ├──► rejected     (a definitive refusal, or proof that it never arrived)
                    └──► unknown      (no answer, or one that cannot be trusted) ──► any of the above
"""

from enum import StrEnum
from typing import Final


class OrderStatus(StrEnum):
    """Where an order stands, as far as we know."""

    CREATED = "created"
    SUBMITTED = "submitted"
    UNKNOWN = "unknown"
    OPEN = "open"
    PARTIALLY_FILLED = "partially_filled"
    FILLED = "filled"
    CANCELED = "canceled"
    REJECTED = "rejected"
    EXPIRED = "expired"

    @property
    def is_unresolved(self) -> bool:
        """Whether nobody knows yet if the exchange has it: no new order for its symbol until that is settled."""
        return self in _UNRESOLVED

    @property
    def rests(self) -> bool:
        """Whether the exchange has it and may still trade it."""
        return self in _RESTING


class OrderEvent(StrEnum):
    """What can happen to an order."""

    SUBMIT = "submit"  # the one POST begins
    ACCEPT = "accept"  # the exchange says that it rests
    FILL = "fill"  # a part was traded
    COMPLETE = "complete"  # all of it was traded
    CANCEL = "cancel"
    EXPIRE = "expire"
    REJECT = "reject"  # a definitive refusal
    DOUBT = "doubt"  # no answer, or one that cannot be trusted
    ABSENT = "absent"  # proven: it does not exist and can no longer arrive


class IllegalTransitionError(Exception):
    """An event that cannot happen in this state: a fault of ours, never of the exchange."""


_RESTING: Final = frozenset({OrderStatus.OPEN, OrderStatus.PARTIALLY_FILLED})
_UNRESOLVED: Final = frozenset({OrderStatus.CREATED, OrderStatus.SUBMITTED, OrderStatus.UNKNOWN})

_S, _E = OrderStatus, OrderEvent
TRANSITIONS: Final[dict[tuple[OrderStatus, OrderEvent], OrderStatus]] = {
    (_S.CREATED, _E.SUBMIT): _S.SUBMITTED,
    (_S.CREATED, _E.DOUBT): _S.UNKNOWN,  # we died between writing it down and sending it: perhaps it was sent
    **{
        (status, event): after
        for status in (_S.SUBMITTED, _S.UNKNOWN)
        for event, after in {
            _E.ACCEPT: _S.OPEN,
            _E.FILL: _S.PARTIALLY_FILLED,
            _E.COMPLETE: _S.FILLED,
            _E.CANCEL: _S.CANCELED,
            _E.EXPIRE: _S.EXPIRED,
            _E.REJECT: _S.REJECTED,
            _E.DOUBT: _S.UNKNOWN,
        }.items()
    },
    (_S.UNKNOWN, _E.ABSENT): _S.REJECTED,
    **{
        (status, event): after
        for status in (_S.OPEN, _S.PARTIALLY_FILLED)
        for event, after in {
            _E.FILL: _S.PARTIALLY_FILLED,
            _E.COMPLETE: _S.FILLED,
            _E.CANCEL: _S.CANCELED,
            _E.EXPIRE: _S.EXPIRED,
            _E.DOUBT: status,  # a read that failed changes nothing of what is known
        }.items()
    },
    (_S.OPEN, _E.ACCEPT): _S.OPEN,
    (_S.OPEN, _E.REJECT): _S.REJECTED,  # some exchanges accept first and refuse afterwards
    (_S.PARTIALLY_FILLED, _E.ACCEPT): _S.PARTIALLY_FILLED,  # an old answer overtaken by its fill
    (_S.FILLED, _E.ACCEPT): _S.FILLED,  # an old answer, also here
    (_S.FILLED, _E.FILL): _S.FILLED,
    (_S.FILLED, _E.COMPLETE): _S.FILLED,
    (_S.FILLED, _E.CANCEL): _S.FILLED,  # our cancel came too late
    (_S.FILLED, _E.EXPIRE): _S.FILLED,
    (_S.FILLED, _E.DOUBT): _S.FILLED,
    **{
        (status, event): after
        for status in (_S.CANCELED, _S.EXPIRED)
        for event, after in {
            _E.ACCEPT: status,  # an old answer
            _E.FILL: status,  # the fill overtook our cancel: book it
            _E.COMPLETE: _S.FILLED,  # all of it was traded before the cancel arrived
            _E.CANCEL: status,
            _E.EXPIRE: status,
            _E.DOUBT: status,
        }.items()
    },
    (_S.REJECTED, _E.REJECT): _S.REJECTED,
    (_S.REJECTED, _E.DOUBT): _S.REJECTED,
    (_S.REJECTED, _E.ABSENT): _S.REJECTED,
    # the proof of absence was wrong; the exchange is the truth of what happened
    (_S.REJECTED, _E.ACCEPT): _S.OPEN,
    (_S.REJECTED, _E.FILL): _S.PARTIALLY_FILLED,
    (_S.REJECTED, _E.COMPLETE): _S.FILLED,
    (_S.REJECTED, _E.CANCEL): _S.CANCELED,
    (_S.REJECTED, _E.EXPIRE): _S.EXPIRED,
}


def after(status: OrderStatus, event: OrderEvent) -> OrderStatus:
    """The status after an event.

    Raises:
        IllegalTransitionError: the table has no such row.
    """
    try:
        return TRANSITIONS[status, event]
    except KeyError:
        raise IllegalTransitionError(f"an order that is {status.value} cannot {event.value}") from None
