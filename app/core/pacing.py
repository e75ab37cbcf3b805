"""When the next cycle begins."""

from dataclasses import dataclass
from typing import Final

from app.domain.timeframe import Timeframe

FIRST_PAUSE_MS: Final = 1_000
LONGEST_PAUSE_MS: Final = 300_000


@dataclass(slots=True)
class Pacing:
    """Waits for the next candle's close; sooner when the newest candle is late, with growing pauses while cycles fail.

    Attributes:
        timeframe: Whose closes are waited for.
        sleep_ms: The longest wait while all is well.
    """

    timeframe: Timeframe
    sleep_ms: int
    _failures: int = 0
    _late: int = 0

    def succeeded(self, *, late: bool) -> None:
        """A cycle ended well; `late` when the exchange did not have the newest candle yet."""
        self._failures = 0
        self._late = self._late + 1 if late else 0

    def failed(self) -> int:
        """A cycle raised; how many have, one after the other."""
        self._failures += 1
        return self._failures

    def next_cycle_ms(self, now_ms: int) -> int:
        """The instant at which the next cycle begins, ms UTC."""
        if self._failures:
            return now_ms + self._growing(self._failures, LONGEST_PAUSE_MS)
        if self._late:
            return now_ms + self._growing(self._late, self.sleep_ms)
        return min(self.timeframe.next_close(now_ms), now_ms + self.sleep_ms)

    def _growing(self, times: int, longest_ms: int) -> int:
        """1, 2, 4 … seconds up to the longest; never above a shorter `sleep_ms` at first."""
        first = min(FIRST_PAUSE_MS, max(self.sleep_ms, 1))
        return min(first << min(times - 1, 20), max(longest_ms, 1))
