"""Carries runs out on all processors, each worker with a nursery of its own."""

import tempfile
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from queue import Empty, SimpleQueue

from app.chaos.case import Case, Result, run_case
from app.chaos.nursery import Nursery


def run_suite(
    cases: Sequence[Case],
    *,
    jobs: int,
    on_result: Callable[[Result], None] = lambda _: None,
    keep: Path | None = None,
) -> list[Result]:
    """Carry out all runs.

    Args:
        cases: The runs.
        jobs: How many at a time.
        on_result: Called after each run, one call at a time.
        keep: Folder in which databases, logs and traces stay; None throws them away.

    Returns:
        The results in the order of the runs.
    """
    waiting: SimpleQueue[tuple[int, Case]] = SimpleQueue()
    for item in enumerate(cases):
        waiting.put(item)
    results: dict[int, Result] = {}
    failures: list[BaseException] = []
    lock = threading.Lock()

    def work(root: Path) -> None:
        try:
            with Nursery() as nursery:
                while not failures:
                    number, case = waiting.get_nowait()
                    folder = root / case.name.replace("/", "-").replace(" ", "-")
                    result = run_case(case, nursery, folder)
                    with lock:
                        results[number] = result
                        on_result(result)
        except Empty:
            pass
        except BaseException as error:  # noqa: BLE001  # raised again in the main thread
            failures.append(error)

    with tempfile.TemporaryDirectory() as scratch:
        root = keep or Path(scratch)
        workers = [threading.Thread(target=work, args=(root,)) for _ in range(max(1, min(jobs, len(cases))))]
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join()
    if failures:
        raise failures[0]
    return [results[number] for number in sorted(results)]
