"""Pins every version that a command of this project may install, direct and transitive.

`python tools/pins.py write` resolves anew and writes the pins into pyproject.toml and requirements.lock.
`python tools/pins.py check` says which installed packages are not pinned, or differ from their pin; exit 1 if any.
"""

import re
import subprocess
import sys
import tomllib
from importlib.metadata import distributions
from pathlib import Path

ROOT = Path(__file__).parent.parent
PROJECT = ROOT / "pyproject.toml"
LOCK = ROOT / "requirements.lock"
COMPILE = ["uv", "pip", "compile", "pyproject.toml", "--universal", "--no-header", "--no-annotate", "--quiet"]
BLOCK = re.compile(
    r"^(?P<name>build-constraint-dependencies|constraint-dependencies) = \[.*?\]\n", re.DOTALL | re.MULTILINE
)


def main(arguments: list[str]) -> int:
    """Run `write` or `check`."""
    if arguments == ["write"]:
        return write()
    if arguments == ["check"]:
        return check()
    print(__doc__)
    return 2


def write() -> int:
    """Resolve without the old pins, then write the new ones."""
    text = _with_pins(PROJECT.read_text(), [], [])
    PROJECT.write_text(text)
    project = tomllib.loads(text)
    groups = [argument for name in project["dependency-groups"] for argument in ("--group", name)]
    pins = _resolve([*COMPILE, *groups])
    build = _resolve(
        ["uv", "pip", "compile", "--universal", "--no-header", "--no-annotate", "--quiet", "-"],
        "\n".join(project["build-system"]["requires"]),
    )
    PROJECT.write_text(_with_pins(text, pins, build))
    hashed = ["--generate-hashes", "--no-emit-index-url", "--no-emit-find-links", "--output-file", str(LOCK)]
    subprocess.run([*COMPILE, *hashed], cwd=ROOT, check=True)
    print(f"{len(pins)} pins, {len(build)} for the build")
    return 0


def check() -> int:
    """Compare what is installed beside this interpreter with the pins."""
    pinned = _pinned_versions(tomllib.loads(PROJECT.read_text())["tool"]["uv"]["constraint-dependencies"])
    wrong = []
    for package in distributions():
        name = _normal(package.metadata["Name"])
        if name not in {"keelbot", "pip", "setuptools", "wheel"} and package.version not in pinned.get(name, set()):
            wrong.append(
                f"{name} {package.version} is installed, pinned is {' or '.join(pinned.get(name, {'nothing'}))}"
            )
    print("\n".join(sorted(wrong)) or f"all of {len(list(distributions()))} installed packages are pinned")
    return 1 if wrong else 0


def _resolve(command: list[str], stdin: str | None = None) -> list[str]:
    answer = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True, input=stdin)
    return [line for line in answer.stdout.splitlines() if line and not line.startswith(("#", " ", "-"))]


def _with_pins(text: str, pins: list[str], build: list[str]) -> str:
    blocks = {"constraint-dependencies": pins, "build-constraint-dependencies": build}

    def block(match: re.Match[str]) -> str:
        entries = "".join(f'    "{pin.replace(chr(34), chr(39))}",\n' for pin in blocks[match["name"]])
        return f"{match['name']} = [\n{entries}]\n" if entries else f"{match['name']} = []\n"

    return BLOCK.sub(block, text)


def _pinned_versions(pins: list[str]) -> dict[str, set[str]]:
    versions: dict[str, set[str]] = {}
    for pin in pins:
        name, _, version = pin.partition(";")[0].strip().partition("==")
        versions.setdefault(_normal(name), set()).add(version.strip())
    return versions


def _normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name.split("[", maxsplit=1)[0]).lower()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
