"""Looks at a database file without changing a byte of it."""

from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from app.core.database import HEAD_REVISION
from app.core.sqlite import IN_MEMORY, sqlite_module


@dataclass(frozen=True, slots=True)
class DatabaseHealth:
    """What was found.

    Attributes:
        exists: Whether there is a file.
        verdict: "ok", or what SQLite complains of.
        revision: The schema's; None when it is not Keel's.
        size_bytes: Of the file.
    """

    exists: bool
    verdict: str = "ok"
    revision: str | None = None
    size_bytes: int = 0

    @property
    def is_current(self) -> bool:
        """Whether this Keel's code can work with it as it is."""
        return self.exists and self.verdict == "ok" and self.revision == HEAD_REVISION


def is_file(location: str) -> bool:
    """Whether a `db_path` names a file: no database server, nothing in memory."""
    return "://" not in location and location != IN_MEMORY


def health_of(path: str) -> DatabaseHealth:
    """Check a file from its first page to its last."""
    if not Path(path).exists():
        return DatabaseHealth(exists=False)
    sqlite, size = sqlite_module(), Path(path).stat().st_size
    try:
        with closing(sqlite.connect(f"{Path(path).absolute().as_uri()}?mode=ro", uri=True)) as connection:
            verdict = str(connection.execute("PRAGMA quick_check(1)").fetchone()[0])
            tables = {name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
            found = None
            if "alembic_version" in tables:
                found = connection.execute("SELECT version_num FROM alembic_version").fetchone()
    except sqlite.Error as error:
        return DatabaseHealth(exists=True, verdict=str(error), size_bytes=size)
    return DatabaseHealth(exists=True, verdict=verdict, revision=found and str(found[0]), size_bytes=size)
