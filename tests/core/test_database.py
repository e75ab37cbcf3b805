import subprocess
import sys
from contextlib import closing

import pytest
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import text

from app.core import database as module
from app.core.database import HEAD_REVISION, KNOWN_REVISIONS, Base, Database, db, init_db, unit_of_work
from app.core.sqlite import sqlite_module
from app.domain.errors import ConfigError, DatabaseError, DatabaseGone
from app.models.sql import Sequence

# the bot's own driver: two SQLite libraries in one process undo each other's file locks
sqlite3 = sqlite_module()


def seen_by_another_connection(path) -> list[tuple[str]]:
    with closing(sqlite3.connect(path)) as connection:
        return connection.execute("SELECT name FROM sequences").fetchall()


def numbers(database: Database) -> dict[str, int]:
    with database.session_scope() as session:
        return dict(session.execute(text("SELECT name, last FROM sequences")).all())


def test_init_db_opens_the_global_database(tmp_path):
    assert init_db(tmp_path / "new" / "keel.db") is db
    try:
        with db.session_scope() as session:
            assert session.execute(text("SELECT version_num FROM alembic_version")).scalar() == HEAD_REVISION
    finally:
        db.close()


def test_a_database_in_memory_works():
    database = Database()
    database.open(":memory:")
    with database.session_scope() as session:
        session.add(Sequence(name="a", last=1))
    assert numbers(database) == {"a": 1}
    database.close()


def test_the_migrations_create_exactly_the_tables_of_the_models(database):
    with database.engine.connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection), Base.metadata) == []


def test_the_known_revisions_are_those_of_the_scripts(database):
    config = Config()
    config.set_main_option("script_location", str(module.Path(module.__file__).parent.parent / "migrations"))
    scripts = ScriptDirectory.from_config(config)
    assert scripts.get_current_head() == HEAD_REVISION
    assert sorted(script.revision for script in scripts.walk_revisions()) == sorted(KNOWN_REVISIONS)


def test_sqlite_runs_in_wal_mode_with_full_sync(database):
    with database.engine.connect() as connection:
        pragmas = {
            name: connection.exec_driver_sql(f"PRAGMA {name}").scalar() for name in ("journal_mode", "synchronous")
        }
    assert pragmas == {"journal_mode": "wal", "synchronous": 2}


def test_a_scope_commits_at_its_end_and_rolls_back_on_an_error(database):
    with database.session_scope() as session:
        session.add(Sequence(name="kept", last=1))
    with pytest.raises(RuntimeError, match="stop"), database.session_scope() as session:
        session.add(Sequence(name="lost", last=1))
        session.flush()
        raise RuntimeError("stop")
    assert numbers(database) == {"kept": 1}


def test_a_unit_of_work_is_durable_when_it_ends_and_not_before(database, database_path):
    with database.session_scope() as session:
        with unit_of_work(session):
            with unit_of_work(session):
                session.add(Sequence(name="inner", last=1))
            assert seen_by_another_connection(database_path) == []
        assert seen_by_another_connection(database_path) == [("inner",)]


def test_a_failed_unit_of_work_leaves_nothing_and_the_session_usable(database):
    with database.session_scope() as session:
        with pytest.raises(RuntimeError), unit_of_work(session):
            session.add(Sequence(name="lost", last=1))
            raise RuntimeError
        with unit_of_work(session):
            session.add(Sequence(name="kept", last=1))
    assert numbers(database) == {"kept": 1}


def test_no_transaction_stays_open_after_a_unit_of_work(database, database_path):
    with database.session_scope() as session:
        with unit_of_work(session):
            session.execute(text("SELECT 1"))
        with closing(sqlite3.connect(database_path, timeout=0)) as other:
            other.execute("BEGIN IMMEDIATE")
            assert other.in_transaction
            other.rollback()


def test_a_database_that_is_not_open_says_so():
    with pytest.raises(DatabaseError, match="init_db"), Database().session_scope():
        pass


@pytest.mark.fault(36)
def test_a_database_of_a_newer_version_is_refused(database_path):
    with closing(sqlite3.connect(database_path)) as connection, connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
    with pytest.raises(DatabaseError, match="newer Keel.*9999.*upgrade"):
        Database().open(database_path)


def test_a_file_that_is_no_database_is_refused_and_kept(tmp_path):
    path = tmp_path / "keel.db"
    path.write_bytes(b"this is no database" * 1000)
    with pytest.raises(DatabaseError, match="corrupt"):
        Database().open(path)
    assert path.read_bytes() == b"this is no database" * 1000


@pytest.mark.fault(36)
def test_a_database_with_a_damaged_page_is_refused(database, database_path):
    with database.session_scope() as session:
        session.add_all(Sequence(name=f"name {i}", last=i) for i in range(2000))
    database.close()
    with closing(sqlite3.connect(database_path)) as connection, connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
    content = bytearray(database_path.read_bytes())
    middle = len(content) // 2 // 4096 * 4096
    content[middle : middle + 4096] = b"\xff" * 4096
    database_path.write_bytes(content)
    with pytest.raises(DatabaseError, match="corrupt"):
        Database().open(database_path)


def test_another_programs_database_is_refused(tmp_path):
    path = tmp_path / "other.db"
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("CREATE TABLE recipes (id INTEGER)")
    with pytest.raises(DatabaseError, match="recipes.*choose another db_path"):
        Database().open(path)


def test_a_database_locked_by_another_process_gives_one_sentence(database_path):
    holder = subprocess.Popen(
        [
            sys.executable,
            "-c",
            "import sqlite3, sys\n"
            f"c = sqlite3.connect({str(database_path)!r}, isolation_level=None); c.execute('BEGIN EXCLUSIVE')\n"
            "print('locked', flush=True); sys.stdin.read()",
        ],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert holder.stdout.readline() == "locked\n"
        with pytest.raises(DatabaseError, match="locked by another process"):
            Database().open(database_path)
    finally:
        holder.communicate("")


@pytest.mark.parametrize("replaced", [False, True], ids=["deleted", "replaced"])
def test_a_database_that_was_taken_away_while_open_says_so(database, database_path, replaced):
    with database.session_scope() as session:
        database_path.unlink()
        if replaced:
            database_path.touch()
        with pytest.raises(DatabaseGone, match="deleted or replaced"), unit_of_work(session):
            session.add(Sequence(name="lost", last=1))
            session.flush()


def test_a_folder_instead_of_a_file_is_refused(tmp_path):
    with pytest.raises(DatabaseError, match="cannot be opened"):
        Database().open(tmp_path)


def test_a_database_locked_while_the_bot_runs_is_named_by_its_path(database, database_path):
    with closing(sqlite3.connect(database_path, isolation_level=None)) as holder, database.session_scope() as session:
        with unit_of_work(session):
            session.execute(text("PRAGMA busy_timeout=1"))
        holder.execute("BEGIN EXCLUSIVE")
        with pytest.raises(DatabaseError) as caught, unit_of_work(session):
            session.execute(text("SELECT 1"))
        holder.rollback()
    assert str(caught.value).startswith(f"database {database_path} is locked")


def test_a_path_is_taken_as_it_is(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    names = ["a?mode=ro.db", "a%20b.db", "sqlite.db", "file:c.db", "d#e.db", "ü.db"]
    for name in names:
        database = Database()
        database.open(name)
        database.close()
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(names)


@pytest.mark.parametrize("scheme", ["sqlite", "sqlite+pysqlite"])
def test_a_sqlite_url_names_its_file(tmp_path, monkeypatch, scheme):
    monkeypatch.chdir(tmp_path)
    for url in (f"{scheme}:///x.db", f"{scheme}:///{tmp_path}/y.db", f"{scheme}://", f"{scheme}:///:memory:"):
        database = Database()
        database.open(url)
        with database.session_scope() as session:
            session.add(Sequence(name="a", last=1))
        database.close()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["x.db", "y.db"]


UNUSABLE = [
    pytest.param("foo://bar", ConfigError, "'foo://bar' names a database that cannot be used", id="unknown database"),
    pytest.param("postgresql+nodriver://u@h/d", ConfigError, "cannot be used", id="unknown driver"),
    pytest.param("mssql://u@h/d", ConfigError, "install the database's driver", id="driver not installed"),
    pytest.param("://", ConfigError, "cannot be used", id="no URL"),
    pytest.param("postgresql://u:p@h:port/d", ConfigError, "cannot be used", id="a port that is no number"),
    pytest.param("sqlite:///x.db?mode=ro", ConfigError, "more than a file", id="a query"),
    pytest.param("sqlite://x.db", ConfigError, "more than a file", id="two slashes"),
    pytest.param("sqlite+aiosqlite:///x.db", ConfigError, "more than a file", id="another driver"),
    pytest.param("/proc/nope/keel.db", DatabaseError, "'/proc/nope/keel.db' cannot be created", id="no such folder"),
    pytest.param("z.csv/a/k.db", DatabaseError, "'z.csv/a/k.db' cannot be created", id="a file as folder"),
    pytest.param("\ud800.db", DatabaseError, "cannot be created", id="a letter that cannot be written"),
    pytest.param("\ud800/keel.db", DatabaseError, "cannot be created", id="a folder that cannot be written"),
    pytest.param("x" * 300 + ".db", DatabaseError, "cannot be opened", id="a name that is too long"),
]


@pytest.mark.parametrize(("location", "kind", "words"), UNUSABLE)
def test_a_location_that_is_not_usable_is_one_sentence_and_creates_nothing(
    tmp_path, monkeypatch, location, kind, words
):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "z.csv").write_text("")
    with pytest.raises(kind, match=words) as caught:
        Database().open(location)
    assert "\n" not in str(caught.value)
    assert [path.name for path in tmp_path.iterdir()] == ["z.csv"]


@pytest.mark.parametrize("url", ["postgresql://me:p@ss@db/keel", "foo://me:p@ss@db", "mysql://me:p@ss@db:x/keel"])
def test_the_password_of_a_database_url_is_not_shown(url):
    with pytest.raises(ConfigError) as caught:
        Database().open(url)
    assert "@db" in str(caught.value)
    assert "p@ss" not in str(caught.value)
    assert "me:" not in str(caught.value)
