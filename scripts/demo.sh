#!/bin/sh
# Runs the whole pipeline on the example. Production is a second local chain: the first run stops before it and
# names the digest of what it would do; the demo then approves exactly that, as a person would.
set -eu
cd "$(dirname "$0")/.."
chainops=.venv/bin/chainops
"$chainops" tools install >/dev/null

code=0
"$chainops" run examples/vault || code=$?
[ "$code" -eq 4 ] || exit "$code"

digest=$("$chainops" report --format json --workspace examples/vault | .venv/bin/python -c '
import json, sys
stages = json.load(sys.stdin)["stages"]
print(next(stage["outputs"]["plan_digest"] for stage in stages if stage["status"] == "waiting"))')
printf '\n%s\n\n' "demo: approving the production plan with chainops run --resume --approve $digest" >&2
exec "$chainops" run examples/vault --resume --approve "$digest"
