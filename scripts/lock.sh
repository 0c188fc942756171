#!/bin/sh
# Writes requirements/*.txt anew from pyproject.toml, with a hash for every file that pip may take.
set -eu
cd "$(dirname "$0")/.."
uv=$(mktemp -d)
trap 'rm -rf "$uv"' EXIT
python3 -m venv "$uv" && "$uv/bin/pip" install --quiet uv
for kind in run dev; do
    extra=build
    [ "$kind" = dev ] && extra=dev
    "$uv/bin/uv" pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url \
        --no-annotate --no-header --extra "$extra" pyproject.toml --output-file "requirements/$kind.txt"
done
