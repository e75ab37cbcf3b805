"""A long market at high speed with faults in some of the calls: is anything lost, does memory or the database grow?"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from app.chaos.case import Case, open_run
from app.chaos.faults import storm
from app.chaos.invariants import violations
from app.chaos.nursery import Nursery

SHARE: Final = 0.05  # of all calls
HOUR_MS: Final = 3_600_000
WARM_HOURS: Final = 1.0  # what a process needs until it has loaded and cached everything; at most a quarter of its life
REST_MS: Final = 10 * 60_000
PAGE_KB: Final = 4


@dataclass(frozen=True, slots=True)
class Sample:
    """A look at the running bot.

    Attributes:
        hours: Of the exchange's time since the beginning.
        rss_kb: Resident memory.
        database_kb: The database with its log.
    """

    hours: float
    rss_kb: int
    database_kb: int


@dataclass(slots=True)
class Soaked:
    """What came of it.

    Attributes:
        hours: Of the exchange's time.
        samples: Looks at the bot, oldest first.
        violations: In words.
        deaths: How often the bot ended by itself and was started again.
        orders: Orders at the exchange.
        calls: Requests of the bot.
        strikes: Faults that struck.
    """

    hours: float
    samples: list[Sample] = field(default_factory=list)
    violations: list[str] = field(default_factory=list)
    deaths: int = 0
    orders: int = 0
    calls: int = 0
    strikes: int = 0

    def rss_kb_per_day(self) -> float:
        """Slope of the memory, without the first part, in which a process warms up."""
        return 24 * _slope([(sample.hours, sample.rss_kb) for sample in self._warm()])

    def database_kb_per_day(self) -> float:
        """Slope of the database's size."""
        return 24 * _slope([(sample.hours, sample.database_kb) for sample in self._warm()])

    def text(self) -> str:
        """For people."""
        warm = self._warm()
        rss = f"{warm[0].rss_kb} kB to {warm[-1].rss_kb} kB" if warm else "not seen"
        what = f"{self.hours:g} hours of the exchange: {self.calls} calls, {self.strikes} faults, {self.orders} orders"
        lines = [
            *self.violations,
            f"{what}, {self.deaths} restarts, {len(self.violations)} violations",
            f"resident memory {rss} in {len(warm)} looks, slope {self.rss_kb_per_day():+.0f} kB a day",
            f"database {self.database_kb_per_day():+.0f} kB a day",
        ]
        return "\n".join(lines)

    def _warm(self) -> list[Sample]:
        begins = min(WARM_HOURS, self.hours / 4)
        return [sample for sample in self.samples if sample.hours >= begins]


def soak(hours: float, seed: int, folder: Path) -> Soaked:
    """Let one bot live for hours of the exchange's time; faults strike 5 % of its calls.

    Args:
        hours: How long.
        seed: Of prices and faults.
        folder: A folder that does not exist yet.
    """
    soaked = Soaked(hours)
    case = Case("soak", storm(SHARE), (), seed)
    with Nursery() as nursery, open_run(case, nursery, folder) as run:
        for rule in case.fault.rules:
            run.venue.put_up(rule)
        start_ms = run.venue.advance(0)
        end_ms = start_ms + round(hours * HOUR_MS)

        def look(pid: int) -> None:
            now_ms = run.venue.advance(0)
            run.truth.read(run.venue.journal(run.truth.seq))  # before the exchange forgets it
            soaked.samples.append(Sample((now_ms - start_ms) / HOUR_MS, _rss_kb(pid), _database_kb(run.folder)))

        while (now_ms := run.venue.advance(0)) < end_ms:
            status, trace = run.live(end_ms - now_ms, watch=look)
            soaked.calls += sum(point.endswith(": unsent") for point in trace.points)
            soaked.deaths += status != 0
            run.venue.advance(1)
        run.venue.clear()
        run.live(REST_MS)
        soaked.violations = run.result.violations + violations(run.look())
        soaked.orders, soaked.strikes = run.result.orders, run.result.strikes
    return soaked


def _rss_kb(pid: int) -> int:
    try:
        return int(Path(f"/proc/{pid}/statm").read_text(encoding="ascii").split()[1]) * PAGE_KB
    except (OSError, IndexError):  # it has just ended
        return 0


def _database_kb(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.glob("keel.db*")) // 1_024


def _slope(points: Sequence[tuple[float, float]]) -> float:
    """Of the line through the points with the least squares; 0 for fewer than two."""
    if len(points) < 2:
        return 0.0
    mean_x = sum(x for x, _ in points) / len(points)
    mean_y = sum(y for _, y in points) / len(points)
    spread = sum((x - mean_x) ** 2 for x, _ in points)
    return sum((x - mean_x) * (y - mean_y) for x, y in points) / spread if spread else 0.0
