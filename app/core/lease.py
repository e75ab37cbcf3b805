"""One bot per database and symbol, one per account and symbol: locks that the system takes back when a process dies.

They hold on one machine; `LeaseRepository` looks after bots on different machines that share a database.
"""

import hashlib
import os
import re
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from app.domain.errors import DatabaseError, OrderError

if sys.platform != "win32":
    import fcntl

HOLDER_BYTES = 400


@contextmanager
def exclusive_lease(db_path: str, symbol: str) -> Iterator[None]:
    """Hold `<db_path>.<symbol>.lock` while the bot runs; neither a database that is no file nor Windows is protected.

    Raises:
        DatabaseError: another bot trades this symbol in this database.
    """
    if "://" in db_path or db_path == ":memory:":
        yield
        return
    path = Path(f"{db_path}.{re.sub('[^A-Za-z0-9]+', '-', symbol)}.lock")
    with _locked(path, f"process {os.getpid()}") as holder:
        if holder is not None:
            raise DatabaseError(
                f"another bot ({holder}) trades {symbol} in {db_path}: stop it or choose another db_path"
            )
        yield


@contextmanager
def account_lock(account: str, symbol: str, *, db_path: str) -> Iterator[None]:
    """Keep a second bot of this machine from trading the same symbol with the same account, whatever its database.

    Args:
        account: What identifies the account, its API key among it; only a hash of it is written.
        symbol: The market.
        db_path: Named to whoever finds the lock taken.

    Raises:
        OrderError: another bot trades this symbol with this account.
    """
    name = hashlib.sha256(f"{account}|{symbol}".encode()).hexdigest()[:24]
    folder = Path(tempfile.gettempdir()) / f"keel-{os.getuid() if sys.platform != 'win32' else 'user'}"
    try:
        folder.mkdir(mode=0o700, exist_ok=True)
    except OSError as error:
        raise DatabaseError(f"the folder for locks, {folder}, cannot be made ({error}): set TMPDIR to one") from None
    with _locked(folder / f"{name}.lock", f"process {os.getpid()}, database {Path(db_path).absolute()}") as holder:
        if holder is not None:
            raise OrderError(
                f"another bot ({holder}) trades {symbol} with this API key: stop it, or give each bot a key of its own"
            )
        yield


@contextmanager
def _locked(path: Path, us: str) -> Iterator[str | None]:
    """Hold a lock file; yields who holds it when it is taken, else None. Released and removed at the end."""
    if sys.platform == "win32":
        yield None
        return
    descriptor = _open(path)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            yield os.pread(descriptor, HOLDER_BYTES, 0).decode(errors="replace").strip() or "unknown"
            return
        if not _is_still(path, descriptor):  # its holder removed it between our open and our lock
            with _locked(path, us) as holder:
                yield holder
            return
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, us.encode()[:HOLDER_BYTES], 0)
        try:
            yield None
        finally:
            path.unlink(missing_ok=True)
    finally:
        os.close(descriptor)


def _open(path: Path) -> int:
    try:
        return os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
    except OSError as error:
        raise DatabaseError(
            f"lock file {path} cannot be written ({error}): check the folder and its permissions"
        ) from None


def _is_still(path: Path, descriptor: int) -> bool:
    try:
        return os.path.samestat(path.stat(), os.fstat(descriptor))
    except OSError:
        return False
