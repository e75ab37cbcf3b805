"""Log lines in UTC: `2025-11-20 09:00:01 | app.core.bot | INFO | Latest signal: 1 (1=BUY, -1=SELL, 0=NEUTRAL)`."""

import json
import logging
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Final, TextIO

from app.domain.errors import ConfigError

LINE: Final = "%(asctime)s | %(name)s | %(levelname)s | %(message)s"
DATE: Final = "%Y-%m-%d %H:%M:%S"
MASK: Final = "**********"
_COLOURS: Final = {"DEBUG": "\033[2m", "WARNING": "\033[33m", "ERROR": "\033[31m", "CRITICAL": "\033[1;31m"}
_RESET: Final = "\033[0m"


class LineFormatter(logging.Formatter):
    """One readable line per record, in UTC, with every secret masked, also inside tracebacks."""

    converter = staticmethod(time.gmtime)

    def __init__(self, secrets: Sequence[str] = (), *, colour: bool = False) -> None:
        super().__init__(LINE, DATE)
        self._secrets = [secret for secret in secrets if secret]
        self._colour = colour

    def format(self, record: logging.LogRecord) -> str:
        """The masked line, coloured by level on a terminal."""
        line = self.masked(super().format(record))
        colour = _COLOURS.get(record.levelname, "") if self._colour else ""
        return f"{colour}{line}{_RESET}" if colour else line

    def masked(self, text: str) -> str:
        """The text without secrets."""
        for secret in self._secrets:
            text = text.replace(secret, MASK)
        return text


class JsonFormatter(LineFormatter):
    """One JSON object per record: time, logger, level, message, and the traceback if there is one."""

    def format(self, record: logging.LogRecord) -> str:
        """The masked object on one line."""
        entry = {
            "time": self.formatTime(record, "%Y-%m-%dT%H:%M:%S") + f".{int(record.msecs):03d}Z",
            "logger": record.name,
            "level": record.levelname,
            "message": record.getMessage(),
        }
        if record.exc_info:
            entry["traceback"] = self.formatException(record.exc_info)
        return self.masked(json.dumps(entry))


def configure_logging(
    *, secrets: Sequence[str], log_file: str | None = None, as_json: bool = False, stream: TextIO | None = None
) -> None:
    """Send all records of INFO and above to the terminal, and to a file when asked.

    Raises:
        ConfigError: the file cannot be written.
    """
    terminal = stream or sys.stderr
    screen = logging.StreamHandler(terminal)
    screen.setFormatter(JsonFormatter(secrets) if as_json else LineFormatter(secrets, colour=terminal.isatty()))
    handlers: list[logging.Handler] = [screen]
    if log_file is not None:
        try:
            Path(log_file).parent.mkdir(parents=True, exist_ok=True)
            file = logging.FileHandler(log_file, encoding="utf-8")
        except OSError as error:
            raise ConfigError(f"log file {log_file!r} cannot be written: {error}: give another --log-file") from None
        file.setFormatter(JsonFormatter(secrets) if as_json else LineFormatter(secrets))
        handlers.append(file)
    logging.basicConfig(level=logging.INFO, handlers=handlers, force=True)
    logging.getLogger("alembic").setLevel(logging.WARNING)
