"""The checks of `keel doctor`. None of them changes anything or sends an order."""

import shutil
import sys
import tempfile
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path
from typing import Final

from app.cli.compose_live import journal_path
from app.cli.examination_exchange import exchange_findings
from app.cli.finding import Finding, Status, fail, ok, warn
from app.config.models import BotConfig
from app.core.database import HEAD_REVISION, KNOWN_REVISIONS
from app.core.database_health import health_of, is_file
from app.core.sqlite import sqlite_module
from app.domain.errors import KeelError
from app.execution.outage_journal import OutageJournal
from app.strategies.loader import load_strategy

__all__ = ["Finding", "Status", "examine"]

MEGABYTE: Final = 1_000_000
LITTLE_ROOM: Final = 1_000 * MEGABYTE  # months of a bot's records
NO_ROOM: Final = 50 * MEGABYTE
FIXED_WAL: Final = (3, 51, 3)  # https://sqlite.org/wal.html#walresetbug


def examine(config_file: str) -> Iterator[Finding]:
    """All checks, in the order in which a start would meet them; without settings only what needs none."""
    yield _software()
    try:
        config = BotConfig.load_from_file(config_file)
    except KeelError as error:
        yield fail("settings", str(error), "correct the file, then run keel doctor again")
        return
    where = f"{config.exchange.name} {config.strategy.symbol} {config.strategy.timeframe}"
    yield ok("settings", f"{config_file}: {where}")
    yield _strategy(config)
    yield from _folder(config.db_path)
    yield _database(config.db_path)
    yield from _journal(config.db_path, config.strategy.symbol)
    yield from exchange_findings(config)


def _software() -> Finding:
    sqlite = sqlite_module()
    python = ".".join(str(part) for part in sys.version_info[:3])
    text = f"Python {python}, ccxt {version('ccxt')}, SQLite {sqlite.sqlite_version} ({sqlite.__name__.split('.')[0]})"
    if tuple(int(part) for part in sqlite.sqlite_version.split(".")) < FIXED_WAL:
        return warn(
            "software", text, "install pysqlite3 with SQLite 3.51.3 or newer: older ones can lose a commit in WAL"
        )
    return ok("software", text)


def _strategy(config: BotConfig) -> Finding:
    try:
        strategy = load_strategy(config.strategy)
    except KeelError as error:
        return fail("strategy", str(error), "correct strategy.name or the strategy's file")
    return ok("strategy", f"{config.strategy.name}: {type(strategy).__name__}")


def _folder(db_path: str) -> Iterator[Finding]:
    """The folder in which database, journal and locks are kept."""
    folder = Path(db_path).absolute().parent if is_file(db_path) else Path.cwd()
    while not folder.exists():
        folder = folder.parent  # a start makes the missing ones
    try:
        with tempfile.TemporaryFile(dir=folder) as probe:
            probe.write(b"keel")
        yield ok("folder", f"{folder} can be written")
    except OSError as error:
        yield fail("folder", f"{folder} cannot be written ({error})", "give this user the right to, or change db_path")
        return
    free = shutil.disk_usage(folder).free
    text = f"{free / MEGABYTE:,.0f} MB free in {folder}"
    if free < NO_ROOM:
        yield fail("disk", text, "free some space: without any, nothing is bought")
    elif free < LITTLE_ROOM:
        yield warn("disk", text, "free some space before it runs out")
    else:
        yield ok("disk", text)


def _database(db_path: str) -> Finding:
    if not is_file(db_path):
        return ok("database", "no file: the database server looks after itself")
    health = health_of(db_path)
    if not health.exists:
        return ok("database", f"{db_path} does not exist yet: the first start makes it")
    text = f"{db_path}, {health.size_bytes / MEGABYTE:,.1f} MB, schema {health.revision}"
    if health.verdict != "ok":
        return fail("database", f"{text}: {health.verdict}", "restore a backup; keep this file")
    if health.is_current:
        return ok("database", f"{text}, integrity ok")
    if health.revision in KNOWN_REVISIONS:
        return warn("database", text, f"the next start brings it to schema {HEAD_REVISION}: make a backup before")
    return fail("database", text, "it is not Keel's, or of a newer Keel: upgrade, or choose another db_path")


def _journal(db_path: str, symbol: str) -> Iterator[Finding]:
    path = journal_path(db_path, symbol)
    if path.exists() and (waiting := len(OutageJournal(path, reserve=False).facts())):
        yield warn("journal", f"{waiting} facts of an outage wait in {path}", "start the bot: it books them")
