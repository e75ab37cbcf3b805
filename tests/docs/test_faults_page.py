"""Every numbered fault has a test that carries its number, and a row on its page that names tests."""

import ast
import re
from collections import defaultdict
from pathlib import Path

TESTS = Path(__file__).parent.parent
PAGE = TESTS.parent / "docs" / "faults.md"
NUMBERS = range(1, 41)
NAMED = re.compile(r"test_fault_(\d+)_")
ROW = re.compile(r"^\| (\d+) \|.*\| ([^|]*) \|$", re.MULTILINE)


def numbers_of(function: ast.FunctionDef | ast.AsyncFunctionDef) -> set[int]:
    """From the test's name, and from its marks, also those of its parameters."""
    found = {int(number) for number in NAMED.findall(function.name)}
    if function.name.startswith("test_faults_1_to_4_"):
        found |= {1, 3, 4}
    for decorator in function.decorator_list:
        for call in ast.walk(decorator):
            if isinstance(call, ast.Call) and isinstance(call.func, ast.Attribute) and call.func.attr == "fault":
                found |= {argument.value for argument in call.args if isinstance(argument, ast.Constant)}
    return found


def by_number() -> dict[int, set[str]]:
    found: defaultdict[int, set[str]] = defaultdict(set)
    for path in TESTS.rglob("test_*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                for number in numbers_of(node):
                    found[number].add(node.name)
    return found


def test_every_fault_of_the_list_has_a_test_by_its_number():
    assert sorted(by_number()) == list(NUMBERS)


def test_the_page_names_for_each_fault_tests_that_carry_its_number():
    page = {int(number): set(re.findall(r"`(test_\w+)`", tests)) for number, tests in ROW.findall(PAGE.read_text())}
    known = by_number()
    assert sorted(page) == list(NUMBERS)
    assert [number for number, tests in page.items() if not tests or tests - known[number]] == []
