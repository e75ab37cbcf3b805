# What CI runs.
check:
    .ci/run

# Correct what a machine can correct.
fix:
    uv run ruff check --fix .
    uv run ruff format .

# Resolve all versions anew and pin them in pyproject.toml and requirements.lock.
pins:
    python3 tools/pins.py write

# The long forms of the tests that CI runs in short form.
soak:
    uv run pytest -m soak -n 1 --timeout 7200

# Every benchmark, each with its ratio.
bench:
    for file in benchmarks/bench_*.py; do uv run --group bench python "$file" || exit 1; done
