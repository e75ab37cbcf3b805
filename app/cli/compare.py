"""`keel compare A B`: two saved backtests side by side."""

import argparse
import json

from app.cli.output import say


def parser() -> argparse.ArgumentParser:
    """The options; documented in docs/command-line.md, which a test compares."""
    options = argparse.ArgumentParser(prog="keel compare", description="Show in what two saved backtests differ.")
    options.add_argument("a", metavar="A", help="folder of a saved result")
    options.add_argument("b", metavar="B", help="folder of another")
    options.add_argument("--json", action="store_true", help="print the differences as JSON")
    return options


def main(argv: list[str]) -> int:
    """Parse and print.

    Raises:
        KeelError: a person reads its sentence; its exit code is stable.
    """
    arguments = parser().parse_args(argv)
    from pathlib import Path

    from app.backtesting.comparing import compare_results
    from app.backtesting.saving import load_saved

    comparison = compare_results(load_saved(Path(arguments.a)), load_saved(Path(arguments.b)))
    say(json.dumps(comparison.as_json()) if arguments.json else comparison.text(arguments.a, arguments.b))
    return 0
