"""One run: a bot is born, killed, born again, while a fault goes on; then it may rest, and both sides are compared."""

import json
import random
import signal
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, replace
from decimal import Decimal
from pathlib import Path
from typing import Any, Final

from app.chaos import script
from app.chaos.bareness import ARRIVAL_MS, CYCLE_MS, Noted
from app.chaos.books import Books, Trace
from app.chaos.bot import Doom
from app.chaos.faults import Fault
from app.chaos.invariants import BASE, SMALLEST, Outcome, violations
from app.chaos.nursery import Nursery
from app.chaos.truth import Truth
from app.chaos.venue import ACCOUNT, KEY, SECRET, Venue, open_venue

QUOTE_BALANCE: Final = "100000"
LIMIT: Final = 600
FOREIGN: Final = Decimal("0.5")
LIFE_MS: Final = 12 * 60_000  # of the exchange's time: long enough for every kill point
UNDER_FIRE_MS: Final = 8 * 60_000  # a life that nobody ends, while the fault goes on
REST_MS: Final = 5 * 60_000
GLANCE_MS: Final = 1_000
RESTS: Final = 3 * (REST_MS, GLANCE_MS)  # the peaceful lives that the bot may need; a glance books and decides nothing
TRIES: Final = 3  # a life that ends before it is killed is followed by another
DOWN_S: Final = (0, 0, 1, 20, 61, 100)  # how long nobody starts it again
DRIFTS_MS: Final = (0, 0, 700, -700, 90_000, -90_000)
PROTECTED: Final = "POST /api/v3/orderList/oco: read"
UNPROTECTED: Final = "POST /api/v3/orderList/oco: unsent"
FALL: Final = -5  # percent, far below every stop
FALL_S: Final = 5  # until trades are made there
UNFORESEEN: Final = 1  # the exit code of a traceback


@dataclass(frozen=True, slots=True)
class Kill:
    """When a life ends.

    Attributes:
        at_point: The number of the point; None for a moment.
        since: Text in the label of the point with which counting begins; empty for the first of the life.
        after_s: Real seconds after birth; None for a point.
        number: The signal; a moment is always SIGKILL's.
    """

    at_point: int | None = None
    since: str = ""
    after_s: float | None = None
    number: int = signal.SIGKILL


@dataclass(frozen=True, slots=True)
class Case:
    """One run, which its name and the suite's seed determine.

    Attributes:
        name: `fault/number`.
        fault: What goes wrong.
        kills: One after the other.
        seed: Of everything drawn.
        sabotage: A mistake to build into the bot (`app.chaos.sabotage`); empty for none.
        every: Minutes between two signals of the script.
    """

    name: str
    fault: Fault
    kills: tuple[Kill, ...]
    seed: int
    sabotage: str = ""
    every: int = 2


@dataclass(slots=True)
class Result:
    """What came of a run.

    Attributes:
        name: Of the case.
        fault: Its fault's name.
        killed_at: Labels of the points at which lives ended; `moment` for one killed from outside.
        lives: How many lives there were.
        strikes: How often the fault struck.
        orders: How many orders reached the exchange.
        violations: In words; none is well.
        passed: Labels of all points that the lives passed, each with the number of kills before the first time.
        first_life: The points of the first life, in order.
        seconds: Real time.
    """

    name: str
    fault: str
    killed_at: list[str] = field(default_factory=list)
    lives: int = 0
    strikes: int = 0
    orders: int = 0
    violations: list[str] = field(default_factory=list)
    passed: dict[str, int] = field(default_factory=dict)
    first_life: list[str] = field(default_factory=list)
    seconds: float = 0.0


class Run:
    """Carries a case out, all of it or life by life.

    Args:
        case: What is to be done.
        venue: Its exchange.
        nursery: Where bots come from.
        folder: An empty folder of its own.

    Attributes:
        result: What came of it so far.
        truth: The exchange's side, as far as it was read.
    """

    def __init__(self, case: Case, venue: Venue, nursery: Nursery, folder: Path) -> None:
        self.case, self.venue, self.nursery, self.folder = case, venue, nursery, folder
        self.result = Result(case.name, case.fault.name)
        self._chance = random.Random(f"{case.seed}/downtime")  # noqa: S311  # repeatable, not secret
        self._doom = Doom(venue.admin_url, "", 0, drift_ms=self._chance.choice(DRIFTS_MS), sabotage=case.sabotage)
        self._doom = replace(self._doom, hold_s=case.fault.hold_s)
        self.truth = Truth(ACCOUNT)
        self._sent: Counter[str] = Counter()
        self._unwritten: list[str] = []
        self._lives: list[list[Noted]] = []
        (folder / "config.json").write_text(json.dumps(self._settings()))

    def carry_out(self) -> Result:
        """All of it."""
        for rule in self.case.fault.rules:
            self.venue.put_up(rule)
        for kill in self.case.kills:
            self._until_killed(kill)
        if self.case.fault.rules:
            self.live(UNDER_FIRE_MS)
        self.venue.clear()
        for rule in self.case.fault.undo:
            self.venue.put_up(rule)
        for length_ms in RESTS:  # an order that rests may trade after the last cycle: the next life books it
            self.live(length_ms)
            broken = violations(self.look())
            if not broken:
                break
        self.result.violations += broken
        if self.case.fault.has_stop and not broken:
            self.result.violations += self._fall_through_the_stop()
        return self.result

    def _fall_through_the_stop(self) -> list[str]:
        """Kill the bot while it protects a position, let the price fall.

        In every second run it dies with the protection written down and not sent; in every second of the others
        somebody cancels it. Whatever is armed then, the exchange's stop or the bot's own, must have sold within one
        cycle of the next life; beside coins of others, once an order that was not sent can no longer arrive.
        """
        is_unsent, is_foreign = self.case.seed // 2 % 2 == 1, foreign_of(self.case) > 0
        _, trace = self.live(LIFE_MS, Kill(1, since=UNPROTECTED if is_unsent else PROTECTED))
        if trace.end is None:
            return ["the_stop_holds: no position was protected at the exchange in a whole life"]
        before = self.look()
        held, sold = before.books.position, _sold(before)
        if self.case.seed % 2 and not is_unsent:
            self.venue.put_up({"kind": "exchange_cancel", "account": ACCOUNT, "symbol": f"{BASE}USDT"})
        self.venue.put_up({"kind": "spike", "symbol": f"{BASE}USDT", "percent": FALL})
        self.venue.advance(FALL_S)
        self.live(CYCLE_MS + (ARRIVAL_MS if is_unsent and is_foreign else 0))
        sold = _sold(self.look()) - sold
        self.live(REST_MS if is_unsent else CYCLE_MS)
        broken = violations(self.look())
        if held - sold >= SMALLEST:
            broken.append(f"the_stop_holds: {held} were held, the price fell by {-FALL} %, only {sold} are sold")
        return broken

    def _until_killed(self, kill: Kill) -> None:
        for _ in range(TRIES):
            status, trace = self.live(LIFE_MS, kill)
            self._be_down(self._chance.choice(DOWN_S))
            if trace.end is not None or status == -signal.SIGKILL:
                self.result.killed_at.append(trace.end or "moment")
                return

    def _be_down(self, seconds: float) -> None:
        """Nobody starts the bot for a while; what it had sent arrives before."""
        if seconds:
            time.sleep(self.case.fault.hold_s)  # noqa: TID251  # for a request in another process
        self.venue.advance(seconds)

    def live(
        self,
        length_ms: int,
        kill: Kill = Kill(),  # it is frozen
        watch: Callable[[int], None] | None = None,
    ) -> tuple[int | None, Trace]:
        """One life.

        Args:
            length_ms: After this time of the exchange's the bot is asked to stop.
            kill: When it ends before.
            watch: Called with its process id about once a second.

        Returns:
            Its exit code, negative for a signal, None when it did not end; and what it did.
        """
        self.result.lives += 1
        until_ms = self.venue.advance(0) + length_ms
        path = self.folder / f"trace-{self.result.lives}"
        doom = replace(self._doom, trace=str(path), until_ms=until_ms, kill_at=kill.at_point)
        doom = replace(doom, since=kill.since, number=kill.number)
        status = self.nursery.live(
            ["--config", "config.json", "--mode", "live"],
            json.dumps(asdict(doom)),
            folder=self.folder,
            log=self.folder / "log",
            kill_after_s=kill.after_s,
            watch=watch,
        )
        trace = Trace.read(path)
        self._sent.update(trace.sent)
        self._unwritten += trace.unwritten
        self._lives.append(trace.cycles)
        kills = len(self.result.killed_at)
        self.result.passed = dict.fromkeys(trace.points, kills) | self.result.passed
        self.result.first_life = self.result.first_life or trace.points
        if status is None:
            self.result.violations.append(f"the_bot_goes_on: life {self.result.lives} did not end")
        elif status == UNFORESEEN:
            self.result.violations.append(f"the_bot_goes_on: life {self.result.lives} ended with: {self._last_words()}")
        return status, trace

    def look(self) -> Outcome:
        """Both sides as they are now."""
        truth = self.truth
        truth.read(self.venue.journal(truth.seq))
        self.result.strikes = sum(truth.strikes.get(kind, 0) for kind in self.case.fault.kinds)
        self.result.orders = sum(client_id in self._sent for client_id in truth.client_ids())
        return Outcome(
            truth=truth,
            books=Books.read(self.folder / "keel.db"),
            sent=self._sent,
            unwritten=self._unwritten,
            limit=Decimal(self._settings()["risk"]["max_position_size_usd"]),
            fault=self.case.fault,
            oracle=self.venue.oracle(),
            lives=self._lives,
        )

    def _settings(self) -> dict[str, Any]:
        settings: dict[str, dict[str, Any]] = {
            "exchange": {"name": "binance", "rest_url": self.venue.rest_url, "api_key": KEY, "api_secret": SECRET},
            "risk": {"max_position_size_usd": LIMIT},
            "strategy": {
                "name": f"{script.__file__}:Scripted",
                "symbol": f"{BASE}/USDT",
                "timeframe": "1m",
                "params": {"every": self.case.every},
            },
        }
        for section, values in self.case.fault.settings.items():
            settings.setdefault(section, {}).update(values)
        return {**settings, "db_path": "keel.db"}

    def _last_words(self) -> str:
        lines = (self.folder / "log").read_text(encoding="utf-8", errors="replace").strip().splitlines()
        return lines[-1] if lines else "nothing"


def _sold(outcome: Outcome) -> Decimal:
    """Base units that the bot's orders ever sold."""
    return sum((execution.quantity for execution in outcome.ours() if execution.side == "sell"), Decimal(0))


def foreign_of(case: Case) -> Decimal:
    """Every second run begins with coins that are not the bot's."""
    return FOREIGN if case.seed % 2 else Decimal(0)


def run_case(case: Case, nursery: Nursery, folder: Path) -> Result:
    """Carry a case out on an exchange of its own."""
    began_s = time.monotonic()
    with open_run(case, nursery, folder) as run:
        result = run.carry_out()
    result.seconds = time.monotonic() - began_s
    return result


@contextmanager
def open_run(case: Case, nursery: Nursery, folder: Path) -> Iterator[Run]:
    """A run that is about to begin, on an exchange of its own; `folder` is made."""
    funds = {"USDT": QUOTE_BALANCE, **case.fault.balance}
    if foreign_of(case):
        funds[BASE] = str(foreign_of(case))
    balance = ",".join(f"{asset}={amount}" for asset, amount in funds.items())
    folder.mkdir(parents=True)
    with open_venue(case.seed, balance, *case.fault.options) as venue:
        yield Run(case, venue, nursery, folder)
