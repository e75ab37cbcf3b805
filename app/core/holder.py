"""Who a process is, so that another one can tell whether it still lives."""

import os
import socket
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Self


@dataclass(frozen=True, slots=True)
class Holder:
    """A process.

    Attributes:
        host: Its machine's name.
        pid: Its number there.
        birth: When it began, in the system's own unit, so that a number given out anew is recognised; empty where the
            system does not tell.
    """

    host: str
    pid: int
    birth: str

    @classmethod
    def of_this_process(cls) -> Self:
        """Us."""
        return cls(socket.gethostname(), os.getpid(), _birth(os.getpid()))

    def is_gone(self) -> bool:
        """Whether it certainly lives no more; of other machines nothing is certain."""
        if self.host != socket.gethostname():
            return False
        return not _lives(self.pid) or _birth(self.pid) != self.birth

    def __str__(self) -> str:
        """For people."""
        return f"process {self.pid} on {self.host}"


def _lives(pid: int) -> bool:
    if sys.platform == "win32":
        import ctypes  # noqa: PLC0415  # Windows only: signal 0 would end the process there

        query_limited_information = 0x1000
        handle = ctypes.windll.kernel32.OpenProcess(query_limited_information, 0, pid)
        ctypes.windll.kernel32.CloseHandle(handle)
        return bool(handle)
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except OSError:
        return True  # another user's
    return True


def _birth(pid: int) -> str:
    """Linux: boot and start time, https://man7.org/linux/man-pages/man5/proc_pid_stat.5.html; elsewhere nothing."""
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
        fields = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()
    except OSError:
        return ""
    return "" if fields[0] in {"Z", "X"} else f"{boot} {fields[19]}"  # dead, only not buried yet
