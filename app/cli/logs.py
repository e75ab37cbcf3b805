"""Log lines in UTC: `2025-11-20 09:00:01 | app.core.bot | INFO | Latest signal: 1 (1=BUY, -1=SELL, 0=NEUTRAL)`."""

import json
import logging
import sys
import time
from contextlib import suppress
from pathlib import Path
from typing import Final, TextIO

from app.config.masking import mask
from app.domain.errors import ConfigError

LINE: Final = "%(asctime)s | %(name)s | %(levelname)s | %(message)s"
DATE: Final = "%Y-%m-%d %H:%M:%S"
_COLOURS: Final = {"DEBUG": "\033[2m", "WARNING": "\033[33m", "ERROR": "\033[31m", "CRITICAL": "\033[1;31m"}
_RESET: Final = "\033[0m"


class LineFormatter(logging.Formatter):
    """One readable line per record, in UTC, with every secret masked, also inside tracebacks."""

    converter = staticmethod(time.gmtime)

    def __init__(self, *, colour: bool = False) -> None:
        super().__init__(LINE, DATE)
        self._colour = colour

    def format(self, record: logging.LogRecord) -> str:
        """The masked line, coloured by level on a terminal."""
        line = mask(super().format(record))
        colour = _COLOURS.get(record.levelname, "") if self._colour else ""
        return f"{colour}{line}{_RESET}" if colour else line


class JsonFormatter(LineFormatter):
    """One JSON object per record: time, logger, level, message, and the traceback if there is one."""

    def format(self, record: logging.LogRecord) -> str:
        """The object on one line; its texts are masked before JSON escapes them."""
        entry = {
            "time": self.formatTime(record, "%Y-%m-%dT%H:%M:%S") + f".{int(record.msecs):03d}Z",
            "logger": record.name,
            "level": record.levelname,
            "message": mask(record.getMessage()),
        }
        if record.exc_info:
            entry["traceback"] = mask(self.formatException(record.exc_info))
        return json.dumps(entry)


class _WarnsOnce(logging.Handler):
    """Says once that a line was lost, and why; `logging` itself would print a traceback, secrets included, per line."""

    _has_warned = False

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802  # logging's name
        """Warn on stderr, the first time."""
        if self._has_warned:
            return
        self._has_warned = True
        with suppress(OSError, ValueError):  # stderr may be what has gone
            sentence = f"keel: a log line of {record.name} was lost ({sys.exc_info()[1]}); more may follow unsaid"
            print(mask(sentence), file=sys.stderr)


class _Screen(_WarnsOnce, logging.StreamHandler[TextIO]):
    pass


class _File(_WarnsOnce, logging.FileHandler):
    pass


def configure_logging(*, log_file: str | None = None, as_json: bool = False, stream: TextIO | None = None) -> None:
    """Send all records of INFO and above to the terminal, and to a file when asked.

    Raises:
        ConfigError: the file cannot be written.
    """
    terminal = stream or sys.stderr
    screen = _Screen(terminal)
    screen.setFormatter(JsonFormatter() if as_json else LineFormatter(colour=terminal.isatty()))
    handlers: list[logging.Handler] = [screen]
    if log_file is not None:
        try:
            Path(log_file).parent.mkdir(parents=True, exist_ok=True)
            file = _File(log_file, encoding="utf-8", errors="backslashreplace")
        except (OSError, ValueError) as error:
            raise ConfigError(f"log file {log_file!r} cannot be written: {error}: give another --log-file") from None
        file.setFormatter(JsonFormatter() if as_json else LineFormatter())
        handlers.append(file)
    logging.basicConfig(level=logging.INFO, handlers=handlers, force=True)
    logging.getLogger("alembic").setLevel(logging.WARNING)
