"""The kill switch: a file beside the database. It works without the bot, and stays over restarts.

`keel halt` writes it; so may a script, a person or another program: any file of that name halts. The words inside:

* `halt`, or anything else: cancel all own orders, then do nothing until `resume`;
* `halt close`: sell what is held at market, too;
* `resume`: trade again; the bot takes the file away when it has read it.
"""

from enum import StrEnum
from pathlib import Path
from typing import Final

from app.core.stop import Stop

LOOKED_AT_EVERY_S: Final = 0.5


class Wish(StrEnum):
    """What the file asks for."""

    HALT = "halt"
    HALT_AND_CLOSE = "halt close"
    RESUME = "resume"


class KillSwitch:
    """The file of one database.

    Args:
        db_path: The database's path or URL; for a database that is no file it is `keel.halt` in the working folder.

    Attributes:
        path: The file; None for a database in memory.
    """

    def __init__(self, db_path: str) -> None:
        self.path = _path_of(db_path)
        self._read: tuple[int, int] | None = None

    def ask(self, wish: Wish) -> None:
        """Ask the bot of this database for something: replaces what was asked before, durable when it returns."""
        if self.path is None:
            return
        draft = self.path.with_name(f"{self.path.name}.new")
        draft.write_text(f"{wish.value}\n", encoding="utf-8")
        draft.replace(self.path)

    def wish(self) -> Wish | None:
        """What is asked for; None when nothing is."""
        self._read = self._mark()
        if self.path is None or self._read is None:
            return None
        try:
            words = self.path.read_text(encoding="utf-8", errors="replace").split()
        except OSError:
            return Wish.HALT  # it is there and says nothing: the careful reading
        if words[:1] == ["resume"]:
            return Wish.RESUME
        return Wish.HALT_AND_CLOSE if words[:2] == ["halt", "close"] else Wish.HALT

    def clear(self) -> None:
        """Take the file away."""
        if self.path is not None:
            self.path.unlink(missing_ok=True)
        self._read = None

    def is_news(self) -> bool:
        """Whether the file appeared or changed since it was read."""
        return self._mark() not in (None, self._read)

    def _mark(self) -> tuple[int, int] | None:
        if self.path is None:
            return None
        try:
            found = self.path.stat()
        except OSError:
            return None
        return found.st_mtime_ns, found.st_ino


class StopOrNews:
    """What a wait between two cycles looks at: the wish to stop, and a kill switch that says something new."""

    def __init__(self, stop: Stop, switch: KillSwitch) -> None:
        self._stop = stop
        self._switch = switch

    def is_set(self) -> bool:
        """Whether the wait is over."""
        return self._stop.is_set() or self._switch.is_news()

    def wait(self, timeout: float) -> bool:
        """Wait at most `timeout` seconds."""
        left = timeout
        while left > 0.0 and not self.is_set():
            self._stop.wait(min(left, LOOKED_AT_EVERY_S))
            left -= LOOKED_AT_EVERY_S
        return self.is_set()


def _path_of(db_path: str) -> Path | None:
    location = db_path.removeprefix("sqlite:///")
    if location in ("", ":memory:", "sqlite://"):
        return None
    return Path("keel.halt") if "://" in location else Path(f"{location}.halt")
