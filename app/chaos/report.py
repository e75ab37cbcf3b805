"""What the suite found, as tables for people and as JSON for programs."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from typing import Any, Final

from app.chaos.case import Result
from app.chaos.faults import FAULTS

ARMED: Final = frozenset(fault.name for fault in FAULTS if fault.rules)
COLUMNS: Final = ("commit: before", "commit: after", "unsent", "unread", "read", "other", "moment")


def column_of(label: str) -> str:
    """The kind of a kill point: `GET /api/v3/time: unread` is `unread`."""
    subject, colon, state = label.rpartition(": ")
    if subject.startswith("commit"):
        return f"commit: {state}"
    if label == "moment" or (colon and state in COLUMNS):
        return state if colon else label
    return "other"


def table(results: Sequence[Result]) -> str:
    """Fault by kind of kill point: kills, then runs, strikes, orders and violations; and every point below."""
    return "\n\n".join([_by_fault(results), _by_point(results), _total(results)])


def as_json(results: Sequence[Result], seed: int) -> dict[str, Any]:
    """All that is known."""
    cells: Counter[tuple[str, str]] = Counter()
    for result in results:
        cells.update((result.fault, label) for label in result.killed_at)
    return {
        "seed": seed,
        "runs": len(results),
        "kills": sum(len(result.killed_at) for result in results),
        "violations": sum(len(result.violations) for result in results),
        "table": [
            {"fault": fault, "kill_point": point, "kills": kills} for (fault, point), kills in sorted(cells.items())
        ],
        "results": [asdict(result) | {"passed": sorted(result.passed)} for result in results],
        "not_killed_at": missed(results),
    }


def missed(results: Sequence[Result]) -> list[str]:
    """Points that some life passed and none was killed at."""
    passed: set[str] = set().union(*(result.passed for result in results))
    return sorted(passed - {label for result in results for label in result.killed_at})


def idle(results: Sequence[Result]) -> list[str]:
    """Names of faults that were put up and never struck."""
    return sorted(fault for fault in {r.fault for r in results if r.fault in ARMED} if not _strikes(results, fault))


def _strikes(results: Sequence[Result], fault: str) -> int:
    return sum(result.strikes for result in results if result.fault == fault)


def _by_fault(results: Sequence[Result]) -> str:
    head = ["fault", *COLUMNS, "kills", "runs", "strikes", "orders", "violations"]
    rows = [_row(fault, [r for r in results if r.fault == fault]) for fault in dict.fromkeys(r.fault for r in results)]
    return _aligned([head, *rows, _row("all", results)])


def _row(name: str, results: Sequence[Result]) -> list[str]:
    kinds = Counter(column_of(label) for result in results for label in result.killed_at)
    numbers = [
        *(kinds[column] for column in COLUMNS),
        sum(kinds.values()),
        len(results),
        sum(result.strikes for result in results),
        sum(result.orders for result in results),
        sum(len(result.violations) for result in results),
    ]
    return [name, *map(str, numbers)]


def _by_point(results: Sequence[Result]) -> str:
    kills = Counter(label for result in results for label in result.killed_at)
    bad = Counter(label for result in results if result.violations for label in set(result.killed_at))
    rows = [[label, str(kills[label]), str(bad[label])] for label in sorted(kills)]
    return _aligned([["kill point", "kills", "in runs with violations"], *rows])


def _total(results: Sequence[Result]) -> str:
    """The violations, one a line, then the sums."""
    lines = [f"{result.name}: {sentence}" for result in results for sentence in result.violations]
    kills = sum(len(result.killed_at) for result in results)
    lives = sum(result.lives for result in results)
    lines.append(f"{len(results)} runs, {lives} lives, {kills} kills, {len(lines)} violations")
    passed = len(set().union(*(result.passed for result in results)))
    if unkilled := missed(results):
        lines.append(f"of {passed} kinds of points, nobody was killed at {len(unkilled)}: {'; '.join(unkilled)}")
    else:
        lines.append(f"the bot was killed at all of {passed} kinds of points")
    if harmless := idle(results):
        lines.append(f"faults that never struck: {', '.join(harmless)}")
    return "\n".join(lines)


def _aligned(rows: Iterable[Sequence[str]]) -> str:
    table_rows = list(rows)
    widths = [max(len(row[column]) for row in table_rows) for column in range(len(table_rows[0]))]
    return "\n".join(
        "  ".join(
            [row[0].ljust(widths[0]), *(cell.rjust(width) for cell, width in zip(row[1:], widths[1:], strict=True))]
        )
        for row in table_rows
    )
