"""The codes of every refusal and change of state, as numbers that compiled rules can return; words in `reasons`."""

from typing import Final

OK: Final = 0
NOT_A_NUMBER: Final = 1

# Why nothing may be opened, or nothing at all may be done: the causes of `Standing.state`.
KILL_SWITCH: Final = 2
DRAWDOWN: Final = 3
DAILY_LOSS: Final = 4
LOSSES_IN_A_ROW: Final = 5

# Why this entry is refused.
STALE: Final = 10
WIDE_SPREAD: Final = 11
OUTSIDE_BAND: Final = 12
TOO_MANY_ORDERS: Final = 13
COOLDOWN: Final = 14
TOO_MANY_POSITIONS: Final = 15
TOO_MANY_ENTRIES: Final = 16
CORRELATED: Final = 17
NO_ROOM: Final = 18

# Why an entry is too small to be made.
POSITION_FULL: Final = 20
NO_CASH: Final = 21
BELOW_MINIMUM: Final = 22
NO_DISTANCE: Final = 23
KELLY_SAYS_NO: Final = 24
