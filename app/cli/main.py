"""`keel`: finds the command and hands over. Imports nothing heavy, so that help answers at once."""

import sys
from importlib import import_module
from typing import Final

from app.cli.errors import exit_code_of
from app.cli.output import open_missing_streams, say

# command: (module:function, one line of help)
COMMANDS: Final = {
    "backtest": ("app.cli.backtest:main", "trade a strategy over history by the live bot's rules"),
    "compare": ("app.cli.compare:main", "show in what two saved backtests differ"),
    "live": ("app.cli.live:main", "trade on paper or live, candle by candle"),
    "reconcile": ("app.cli.reconcile:main", "show what the ledger says beside what the exchange says"),
    "doctor": ("app.cli.doctor:main", "check settings, database, exchange and account, one line each"),
    "halt": ("app.cli.halt:halt", "the kill switch: cancel all own orders, then nothing until resume"),
    "resume": ("app.cli.halt:resume", "lift a halt"),
    "status": ("app.cli.halt:status", "state, position with its levels, the day's result"),
    "exchange": ("exchange_simulator.server.command:main", "run an exchange on loopback that clients take for Binance"),
    "chaos": ("app.chaos.command:main", "kill the live bot again and again while its exchange misbehaves"),
}
EXIT_USAGE: Final = 2


def main(argv: list[str] | None = None) -> int:
    """Run one command.

    Args:
        argv: Arguments without the program's name; the process's by default.

    Returns:
        The exit code: 0 done, 1 unforeseen, 2 usage or settings, else as in `app.domain.errors`.
    """
    open_missing_streams()
    arguments = sys.argv[1:] if argv is None else argv
    return exit_code_of(" ".join(["keel", *arguments[:1]]), lambda: _run(arguments))


def _run(arguments: list[str]) -> int:
    if not arguments or arguments[0] in ("-h", "--help", "help"):
        say(_help())
        return 0
    name, rest = arguments[0], arguments[1:]
    if name == "--version":
        from importlib.metadata import version

        say(f"keel {version('keelbot')}")
        return 0
    if name not in COMMANDS:
        print(f"keel: {name!r} is no command: use one of {', '.join(COMMANDS)}", file=sys.stderr)
        return EXIT_USAGE
    module, function = COMMANDS[name][0].split(":")
    result: int = getattr(import_module(module), function)(rest)
    return result


def _help() -> str:
    lines = [f"  {name:<10} {text}" for name, (_, text) in COMMANDS.items()]
    head = ["usage: keel COMMAND [options]", "", "A trading bot that can be left alone with money.", ""]
    foot = ["", "`keel COMMAND --help` lists a command's options; `keel --version` prints the version."]
    return "\n".join([*head, *lines, *foot])


if __name__ == "__main__":
    sys.exit(main())
