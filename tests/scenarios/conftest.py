"""Every test here that asks for a `scenario` runs on each one of the table."""

import importlib.util
from pathlib import Path

_SPEC = importlib.util.spec_from_file_location("scenario_table", Path(__file__).parent / "table.py")
_TABLE = importlib.util.module_from_spec(_SPEC)
_SPEC.loader.exec_module(_TABLE)


def pytest_generate_tests(metafunc):
    if "scenario" in metafunc.fixturenames:
        metafunc.parametrize("scenario", list(_TABLE.SCENARIOS), ids=lambda scenario: scenario.name)
