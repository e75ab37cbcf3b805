"""One bot per database and symbol: a lock that the system takes back when the process dies, however it dies."""

import os
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from app.domain.errors import DatabaseError

if sys.platform != "win32":
    import fcntl


@contextmanager
def exclusive_lease(db_path: str, symbol: str) -> Iterator[None]:
    """Hold `<db_path>.<symbol>.lock` while the bot runs; neither a database that is no file nor Windows is protected.

    Raises:
        DatabaseError: another bot trades this symbol in this database.
    """
    if sys.platform == "win32" or "://" in db_path or db_path == ":memory:":
        yield
        return
    path = Path(f"{db_path}.{re.sub('[^A-Za-z0-9]+', '-', symbol)}.lock")
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
    except OSError as error:
        raise DatabaseError(
            f"lock file {path} cannot be written ({error}): check the folder and its permissions"
        ) from None
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            holder = os.pread(descriptor, 20, 0).decode(errors="replace").strip() or "unknown"
            raise DatabaseError(
                f"another bot (process {holder}) trades {symbol} in {db_path}: stop it or choose another db_path"
            ) from None
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, str(os.getpid()).encode(), 0)
        yield
    finally:
        os.close(descriptor)
