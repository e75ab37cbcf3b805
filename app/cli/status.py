"""What a database says of its account and of one symbol, in words."""

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from app.config.models import BotConfig
from app.core.clock import SystemClock
from app.core.database import Database
from app.core.kill_switch import KillSwitch
from app.domain.instrument import base_of, quote_of
from app.models.risk import DayResult, EquitySnapshot
from app.repositories import RiskRepository
from app.risk.codes import OK
from app.risk.limits import Standing
from app.risk.position import OpenPosition
from app.risk.reasons import REFUSALS, STATES


@dataclass(frozen=True, slots=True)
class Found:
    """What the database holds of one symbol and its account.

    Attributes:
        standing: What the limits remember; None before the first candle.
        position: The open position; None when nothing is held.
        newest: The account at the newest close; None before the first.
        today: The UTC day's result; None without a trade.
    """

    standing: Standing | None
    position: OpenPosition | None
    newest: EquitySnapshot | None
    today: DayResult | None


def look(config: BotConfig) -> Found | None:
    """Read the database; None when there is none yet."""
    if "://" not in config.db_path and not Path(config.db_path).exists():
        return None
    symbol, asset = config.strategy.symbol, quote_of(config.strategy.symbol)
    database = Database()
    database.open(config.db_path)
    try:
        with database.session_scope() as session:
            risk = RiskRepository(session)
            account = risk.account(asset)
            today = datetime.fromtimestamp(SystemClock().now_ms() / 1_000, UTC)
            newest = risk.newest_snapshot(symbol)
            day = datetime.fromtimestamp((newest.close_ms - 1) / 1_000, UTC) if newest else today
            return Found(account[1] if account else None, risk.position(symbol), newest, risk.day(day, asset))
    finally:
        database.close()


def report(config: BotConfig) -> list[str]:
    """The lines of `keel status`."""
    found, switch = look(config), KillSwitch(config.db_path)
    asked = switch.wish()
    lines = [f"kill switch: {asked.value} ({switch.path})"] if asked else []
    if found is None or found.standing is None:
        return [f"{config.db_path}: no candle was looked at yet", *lines]
    standing, asset = found.standing, quote_of(config.strategy.symbol)
    cause = "" if standing.cause == OK else f": {REFUSALS[standing.cause]}"
    marks = f"highest {standing.high_water:.2f}, day began with {standing.day_start:.2f}"
    return [
        f"state: {STATES[standing.state]}{cause}",
        *lines,
        f"equity: {standing.equity:.2f} {asset}, {marks}",
        _position_line(found.position, config.strategy.symbol),
        _day_line(found.today, asset),
    ]


def _position_line(position: OpenPosition | None, symbol: str) -> str:
    if position is None:
        return "position: none"
    held = position.held
    stop = f"stop {held.stop:.10g}" if held.stop > 0.0 else "no stop"
    return f"position: {position.quantity:f} {base_of(symbol)} at {held.entry:.10g}, {stop}, {held.candles} candles"


def _day_line(day: DayResult | None, asset: str) -> str:
    if day is None:
        return "day: no trade"
    return f"day {day.day:%Y-%m-%d}: {day.trades} trades, realised {day.realized:.2f} {asset}, fees {day.fees:.2f}"
