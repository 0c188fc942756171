#!/bin/sh
# Runs the whole pipeline on the example; production is a second local chain, and the demo approves it itself.
set -eu
cd "$(dirname "$0")/.."
.venv/bin/chainops tools install
exec .venv/bin/chainops run examples/vault --approve-plan
