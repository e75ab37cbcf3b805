"""The real bot on a stage: its exchange misbehaves on cue, it lives and dies as told, then both sides are looked at."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest

from app.chaos.case import Case, Run, open_run
from app.chaos.faults import NONE, Fault
from app.chaos.nursery import Nursery


@pytest.fixture(scope="session")
def nursery() -> Iterator[Nursery]:
    with Nursery() as warm:
        yield warm


@pytest.fixture
def stage(nursery, tmp_path) -> Iterator[Callable[..., Run]]:
    """Opens a run; by default the account holds nothing but money, with `foreign` 0.5 BTC that are not the bot's."""
    with ExitStack() as opened:

        def open_stage(fault: Fault = NONE, *, foreign: bool = False) -> Run:
            case = Case("scenario", fault, (), seed=3 if foreign else 4)
            return opened.enter_context(open_run(case, nursery, tmp_path / "run"))

        yield open_stage
