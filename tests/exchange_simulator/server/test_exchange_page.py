"""The documentation page names every endpoint, method, stream, option and fault."""

from pathlib import Path

import pytest

from exchange_simulator.server.command import _parser
from exchange_simulator.server.faults.kinds import KINDS
from exchange_simulator.server.routes import REST, SAPI, WS_API
from exchange_simulator.server.stream_names import StreamKind

PAGE = (Path(__file__).parents[3] / "docs" / "exchange-simulator.md").read_text(encoding="utf-8")
PATHS = sorted({path.removeprefix("/api/v3/").removeprefix("/sapi/v1/") for _, path in (*REST, *SAPI)})
OPTIONS = [a.option_strings[-1] for a in _parser()._actions if a.dest != "help"]
STREAMS = [kind.value for kind in StreamKind if kind is not StreamKind.DEPTH_TOP]


@pytest.mark.parametrize("name", [*PATHS, *WS_API, *KINDS, *STREAMS])
def test_the_page_names_it(name: str):
    assert f"`{name}" in PAGE


@pytest.mark.parametrize("option", OPTIONS)
def test_the_page_names_every_option(option: str):
    assert option in PAGE


@pytest.mark.parametrize("kind", KINDS.values(), ids=lambda kind: kind.name)
def test_the_page_says_what_a_fault_does_and_takes(kind: object):
    row = next(line for line in PAGE.splitlines() if line.startswith(f"| `{kind.name}` |"))
    assert kind.text in row
    assert all(f"`{argument}`" in row for argument in kind.arguments)
