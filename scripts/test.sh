#!/bin/sh
# Everything that has to hold: style, types, import rules, behaviour, coverage of branches.
set -eu
cd "$(dirname "$0")/.."
bin=.venv/bin
step() { printf '\n== %s\n' "$*"; }

step "style (ruff)"
$bin/ruff check .
$bin/ruff format --check .
step "types (mypy --strict)"
$bin/mypy
step "who may import whom (import-linter)"
$bin/lint-imports --no-cache
step "tools for the integration tests"
$bin/chainops tools install
step "tests (pytest, two at a time)"
rm -f .coverage .coverage.*
$bin/python -m pytest -m "not chaos" -n 2 --dist worksteal --max-worker-restart 0 -q --durations 25 --cov --cov-report= "$@"
step "coverage"
$bin/coverage report --fail-under "$(cat .coverage-floor)" | tail -n 30
