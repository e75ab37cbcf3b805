"""What one check of `keel doctor` found."""

from dataclasses import dataclass
from enum import StrEnum


class Status(StrEnum):
    """How it stands."""

    OK = "ok"
    WARN = "warn"
    FAIL = "fail"


@dataclass(frozen=True, slots=True)
class Finding:
    """One line.

    Attributes:
        check: What was looked at, one word.
        status: How it stands.
        text: What was found, with names and numbers.
        remedy: What to do; empty when nothing is to do.
    """

    check: str
    status: Status
    text: str
    remedy: str = ""

    def as_json(self) -> dict[str, str]:
        """For programs."""
        return {"check": self.check, "status": self.status.value, "text": self.text, "remedy": self.remedy}


def ok(check: str, text: str) -> Finding:
    """All is well."""
    return Finding(check, Status.OK, text)


def warn(check: str, text: str, remedy: str) -> Finding:
    """It works, but a person should know."""
    return Finding(check, Status.WARN, text, remedy)


def fail(check: str, text: str, remedy: str) -> Finding:
    """The bot would not start, or should not."""
    return Finding(check, Status.FAIL, text, remedy)
