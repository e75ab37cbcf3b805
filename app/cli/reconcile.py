"""`keel reconcile`: what the ledger says beside what the exchange says; with `--fix` the ledger is brought in line."""

import argparse
import json
from typing import TYPE_CHECKING, Final

from app.cli.output import say

if TYPE_CHECKING:
    from app.execution.comparison import Comparison, Row

EXIT_DIFFERENT: Final = 3


def parser() -> argparse.ArgumentParser:
    """The options; documented in docs/command-line.md, which a test compares."""
    options = argparse.ArgumentParser(
        prog="keel reconcile", description="Show what the ledger says beside what the exchange says."
    )
    options.add_argument("--config", default="settings/config.json", help="settings file (default: %(default)s)")
    options.add_argument("--fix", action="store_true", help="bring the ledger in line with the exchange first")
    options.add_argument("--json", action="store_true", help="print JSON")
    return options


def main(argv: list[str]) -> int:
    """Parse and run: 0 when both agree, 3 when they do not.

    Raises:
        KeelError: a person reads its sentence; its exit code is stable.
    """
    arguments = parser().parse_args(argv)
    from app.cli.both_truths import both_truths
    from app.cli.logs import configure_logging
    from app.config.models import BotConfig

    config = BotConfig.load_from_file(arguments.config)
    configure_logging(log_file=None, as_json=False)
    found, waiting = both_truths(config, fix=arguments.fix)
    agrees = not found.differences and not waiting
    say(json.dumps(_document(found, waiting)) if arguments.json else _text(found, waiting))
    return 0 if agrees else EXIT_DIFFERENT


def _text(found: "Comparison", waiting: int) -> str:
    rows = [*found.orders, *found.fills, *([found.position] if found.position else [])]
    width = max((len(row.what) for row in rows), default=0)
    lines = [f"{found.symbol} on {found.exchange}: ledger | exchange"]
    lines += [
        f"{' ' if row.agrees else '!'} {row.what:<{width}}  {row.ledger or '-'} | {row.exchange or '-'}" for row in rows
    ]
    lines += [f"  {asset}: {has.free:f} free, {has.locked:f} locked" for asset, has in found.balances.items()]
    if found.others:
        lines.append(f"  {found.others} resting orders of the account are not the bot's: left alone")
    if waiting:
        lines.append(
            f"! {waiting} facts of an outage wait in the journal: --fix books them, and so does the next start"
        )
    differences = len(found.differences)
    lines.append("They agree." if not differences else f"{differences} differences: --fix brings the ledger in line.")
    return "\n".join(lines)


def _document(found: "Comparison", waiting: int) -> dict[str, object]:
    return {
        "symbol": found.symbol,
        "exchange": found.exchange,
        "agrees": not found.differences and not waiting,
        "orders": [_row(row) for row in found.orders],
        "fills": [_row(row) for row in found.fills],
        "position": _row(found.position) if found.position else None,
        "balances": {
            asset: {"free": f"{has.free:f}", "locked": f"{has.locked:f}"} for asset, has in found.balances.items()
        },
        "differences": [row.what for row in found.differences],
        "orders_of_others": found.others,
        "journal_facts": waiting,
    }


def _row(row: "Row") -> dict[str, object]:
    return {"what": row.what, "ledger": row.ledger, "exchange": row.exchange, "agrees": row.agrees}
