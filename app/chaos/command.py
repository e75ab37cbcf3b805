"""`keel chaos`: kill the bot a thousand times while the exchange misbehaves, and compare both ledgers each time."""

import argparse
import json
import os
import sys
import tempfile
from dataclasses import asdict, replace
from fnmatch import fnmatchcase
from pathlib import Path
from typing import TYPE_CHECKING, Final

from app.cli.output import say
from app.domain.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from app.chaos.case import Case, Result

VIOLATED: Final = 9
MIN_SOAK_HOURS: Final = 0.1
MAX_SOAK_HOURS: Final = 1_000


def parser() -> argparse.ArgumentParser:
    """The options; documented in docs/command-line.md, which a test compares."""
    options = argparse.ArgumentParser(
        prog="keel chaos",
        description="Kill the live bot at every point while the exchange misbehaves; compare ledgers.",
    )
    add = options.add_argument
    add("--seed", type=int, default=1, help="of all that is drawn; repeats the same runs (default: %(default)s)")
    add("--runs", type=int, metavar="N", help="only N runs, spread over the whole suite (default: all)")
    add("--only", metavar="NAME", help='only runs of this name, such as "reset after/1"; * and ? stand for letters')
    add("--jobs", type=int, default=os.cpu_count() or 1, metavar="N", help="runs at a time (default: %(default)s)")
    add("--sabotage", metavar="NAME", default="", help="build a mistake into the bot, to see the suite find it")
    add("--self-test", action="store_true", help="build in every mistake in turn; each must be found")
    add("--soak", type=float, metavar="HOURS", help="instead: one long life with faults in 5 %% of the calls")
    add("--keep", type=Path, metavar="FOLDER", help="keep databases, logs and traces there")
    add("--list", action="store_true", help="print the names of the runs, faults and sabotages, run nothing")
    add("--json", action="store_true", help="print the result as JSON")
    return options


def main(argv: list[str]) -> int:
    """Run the suite; 0 without violations, 9 with.

    Raises:
        ConfigError: an option names what is not there.
    """
    chosen = parser().parse_args(argv)
    from app.chaos.plan import all_cases  # noqa: PLC0415  # heavy: --help does without it
    from app.chaos.sabotage import SABOTAGES  # noqa: PLC0415

    if chosen.sabotage and chosen.sabotage not in SABOTAGES:
        raise ConfigError(f"--sabotage {chosen.sabotage!r} is not known: use one of {', '.join(SABOTAGES)}")
    if chosen.runs is not None and chosen.runs < 1:
        raise ConfigError(f"--runs is {chosen.runs}: give 1 or more")
    if chosen.soak is not None:
        return _soak(chosen)
    if chosen.self_test:
        return _self_test()
    cases = [
        replace(case, sabotage=chosen.sabotage) for case in _chosen(all_cases(chosen.seed), chosen.only, chosen.runs)
    ]
    if chosen.list:
        say("\n".join(case.name for case in cases))
        say("sabotages: " + "; ".join(f"{name}: {sabotage.text}" for name, sabotage in SABOTAGES.items()))
        return 0
    return _run(cases, chosen)


def _run(cases: "Sequence[Case]", chosen: argparse.Namespace) -> int:
    from app.chaos.plan import remainder  # noqa: PLC0415
    from app.chaos.report import as_json, table  # noqa: PLC0415
    from app.chaos.suite import run_suite  # noqa: PLC0415

    def progress(result: "Result") -> None:
        for sentence in result.violations:
            print(f"{result.name}: {sentence}", file=sys.stderr)  # noqa: T201  # a command line prints

    results = run_suite(cases, jobs=chosen.jobs, on_result=progress, keep=chosen.keep)
    if chosen.only is None and chosen.runs is None:
        results += run_suite(remainder(results, cases), jobs=chosen.jobs, on_result=progress, keep=chosen.keep)
    report = as_json(results, chosen.seed)
    say(json.dumps(report) if chosen.json else f"{table(results)}\nrepeat with --seed {chosen.seed}")
    return VIOLATED if report["violations"] else 0


def _soak(chosen: argparse.Namespace) -> int:
    from app.chaos.soak import soak  # noqa: PLC0415

    if not MIN_SOAK_HOURS <= chosen.soak <= MAX_SOAK_HOURS:
        raise ConfigError(f"--soak is {chosen.soak:g}: give {MIN_SOAK_HOURS} to {MAX_SOAK_HOURS} hours")
    with tempfile.TemporaryDirectory() as scratch:
        soaked = soak(chosen.soak, chosen.seed, (chosen.keep or Path(scratch)) / "soak")
    figures = {"rss_kb_per_day": soaked.rss_kb_per_day(), "database_kb_per_day": soaked.database_kb_per_day()}
    say(json.dumps(asdict(soaked) | figures) if chosen.json else soaked.text())
    return VIOLATED if soaked.violations else 0


def _self_test() -> int:
    """Every mistake must lead to violations."""
    from app.chaos.plan import proofs  # noqa: PLC0415
    from app.chaos.sabotage import SABOTAGES  # noqa: PLC0415
    from app.chaos.suite import run_suite  # noqa: PLC0415

    missed = 0
    for result, (name, sabotage) in zip(run_suite(proofs(), jobs=1), SABOTAGES.items(), strict=True):
        missed += not result.violations
        say(f"{name:<14} a bot that {sabotage.text}: {len(result.violations) or 'NO'} violations")
    return VIOLATED if missed else 0


def _chosen(cases: "Sequence[Case]", only: str | None, runs: int | None) -> "list[Case]":
    """The runs that were asked for."""
    named = [case for case in cases if only is None or fnmatchcase(case.name, only)]
    if not named:
        raise ConfigError(f"--only {only!r} is the name of no run: print the names with --list")
    if runs is None or runs >= len(named):
        return named
    return [named[number * len(named) // runs] for number in range(runs)]
