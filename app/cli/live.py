"""`keel live` and `run_live.py`: trade candle by candle, on paper or live."""

import argparse
import atexit
import json
import signal
from contextlib import ExitStack
from typing import Final

from app.cli.output import say, stdout_kept_clean

SHORTEST_SLEEP_S: Final = 0.1  # a bot that asks more often is banned by its exchange
LONGEST_SLEEP_S: Final = 86_400


def parser() -> argparse.ArgumentParser:
    """The options; documented in docs/command-line.md, which a test compares."""
    options = argparse.ArgumentParser(prog="keel live", description="Trade candle by candle, on paper or live.")
    options.add_argument("--config", default="settings/config.json", help="settings file (default: %(default)s)")
    options.add_argument(
        "--mode", choices=("mock", "live"), default="mock", help="mock: paper money; live: real orders (default: mock)"
    )
    options.add_argument(
        "--i-understand-real-money",
        action="store_true",
        help="needed for --mode live where orders cost real money (or exchange.real_money in the settings)",
    )
    options.add_argument(
        "--sleep",
        type=_seconds,
        default=60.0,
        metavar="SECONDS",
        help="longest wait between cycles (default: 60)",
    )
    options.add_argument("--until-end", action="store_true", help="refuse candles that never end: run a replay only")
    options.add_argument("--json", action="store_true", help="print the summary as JSON")
    options.add_argument("--log-file", metavar="FILE", help="also write the log to this file")
    options.add_argument("--log-json", action="store_true", help="log one JSON object per line")
    return options


def main(argv: list[str]) -> int:
    """Parse and run.

    Raises:
        KeelError: a person reads its sentence; its exit code is stable.
    """
    arguments = parser().parse_args(argv)
    from app.cli.compose import running_bot
    from app.cli.logs import configure_logging
    from app.config.models import BotConfig
    from app.core.shutdown import stop_on_signals
    from app.domain.errors import ConfigError

    config = BotConfig.load_from_file(arguments.config)
    configure_logging(log_file=arguments.log_file, as_json=arguments.log_json)
    if arguments.until_end and config.exchange.name != "replay":
        raise ConfigError(f'--until-end needs exchange.name "replay", not {config.exchange.name!r}: candles never end')
    live, understood = arguments.mode == "live", arguments.i_understand_real_money
    composed = running_bot(config, live=live, real_money=understood, sleep_s=arguments.sleep)
    with ExitStack() as until_the_end:
        with stdout_kept_clean(), composed as (bot, summarize):
            until_the_end.enter_context(stop_on_signals(bot.stop))  # also when the same Ctrl+C comes twice
            bot.start(sleep_seconds=arguments.sleep)
            summary = summarize()
        say(json.dumps(summary.as_json()) if arguments.json else summary.text())
        atexit.register(signal.signal, signal.SIGINT, signal.SIG_IGN)
    return 0


def _seconds(text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is no number of seconds: give one, such as 60") from None
    if not SHORTEST_SLEEP_S <= seconds <= LONGEST_SLEEP_S:
        raise argparse.ArgumentTypeError(
            f"{text!r} is not within {SHORTEST_SLEEP_S} and {LONGEST_SLEEP_S}: give a number of seconds, such as 60"
        )
    return seconds
