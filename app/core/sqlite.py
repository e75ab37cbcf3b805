"""SQLite, set up so that what is committed stays: WAL, full sync, and a file that is still the one that was opened."""

import os
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any, Final

from sqlalchemy import URL, Connection, Engine, create_engine, event
from sqlalchemy.pool import StaticPool

from app.domain.errors import DatabaseError, DatabaseGone

IN_MEMORY: Final = ":memory:"
BUSY_TIMEOUT_MS: Final = 5_000
PRAGMAS: Final = (f"busy_timeout={BUSY_TIMEOUT_MS}", "journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON")


def sqlite_module() -> ModuleType:
    """The SQLite driver: `pysqlite3` where it is installed, because its SQLite has the WAL-reset bug fixed (3.51.3)."""
    try:
        import pysqlite3  # noqa: PLC0415  # optional: not built for every platform
    except ImportError:
        import sqlite3  # noqa: PLC0415

        return sqlite3
    module: ModuleType = pysqlite3
    return module


def sqlite_engine(path: str) -> Engine:
    """An engine for a file, whose folder is made, or for `:memory:`.

    Raises:
        DatabaseError: the folder cannot be made.
        DatabaseGone: later, when a transaction begins: the file was deleted or replaced.
    """
    if path == IN_MEMORY:
        engine = create_engine("sqlite://", module=sqlite_module(), poolclass=StaticPool)
        event.listen(engine, "begin", _begin)
    else:
        try:
            os.fsencode(path)
            Path(path).parent.mkdir(parents=True, exist_ok=True)
        except (OSError, ValueError) as error:  # ValueError: letters that this system's encoding cannot write
            raise DatabaseError(
                f"database {path!a} cannot be created ({error}): choose another db_path, or another locale"
            ) from None
        engine = create_engine(URL.create("sqlite", database=path), module=sqlite_module())
        event.listen(engine, "begin", _begin_on_the_same_file(path))
    event.listen(engine, "connect", _configure)
    return engine


def _configure(connection: Any, _record: object) -> None:  # noqa: ANN401  # a DB-API connection
    connection.isolation_level = None  # SQLAlchemy says BEGIN, not the driver
    for pragma in PRAGMAS:
        connection.execute(f"PRAGMA {pragma}").close()


def _begin(connection: Connection) -> None:
    connection.exec_driver_sql("BEGIN IMMEDIATE")


def _begin_on_the_same_file(path: str) -> Callable[[Connection], None]:
    """Facts written to a file that was deleted or replaced would be lost without a word."""
    opened: tuple[int, int] | None = None

    def begin(connection: Connection) -> None:
        nonlocal opened
        found = _identity(path)
        opened = opened or found
        if found != opened:
            raise DatabaseGone(
                f"database {path} was deleted or replaced while it was open: restore it, then start again"
            )
        _begin(connection)

    return begin


def _identity(path: str) -> tuple[int, int] | None:
    try:
        status = os.stat(path)  # noqa: PTH116  # five times as fast as `Path.stat`, in each transaction
    except OSError:
        return None
    return status.st_dev, status.st_ino
