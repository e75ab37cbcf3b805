"""A warm process that forks bots: importing takes two seconds, a fork takes milliseconds. Each bot is a real process.

Run as `python -m app.chaos.nursery`: a line of JSON in, a line with the process id out, a line with its end out.
"""

import gc
import json
import os
import select
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from types import TracebackType
from typing import IO, Any, Final, Self

from app.chaos import bot

HEAVY: Final = ("app.chaos.points", "app.chaos.sabotage", "app.chaos.stepped", "app.cli.live", "app.cli.compose",
                "app.data.ccxt_source", "app.chaos.script", "alembic.command")  # fmt: skip
LONGEST_LIFE_S: Final = 120.0
LOOK_EVERY_S: Final = 1.0


def main() -> None:
    """Fork a bot for each line on stdin."""
    for module in HEAVY:
        import_module(module)
    gc.collect()
    gc.freeze()
    print("ready", flush=True)  # noqa: T201  # the protocol
    for line in sys.stdin:
        wanted: dict[str, Any] = json.loads(line)
        pid = os.fork()
        if pid == 0:
            sys.exit(_live(wanted))
        print(pid, flush=True)  # noqa: T201
        _, status = os.waitpid(pid, 0)
        print(os.waitstatus_to_exitcode(status), flush=True)  # noqa: T201


def _live(wanted: dict[str, Any]) -> int:
    """In the child: a bot's life."""
    log = os.open(wanted["log"], os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
    null = os.open(os.devnull, os.O_RDONLY)
    for source, target in ((null, 0), (log, 1), (log, 2)):
        os.dup2(source, target)
    os.chdir(wanted["folder"])
    os.environ[bot.VARIABLE] = wanted["doom"]
    return bot.main(wanted["arguments"])


class Nursery:
    """The suite's end of a nursery process; a context manager."""

    def __enter__(self) -> Self:
        command = [sys.executable, "-m", "app.chaos.nursery"]
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=0)  # noqa: S603
        if self._line(time.monotonic() + LONGEST_LIFE_S) != "ready":
            raise RuntimeError("the nursery did not start")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._process.kill()
        self._process.communicate()

    def live(
        self,
        arguments: list[str],
        doom: str,
        *,
        folder: Path,
        log: Path,
        kill_after_s: float | None = None,
        watch: Callable[[int], None] | None = None,
    ) -> int | None:
        """One life of a bot.

        Args:
            arguments: Of `keel live`.
            doom: For the variable KEEL_CHAOS.
            folder: Its working directory.
            log: Where its output goes, appended.
            kill_after_s: Real seconds after which it is killed from outside; None for never.
            watch: Called with its process id about once a second; who watches has all the time.

        Returns:
            Its exit code, negative for a signal; None when it had to be killed because it did not end.
        """
        wanted = {"arguments": arguments, "doom": doom, "folder": str(folder), "log": str(log)}
        _pipe(self._process.stdin).write((json.dumps(wanted) + "\n").encode())
        born_s = time.monotonic()
        pid = int(self._line(born_s + LONGEST_LIFE_S) or 0)
        if watch is not None:
            while (ended := self._line(time.monotonic() + LOOK_EVERY_S)) is None:
                watch(pid)
            return int(ended)
        ended = self._line(born_s + (LONGEST_LIFE_S if kill_after_s is None else kill_after_s))
        if ended is not None:
            return int(ended)
        os.kill(pid, signal.SIGKILL)
        status = int(self._line(time.monotonic() + LONGEST_LIFE_S) or 0)
        return None if kill_after_s is None else status

    def _line(self, until_s: float) -> str | None:
        """The next line of the process; None when it does not come in time."""
        pipe, text = _pipe(self._process.stdout), b""
        while not text.endswith(b"\n"):
            left_s = until_s - time.monotonic()
            if not text and not select.select([pipe], [], [], max(left_s, 0))[0]:
                return None
            piece = pipe.read(1)
            if not piece:
                raise RuntimeError("the nursery has ended")
            text += piece
        return text.decode().strip()


def _pipe(pipe: IO[bytes] | None) -> IO[bytes]:
    if pipe is None:
        raise RuntimeError("the nursery has no pipes")
    return pipe


if __name__ == "__main__":
    main()
