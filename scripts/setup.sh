#!/bin/sh
# Makes .venv with the locked dependencies: `setup.sh run` for the tool alone, `setup.sh dev` for its tests too.
# Does nothing when that is in place already. Needs Python >= 3.11 with venv; everything else comes with pip.
set -eu
kind=${1:-run}
root=$(CDPATH='' cd -- "$(dirname -- "$0")/.." && pwd)
lock="$root/requirements/$kind.txt"
stamp="$root/.venv/.installed-$kind"
say() { printf '%s\n' "chainops set-up: $*" >&2; }

# Runs a quiet command and says every ten seconds that it is still at it.
patiently() {
    "$@" &
    child=$!
    seconds=0
    while kill -0 "$child" 2>/dev/null; do
        sleep 1
        seconds=$((seconds + 1))
        [ $((seconds % 10)) -ne 0 ] || say "still at it, $seconds s"
    done
    wait "$child"
}

if [ -f "$stamp" ] && cmp -s "$lock" "$stamp" && "$root/.venv/bin/chainops" --version >/dev/null 2>&1; then
    exit 0
fi

command -v git >/dev/null || { say "git is missing; install it with your system's package manager"; exit 3; }
python=
for candidate in "${PYTHON:-}" python3 python3.14 python3.13 python3.12 python3.11; do
    if [ -n "$candidate" ] && "$candidate" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
        python=$candidate
        break
    fi
done
[ -n "$python" ] || { say "Python 3.11 or newer is missing; install it, or name it: make PYTHON=/path/to/python3 …"; exit 3; }
if ! "$root/.venv/bin/python" -m pip --version >/dev/null 2>&1; then
    "$python" -c 'import ensurepip' 2>/dev/null || {
        say "$python has no venv module; install python3-venv with your system's package manager"
        exit 3
    }
    say "making .venv with $("$python" --version)"
    rm -rf "$root/.venv"
    "$python" -m venv "$root/.venv"
fi
say "installing the locked dependencies (requirements/$kind.txt)"
pip() { "$root/.venv/bin/python" -m pip install --quiet --disable-pip-version-check --no-deps "$@"; }
patiently pip --require-hashes -r "$lock" || {
    say "pip could not install them; without a network, set pip's own proxy or mirror settings"
    exit 3
}
pip --no-build-isolation --no-index --editable "$root" || {
    say "chainops itself could not be installed into .venv; remove that folder and run this again"
    exit 3
}
cp "$lock" "$stamp"
