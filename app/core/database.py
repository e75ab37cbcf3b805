"""The database: opened once, migrated, one unit of work per business fact.

SQLite runs in WAL mode with full sync: what a unit of work has committed survives kill -9 and power loss.
https://sqlite.org/pragma.html#pragma_synchronous
"""

import re
from collections.abc import Callable, Hashable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final, TypeVar

from sqlalchemy import Connection, Engine, create_engine, event, inspect, make_url, text
from sqlalchemy.exc import DBAPIError, SQLAlchemyError
from sqlalchemy.orm import DeclarativeBase, ORMExecuteState, Session, sessionmaker

from app.config.masking import MASK, hide
from app.core.sqlite import IN_MEMORY, sqlite_engine
from app.domain.errors import ConfigError, DatabaseError

HEAD_REVISION: Final = "0008"  # the newest script in app/migrations/versions; a test compares the two
KNOWN_REVISIONS: Final = ("0001", "0002", "0003", "0004", "0005", "0006", "0007", "0008")
Found = TypeVar("Found")
_RESTORE: Final = "restore a backup, or choose another db_path and keep this file"


class Base(DeclarativeBase):
    """Parent of all tables."""


class Database:
    """A door to one database. `init_db` opens the global `db`; tests and tools may open their own."""

    def __init__(self) -> None:
        self._engine: Engine | None = None
        self._sessions: sessionmaker[Session] | None = None

    @property
    def engine(self) -> Engine:
        """The engine; raises DatabaseError before `open`."""
        if self._engine is None:
            raise DatabaseError("the database is not open: call init_db(db_path) first")
        return self._engine

    def open(self, db_path: str | Path) -> None:
        """Open or create the database at a path (or database URL) and bring its schema up to date.

        Raises:
            DatabaseError: locked, corrupt, from a newer version, or not writable.
        ConfigError: the URL's kind of database is unknown, or its driver is not installed.
        """
        self.close()
        engine = _create_engine(str(db_path))
        try:
            _check_and_migrate(engine, _name(engine))
        except BaseException:
            engine.dispose()
            raise
        self._engine = engine
        self._sessions = sessionmaker(engine, expire_on_commit=False)

    def close(self) -> None:
        """Close all connections; `open` may follow."""
        if self._engine is not None:
            self._engine.dispose()
        self._engine = self._sessions = None

    @contextmanager
    def session_scope(self) -> Iterator[Session]:
        """A session: committed at the end, rolled back on an error.

        Repositories commit each fact when its call returns, so a scope may stay open as long as a bot runs.
        """
        if self._sessions is None:
            raise DatabaseError("the database is not open: call init_db(db_path) first")
        session = self._sessions()
        try:
            yield session
            session.commit()
        except BaseException:
            session.rollback()
            raise
        finally:
            session.close()


db: Final = Database()


def init_db(db_path: str | Path) -> Database:
    """Open the global `db` at `db_path` and bring its schema up to date; see `Database.open`."""
    db.open(db_path)
    return db


@contextmanager
def unit_of_work(session: Session) -> Iterator[None]:
    """One business fact: all that is written inside becomes durable together, when the outermost unit ends.

    Reads belong inside too, so that no transaction stays open while the bot sleeps.
    """
    if session.info.get("in_unit_of_work"):
        yield
        return
    session.info["in_unit_of_work"] = True
    try:
        yield
        session.commit()
    except BaseException as error:
        session.rollback()
        if isinstance(error, DBAPIError):
            raise DatabaseError(_explain(error, _name(session.get_bind().engine))) from error
        raise
    finally:
        session.info["in_unit_of_work"] = False


def remembered(session: Session, key: Hashable, read: Callable[[], Found]) -> Found:
    """What `read` found when it was last asked.

    Read again after every write of this session, every rollback, and everything that another session of this process
    committed. Another process's writes are seen after `forget`: only for rows that no other process writes, the orders
    and trades of the symbol whose lease this one holds.
    """
    if session.info.get("remembered_at") is not _committed.newest:
        forget(session)
        session.info["remembered_at"] = _committed.newest
    known: dict[Hashable, Any] = session.info.setdefault("remembered", {})
    if key in known:
        kept: Found = known[key]
        return kept
    with unit_of_work(session):
        found = known[key] = read()
    return found  # what else waited in the session may have been written meanwhile, and let it be forgotten


def forget(session: Session, *_: object) -> None:
    """Let everything that is remembered be read again."""
    session.info.get("remembered", {}).clear()


class _Committed:
    """The newest commit of this process that wrote something, told from all others by its identity."""

    newest = object()


_committed: Final = _Committed()


def _note_write(session: Session, *_: object) -> None:
    session.info["has_written"] = True
    forget(session)


def _note_statement(state: ORMExecuteState) -> None:
    """A statement that writes past the objects of its session."""
    if not state.is_select:
        _note_write(state.session)


def _note_commit(session: Session) -> None:
    """What this session read since its own last write is still true; what others remember may not be."""
    if not session.info.pop("has_written", False):
        return
    knows_all = session.info.get("remembered_at") is _committed.newest
    _committed.newest = object()
    if knows_all:
        session.info["remembered_at"] = _committed.newest


event.listen(Session, "after_flush", _note_write)
event.listen(Session, "do_orm_execute", _note_statement)
event.listen(Session, "after_commit", _note_commit)
event.listen(Session, "after_soft_rollback", forget)


def _create_engine(location: str) -> Engine:
    """An engine for a file's path, `:memory:` or a database URL; nothing is connected yet.

    A path is taken as it is, never parsed: `%20` and `?mode=ro` are parts of a name.
    """
    if "://" not in location:
        return sqlite_engine(location)
    try:
        url = make_url(location)
        if url.get_backend_name() != "sqlite":
            hide(url.password or "")
            return create_engine(url)
    except (SQLAlchemyError, ImportError, ValueError) as error:
        raise ConfigError(
            f"db_path {_without_password(location)!r} names a database that cannot be used "
            f"({_first_line(error)}): give a file such as keel.db, or install the database's driver"
        ) from None
    if url.drivername not in ("sqlite", "sqlite+pysqlite") or url.query or url.host:
        raise ConfigError(f"db_path {location!r} is more than a file: give the file's path alone, such as keel.db")
    return sqlite_engine(url.database or IN_MEMORY)


def _name(engine: Engine) -> str:
    """The database in words: its path, or its URL without the password."""
    if engine.dialect.name == "sqlite":
        return engine.url.database or IN_MEMORY
    return engine.url.render_as_string(hide_password=True)


def _without_password(location: str) -> str:
    """A URL that may not even be one, without what stands between `//` and `@`."""
    return re.sub(r"//.*@", f"//{MASK}@", location)


def _first_line(error: Exception) -> str:
    return str(error).partition("\n")[0]


def _check_and_migrate(engine: Engine, location: str) -> None:
    try:
        with engine.begin() as connection:
            if engine.dialect.name == "sqlite":
                _check_integrity(connection.execute(text("PRAGMA quick_check(1)")).scalar(), location)
            revision = _revision(connection, location)
            if revision == HEAD_REVISION:
                return
            if revision is not None and revision not in KNOWN_REVISIONS:
                raise DatabaseError(
                    f"database {location} was written by a newer Keel (schema {revision}, known is {HEAD_REVISION}): "
                    "upgrade Keel or choose another db_path"
                )
        _migrate(engine)
    except SQLAlchemyError as error:
        raise DatabaseError(_explain(error, location)) from error


def _check_integrity(verdict: object, location: str) -> None:
    if verdict != "ok":
        raise DatabaseError(f"database {location} is corrupt ({verdict}): {_RESTORE}")


def _revision(connection: Connection, location: str) -> str | None:
    """The schema's revision; None for an empty database."""
    tables = inspect(connection).get_table_names()
    if not tables:
        return None
    if "alembic_version" not in tables:
        names = ", ".join(sorted(tables)[:3])
        raise DatabaseError(f"database {location} is not Keel's (it holds {names}): choose another db_path")
    revision: str | None = connection.execute(text("SELECT version_num FROM alembic_version")).scalar()
    return revision


def _migrate(engine: Engine) -> None:
    """Run the Alembic scripts; imported here because a database that is up to date does not need it."""
    from alembic import command  # noqa: PLC0415
    from alembic.config import Config  # noqa: PLC0415

    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent.parent / "migrations"))
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "head")


def _explain(error: SQLAlchemyError, location: str) -> str:
    """The database's complaint as one sentence with a remedy."""
    reason = str(error.orig) if isinstance(error, DBAPIError) else _first_line(error)
    if "locked" in reason or "busy" in reason:
        return f"database {location} is locked by another process: stop that process or choose another db_path"
    if "not a database" in reason or "malformed" in reason:
        return f"database {location} is corrupt ({reason}): {_RESTORE}"
    if "readonly" in reason or "unable to open" in reason:
        return f"database {location} cannot be opened for writing ({reason}): check the folder and its permissions"
    if "full" in reason or "disk I/O" in reason:
        return f"database {location} cannot be written ({reason}): free some disk space"
    return f"database {location} failed: {reason}"
