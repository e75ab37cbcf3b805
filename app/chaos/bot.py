"""The process under test: `keel live` as anyone starts it, with kill points armed by the variable KEEL_CHAOS.

KEEL_CHAOS='{"admin_url": ..., "trace": ..., "until_ms": ..., "kill_at": 17}' python -m app.chaos.bot --config ...
"""

import json
import os
import signal
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Self

VARIABLE: Final = "KEEL_CHAOS"
PATIENCE_S: Final = 2.0  # for an answer; production waits longer


@dataclass(frozen=True, slots=True)
class Doom:
    """What will happen to the process.

    Attributes:
        admin_url: The exchange's admin port, by which time passes.
        trace: Where the points that it passes are written.
        until_ms: When it is asked to stop; ms UTC by the exchange.
        kill_at: The number of the point at which it dies; None for none.
        since: Text in the label of the point with which counting begins; empty for the first.
        number: The signal that it sends to itself at that point.
        drift_ms: How far its machine's clock is ahead of the exchange's.
        hold_s: Real seconds for which a request that nobody waits for any more may be under way.
        sabotage: A mistake to build into the bot (`app.chaos.sabotage`); empty for none.
    """

    admin_url: str
    trace: str
    until_ms: int
    kill_at: int | None = None
    since: str = ""
    number: int = signal.SIGKILL
    drift_ms: int = 0
    hold_s: float = 0.0
    sabotage: str = ""

    @classmethod
    def from_environment(cls) -> Self:
        """What the suite wrote into the variable."""
        values: dict[str, Any] = json.loads(os.environ[VARIABLE])
        return cls(**values)


def main(argv: list[str]) -> int:
    """Arm the process, then run `keel live`."""
    from app.chaos.points import SEAMS, Points  # noqa: PLC0415  # the nursery imports this module before it forks
    from app.chaos.sabotage import SABOTAGES  # noqa: PLC0415
    from app.chaos.stepped import SteppedTime  # noqa: PLC0415
    from app.cli.main import main as keel  # noqa: PLC0415

    doom = Doom.from_environment()
    points = Points(Path(doom.trace), doom.kill_at, since=doom.since, number=doom.number)
    time = SteppedTime(
        doom.admin_url,
        drift_ms=doom.drift_ms,
        until_ms=doom.until_ms,
        on_wait=lambda: points.reach("asleep"),
        hold_s=doom.hold_s,
    )
    time.install()
    _be_impatient(time.hold)
    if doom.sabotage:
        SABOTAGES[doom.sabotage].build_in()
    for watch in SEAMS:
        watch(points)
    return keel(["live", *argv])


def _be_impatient(on_timeout: Callable[[], None]) -> None:
    """Neither wait for ccxt's own pace, which is in real seconds, nor as long for an answer as with a real exchange."""
    import ccxt  # noqa: PLC0415
    import requests  # noqa: PLC0415

    ccxt.Exchange.throttle = lambda *_: None
    send = requests.Session.send

    def quick(session: requests.Session, request: requests.PreparedRequest, **options: Any) -> requests.Response:  # noqa: ANN401
        try:
            return send(session, request, **(options | {"timeout": PATIENCE_S}))
        except requests.Timeout:
            on_timeout()
            raise

    setattr(requests.Session, "send", quick)  # noqa: B010


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
