"""`keel doctor`: one line per thing that must be right before a bot is left alone, each with its remedy."""

import argparse
import json
from typing import TYPE_CHECKING, Final

from app.cli.output import say

if TYPE_CHECKING:
    from app.cli.examination import Finding

EXIT_ILL: Final = 3


def parser() -> argparse.ArgumentParser:
    """The options; documented in docs/command-line.md, which a test compares."""
    options = argparse.ArgumentParser(
        prog="keel doctor",
        description="Check settings, strategy, folder, database, exchange, clock, market and account.",
    )
    options.add_argument("--config", default="settings/config.json", help="settings file (default: %(default)s)")
    options.add_argument("--json", action="store_true", help="print JSON")
    return options


def main(argv: list[str]) -> int:
    """Parse and run: 0 when nothing failed (warnings may be there), 3 when something did."""
    arguments = parser().parse_args(argv)
    from app.cli.examination import Status, examine
    from app.cli.output import stdout_kept_clean

    with stdout_kept_clean():
        findings = list(examine(arguments.config))
    if arguments.json:
        say(json.dumps([finding.as_json() for finding in findings]))
    else:
        say("\n".join(_line(finding) for finding in findings))
    return EXIT_ILL if any(finding.status is Status.FAIL for finding in findings) else 0


def _line(finding: "Finding") -> str:
    from app.config.masking import mask

    remedy = f" -> {finding.remedy}" if finding.remedy else ""
    return mask(f"{finding.status.value:<4}  {finding.check:<9}  {finding.text}{remedy}")
