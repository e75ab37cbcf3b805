import importlib.util
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from app.chaos import command as chaos
from app.cli import backtest, compare, doctor, live, reconcile
from app.cli.main import COMMANDS

REPOSITORY = Path(__file__).parent.parent.parent
PAGES = sorted(page.relative_to(REPOSITORY) for page in [*REPOSITORY.glob("docs/**/*.md"), REPOSITORY / "README.md"])
SNIPPET = re.compile(r"^```python\n(.*?)^```", re.DOTALL | re.MULTILINE)
RUNNER = """
import ast, asyncio, inspect, sys
code = compile(sys.stdin.read(), "snippets", "exec", flags=ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)
result = eval(code, {"__name__": "snippets"})
if inspect.iscoroutine(result):
    asyncio.run(result)
"""
LINK = re.compile(r"\]\((?!https?:|#)([^)#]+)")


def snippets(page: Path) -> str:
    return "\n".join(SNIPPET.findall((REPOSITORY / page).read_text(encoding="utf-8")))


@pytest.mark.parametrize("page", [page for page in PAGES if snippets(page) and "decisions" not in page.parts], ids=str)
def test_the_snippets_of_a_page_run_in_order(page, tmp_path):
    for folder in ("settings", "examples"):
        if (REPOSITORY / folder).is_dir():
            shutil.copytree(REPOSITORY / folder, tmp_path / folder)
    result = subprocess.run(
        [sys.executable, "-c", RUNNER], input=snippets(page), cwd=tmp_path, env={"PYTHONPATH": str(REPOSITORY), "PATH": ""},
        capture_output=True, text=True, timeout=100, check=False,
    )  # fmt: skip
    assert result.returncode == 0, result.stderr


@pytest.mark.parametrize("page", PAGES, ids=str)
def test_the_links_of_a_page_lead_somewhere(page):
    targets = LINK.findall((REPOSITORY / page).read_text(encoding="utf-8"))
    assert [target for target in targets if not (REPOSITORY / page.parent / target).exists()] == []


def test_every_setting_is_on_its_page_as_the_models_describe_it():
    specification = importlib.util.spec_from_file_location("settings_page", REPOSITORY / "tools" / "settings_page.py")
    settings_page = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(settings_page)
    assert (REPOSITORY / "docs" / "settings.md").read_text(encoding="utf-8") == settings_page.page()


def test_every_command_and_option_is_documented():
    text = (REPOSITORY / "docs" / "command-line.md").read_text(encoding="utf-8")
    assert [name for name in COMMANDS if f"## keel {name}" not in text] == []
    options = [
        option
        for parser in (
            live.parser(),
            backtest.parser(),
            compare.parser(),
            chaos.parser(),
            reconcile.parser(),
            doctor.parser(),
        )
        for action in parser._actions
        for option in action.option_strings
        if option.startswith("--")
    ]
    assert [option for option in options if option != "--help" and f"`{option}" not in text] == []


def test_no_committed_file_names_a_package_host_or_a_machine_path():
    tracked = subprocess.run(
        ["git", "ls-files"], cwd=REPOSITORY, capture_output=True, text=True, check=True
    ).stdout.split("\n")
    forbidden = re.compile("|".join(["pypi" + r"\.", r"files\.pythonhosted", "/ro" + "ot/", "/wo" + "rk/"]))
    texts = [REPOSITORY / name for name in tracked if name and (REPOSITORY / name).is_file()]
    found = [path.name for path in texts if forbidden.search(path.read_text(encoding="utf-8", errors="ignore"))]
    assert found == []
