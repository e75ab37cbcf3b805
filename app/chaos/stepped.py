"""The machine's clock, replaced: the exchange's virtual time, which jumps ahead whenever the bot waits."""

import json
import os
import signal
import time
import urllib.request
from collections.abc import Callable
from typing import Any

import ccxt

from app.core.clock import SystemClock
from app.core.stop import Stop


class SteppedTime:
    """The exchange's time as a machine's clock shows it. Nobody but the bot moves it while the bot runs.

    Args:
        admin_url: The exchange's admin port.
        drift_ms: How far the machine's clock is ahead of the exchange's.
        until_ms: When the bot is asked to stop, with SIGTERM; ms UTC by the exchange.
        on_wait: Called before each wait.
        hold_s: Real seconds for which a request that nobody waits for any more may be under way, also one of the life
            before: for so long time stands still, because an exchange executes nothing after its recvWindow.

    Attributes:
        exchange_ms: The exchange's time, ms UTC.
    """

    def __init__(
        self, admin_url: str, *, drift_ms: int, until_ms: int, on_wait: Callable[[], None], hold_s: float
    ) -> None:
        self._admin_url = admin_url
        self._drift_ms = drift_ms
        self._until_ms = until_ms
        self._on_wait = on_wait
        self._hold_s = hold_s
        self.hold()
        self.exchange_ms = self._advance(0)

    def install(self) -> None:
        """Make every SystemClock of this process follow."""
        stepped = self

        def now_ms(clock: SystemClock) -> int:
            return stepped.machine_ms() + clock.offset_ms

        def wait_until(clock: SystemClock, at_ms: int, stop: Stop) -> None:
            left_ms = at_ms - now_ms(clock)
            if left_ms > 0 and not stop.is_set():
                stepped.wait(left_ms)

        def monotonic_ms(_: SystemClock) -> int:
            return stepped.exchange_ms

        setattr(ccxt.Exchange, "milliseconds", staticmethod(stepped.machine_ms))  # noqa: B010  # of its timestamps
        setattr(SystemClock, "monotonic_ms", monotonic_ms)  # noqa: B010
        setattr(SystemClock, "now_ms", now_ms)  # noqa: B010  # mypy forbids the assignment
        setattr(SystemClock, "wait_until", wait_until)  # noqa: B010

    def hold(self) -> None:
        """Let time stand still from now on, until what is under way has arrived."""
        self._still_until_s = time.monotonic() + self._hold_s

    def machine_ms(self) -> int:
        """What the machine's clock shows."""
        return self.exchange_ms + self._drift_ms

    def wait(self, left_ms: int) -> None:
        """Let time pass at once."""
        self._on_wait()
        still_s = self._still_until_s - time.monotonic()
        if still_s > 0:
            time.sleep(still_s)  # noqa: TID251  # for a request in another process
        self.exchange_ms = self._advance(left_ms / 1_000)
        if self.exchange_ms >= self._until_ms:
            os.kill(os.getpid(), signal.SIGTERM)

    def _advance(self, seconds: float) -> int:
        body = json.dumps({"seconds": seconds}).encode()
        request = urllib.request.Request(f"{self._admin_url}/admin/clock/advance", data=body, method="POST")  # noqa: S310
        with urllib.request.urlopen(request, timeout=60) as answer:  # noqa: S310  # loopback
            told: dict[str, Any] = json.loads(answer.read())
        return int(told["serverTime"])
