"""`keel backtest` and `run_backtest.py`: trade a strategy over history by the live bot's rules."""

import argparse
import json
import sys
from typing import TYPE_CHECKING, Final

from app.cli.garbage import garbage_seldom_collected
from app.cli.output import say, stdout_kept_clean
from app.cli.stages import Stages

if TYPE_CHECKING:
    from app.backtesting.loading import History
    from app.backtesting.result import BacktestResult
    from app.backtesting.saving import DataAsked, Saved
    from app.config.models import BotConfig
    from app.domain.errors import KeelError
    from app.report import ReportData

EXIT_NOT_BELIEVABLE: Final = 3
STAGES: Final = 4
MOST_REASONS: Final = 3  # for which nothing was traded are named


def parser() -> argparse.ArgumentParser:
    """The options; documented in docs/command-line.md, which a test compares."""
    options = argparse.ArgumentParser(prog="keel backtest", description="Trade a strategy over history.")
    options.add_argument("--config", default="settings/config.json", help="settings file (default: %(default)s)")
    options.add_argument("--data", metavar="FILE|DIR", help="candles: a Parquet or CSV file, or a folder of them")
    options.add_argument("--fine", metavar="FILE|DIR", help="shorter candles, which tell what came first inside a bar")
    options.add_argument("--symbol", action="append", default=[], help="market to trade; may be given again, or all")
    options.add_argument("--start", metavar="TIME", help="first moment, ISO 8601, UTC")
    options.add_argument("--end", metavar="TIME", help="moment before which the last candle opens")
    options.add_argument("--strategy", metavar="NAME", help='name, or "path/to/file.py:Class"')
    options.add_argument("--param", action="append", default=[], metavar="KEY=VALUE", help="parameter of the strategy")
    options.add_argument("--set", action="append", default=[], metavar="KEY=VALUE", help="any setting, by dotted key")
    options.add_argument("--fee", metavar="RATE", help="fee as a fraction of the notional (paper.fee_rate)")
    options.add_argument("--slippage-bp", metavar="BP", help="slippage in basis points (paper.slippage_bp)")
    options.add_argument("--seed", type=_seed, default=1, help="of the intervals (default: %(default)s)")
    options.add_argument("--json", action="store_true", help="print the result as JSON")
    options.add_argument("--save", action="store_true", help="save the result below --results")
    options.add_argument("--results", default="results", metavar="DIR", help="folder of results (default: %(default)s)")
    options.add_argument("--html", metavar="FILE", help="write the report as one HTML file")
    options.add_argument("--strict", action="store_true", help="exit with 3 unless the signals are proven causal")
    options.add_argument("--repeat", metavar="RESULT", help="run a saved result again and compare the numbers")
    return options


def _seed(text: str) -> int:
    if not text.isascii() or not text.isdigit():
        raise argparse.ArgumentTypeError(f"{text!r} is no seed: give a whole number, 0 or more")
    return int(text)


def main(argv: list[str]) -> int:
    """Parse and run.

    Raises:
        KeelError: a person reads its sentence; its exit code is stable.
    """
    arguments = parser().parse_args(argv)
    with garbage_seldom_collected(), Stages(STAGES) as stages, stdout_kept_clean():
        stages.begin("loading candles")
        repeated, config, asked = _plan(arguments)
        result = _run(config, asked, stages, chosen_timeframe=repeated is not None)
        stages.begin("proving causality")
        believable = result.causality.believable
        stages.begin("measuring")
        seed = arguments.seed if repeated is None else int(repeated.document["seed"])
        report = result.report(seed=seed)
        text = _text(report) if not arguments.json else ""
        lines, facts, same = _outcome(arguments, result, asked, seed, repeated)
        unwritten = _write(arguments, result, report, lines, facts)
    say(json.dumps(facts, allow_nan=False) if arguments.json else "\n".join([text.rstrip("\n"), *lines]))
    if unwritten is not None:  # the figures of a long run are not lost with it
        raise unwritten
    if arguments.strict and not believable:
        print(f"keel backtest: --strict: {result.causality.head()}", file=sys.stderr)
    return EXIT_NOT_BELIEVABLE if not same or (arguments.strict and not believable) else 0


def _plan(arguments: argparse.Namespace) -> "tuple[Saved | None, BotConfig, DataAsked]":
    """What to run: by the options, or as a saved result ran."""
    from dataclasses import replace
    from pathlib import Path

    from app.backtesting.saving import DataAsked, load_saved
    from app.cli.overrides import assignment, settings_with
    from app.config.models import is_market
    from app.domain.errors import ConfigError

    _refuse_places(arguments)
    if arguments.repeat:
        _refuse_changes(arguments)
        saved = load_saved(Path(arguments.repeat))
        given = {"path": arguments.data, "fine": arguments.fine}
        return saved, saved.config, replace(saved.data, **{key: value for key, value in given.items() if value})
    if arguments.data is None:
        raise ConfigError("there are no candles to trade: give --data FILE or --data DIR")
    if strange := [symbol for symbol in arguments.symbol if symbol != "all" and not is_market(symbol)]:
        raise ConfigError(f'--symbol {strange[0]!r} is no market: write base/quote, such as "BTC/USDT", or all')
    replaced = [("strategy.params", "{}")] if _is_another_strategy(arguments) else []
    replaced += [assignment(text, "--set") for text in arguments.set]
    replaced += [
        (f"strategy.params.{key}", value) for key, value in (assignment(t, "--param") for t in arguments.param)
    ]
    options = {
        "strategy.name": arguments.strategy,
        "paper.fee_rate": arguments.fee,
        "paper.slippage_bp": arguments.slippage_bp,
    }
    replaced += [(key, value) for key, value in options.items() if value is not None]
    config = settings_with(Path(arguments.config), replaced)
    asked = DataAsked(arguments.data, tuple(arguments.symbol), arguments.start, arguments.end, arguments.fine)
    return None, config, asked


def _is_another_strategy(arguments: argparse.Namespace) -> bool:
    """Whether --strategy names another one than the settings, whose parameters are then not meant for it."""
    if arguments.strategy is None:
        return False
    from pathlib import Path

    from app.config.reading import read_settings
    from app.strategies.loader import SHIPPED

    section = read_settings(Path(arguments.config)).get("strategy")
    names = {shipped: name for name, shipped in SHIPPED.items()}
    own = section.get("name") if isinstance(section, dict) else None
    return bool(names.get(arguments.strategy, arguments.strategy) != names.get(str(own), own))


def _refuse_places(arguments: argparse.Namespace) -> None:
    """Places that cannot be written are told before the run, not after it: raises ConfigError."""
    import os
    from pathlib import Path

    from app.domain.errors import ConfigError

    if arguments.html is not None:
        page = Path(arguments.html)
        if not page.name or page.is_dir():
            raise ConfigError(f"--html {arguments.html!r} is a folder: name the file to be written")
        if not page.absolute().parent.is_dir():
            raise ConfigError(
                f"--html {arguments.html!r} lies in a folder that does not exist: make it, or choose another"
            )
    if arguments.save:
        results = Path(arguments.results).absolute()
        there = next(place for place in (results, *results.parents) if place.exists())
        if not there.is_dir() or not os.access(there, os.W_OK):
            raise ConfigError(f"--results {arguments.results!r} cannot be written ({there}): choose another folder")


def _refuse_changes(arguments: argparse.Namespace) -> None:
    """A repeated result runs as it ran: raises ConfigError for an option that would change it."""
    from app.domain.errors import ConfigError

    usual = parser()
    options = ("symbol", "start", "end", "strategy", "param", "set", "fee", "slippage_bp", "seed")
    changed = [name for name in options if getattr(arguments, name) != usual.get_default(name)]
    if changed:
        name = changed[0].replace("_", "-")
        raise ConfigError(f"--repeat runs a result as it was saved, without --{name}: leave one of them out")


def _run(config: "BotConfig", asked: "DataAsked", stages: Stages, *, chosen_timeframe: bool) -> "BacktestResult":
    from pathlib import Path

    from app.backtesting.certificate import certify
    from app.backtesting.engine import backtest
    from app.backtesting.loading import load_histories, symbols_in
    from app.strategies.loader import load_strategy

    data, usual = Path(asked.path), config.strategy.symbol
    there = symbols_in(data, usual)
    symbols = asked.symbols or ((usual,) if usual in there else there)
    named = chosen_timeframe or "timeframe" in config.strategy.model_fields_set
    histories = load_histories(
        data,
        symbols=there if symbols == ("all",) else symbols,
        otherwise=usual,
        timeframe=config.strategy.timeframe if named else None,
        start=asked.start,
        end=asked.end,
    )
    first = next(iter(histories.values()))
    section = config.strategy.model_copy(update={"symbol": first.symbol, "timeframe": first.timeframe.name})
    config = config.model_copy(update={"strategy": section})
    stages.begin("trading")
    candles = {symbol: history.candles for symbol, history in histories.items()}
    finer = _finer(asked, first.symbol, tuple(histories))
    fine = {symbol: history.candles for symbol, history in finer.items()}
    result = backtest(candles, load_strategy(section), config, fine=fine, progress=stages.part)
    result.fine_certificates = {symbol: certify(history) for symbol, history in finer.items()}
    result.certificates = {symbol: certify(history) for symbol, history in histories.items()}
    return result


def _finer(asked: "DataAsked", usual: str, symbols: tuple[str, ...]) -> "dict[str, History]":
    """The shorter candles that were asked for, by symbol; those of the last candle may open behind --end."""
    from pathlib import Path

    from app.backtesting.loading import load_histories

    if asked.fine is None:
        return {}
    return load_histories(Path(asked.fine), symbols=symbols, otherwise=usual, start=asked.start)


def _outcome(
    arguments: argparse.Namespace, result: "BacktestResult", asked: "DataAsked", seed: int, repeated: "Saved | None"
) -> tuple[list[str], dict[str, object], bool]:
    """Lines to print below the figures, facts for JSON, and whether a repeated result gave the same numbers."""
    lines = [certificate.text() for certificate in result.certificates.values()]
    lines += [f"inside its bars: {certificate.text()}" for certificate in result.fine_certificates.values()]
    lines += [f"note: {sentence}" for sentence in result.notices]
    lines += _why_no_trade(result)
    if not (arguments.json or arguments.save or repeated):
        return lines, {}, True
    from app.backtesting.comparing import compare_results
    from app.backtesting.saving import as_saved, document_of

    facts = document_of(result, asked, seed=seed)
    same = True
    if repeated is not None:
        comparison = compare_results(repeated, as_saved(result, facts))
        same = comparison.same_numbers
        facts["repeated"] = comparison.as_json()
        lines.append(
            f"the same numbers as {repeated.folder}"
            if same
            else f"OTHER NUMBERS than {repeated.folder}:\n{comparison.text(str(repeated.folder), 'this run')}"
        )
    return lines, facts, same


def _why_no_trade(result: "BacktestResult") -> list[str]:
    """What was decided instead, the most frequent first, when nothing was traded."""
    if len(result.trades):
        return []
    reasons = result.decisions["reason"].astype(str).value_counts().head(MOST_REASONS)
    if not len(reasons):
        return ["no trades: the strategy gave no signal"]
    return ["no trades:", *(f"  {count:,} times {reason}" for reason, count in reasons.items())]


def _write(
    arguments: argparse.Namespace,
    result: "BacktestResult",
    report: "ReportData",
    lines: list[str],
    facts: dict[str, object],
) -> "KeelError | None":
    """Save the result and write the page, if they were asked for, and say where; or why they could not be written."""
    from datetime import UTC, datetime
    from pathlib import Path

    from app.core.clock import SystemClock
    from app.domain.errors import KeelError

    try:
        if arguments.save:
            from app.backtesting.saving import save

            at = datetime.fromtimestamp(SystemClock().now_ms() // 1_000, UTC)
            folder = save(result, facts, Path(arguments.results), at=at.isoformat())
            facts["folder"] = str(folder)
            lines.append(f"saved: {folder}")
        if arguments.html:
            from app.report.page import write_html

            lines.append(f"report: {write_html(report, arguments.html)}")
    except KeelError as error:
        return error
    return None


def _text(report: object) -> str:
    from io import StringIO

    from rich.console import Console

    from app.report import ReportData
    from app.report.terminal import print_report

    assert isinstance(report, ReportData)  # noqa: S101  imported late
    coloured = sys.__stdout__ is not None and sys.__stdout__.isatty()
    out = StringIO()
    print_report(report, Console(file=out, force_terminal=coloured, width=None if coloured else 110))
    return out.getvalue()
