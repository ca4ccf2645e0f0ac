#!/bin/sh
# Makes .venv from requirements/run.txt or, with "dev", requirements/dev.txt; does nothing when it is up to date.
set -eu
cd "$(dirname "$0")/.."
want=${1:-run}
lock=requirements/$want.txt

digest() { sha256sum "$1" | cut -d ' ' -f 1; }
say() { printf '%s\n' "$*" >&2; }

if [ -x .venv/bin/python ] && [ "$(cat ".venv/.installed-$want" 2>/dev/null)" = "$(digest "$lock")" ]; then
    exit 0
fi

python=${PYTHON:-}
if [ -z "$python" ]; then
    for candidate in python3.13 python3.12 python3.11 python3; do
        if command -v "$candidate" >/dev/null 2>&1 \
            && "$candidate" -c 'import sys; sys.exit(not ((3, 11) <= sys.version_info[:2] <= (3, 13)))' 2>/dev/null; then
            python=$candidate
            break
        fi
    done
fi
if [ -z "$python" ]; then
    say "Letterlock needs Python 3.11, 3.12 or 3.13, and this machine has $(python3 --version 2>&1 || echo none)."
    say "On Debian 12: apt-get install python3 python3-venv. Or name one: make run PYTHON=/path/to/python3.11"
    exit 1
fi

with_uv() {
    command -v uv >/dev/null 2>&1 && uv --version >/dev/null 2>&1 || return 1
    [ -x .venv/bin/python ] || uv venv --quiet --python "$python" .venv || return 1
    uv pip install --quiet --python .venv/bin/python --require-hashes -r "$lock"
}

with_pip() {
    if ! .venv/bin/python -m pip --version >/dev/null 2>&1; then
        rm -rf .venv
        if ! "$python" -c 'import ensurepip' 2>/dev/null; then
            venv_package
        fi
        "$python" -m venv .venv
    fi
    .venv/bin/python -m pip install --quiet --no-compile --disable-pip-version-check --require-hashes -r "$lock"
}

# Debian keeps the venv module in a package of its own.
venv_package() {
    package=$("$python" -c 'import sys; print("python%d.%d-venv" % sys.version_info[:2])')
    if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1; then
        say "Installing $package, which Debian keeps apart from Python."
        apt-get update -qq >&2 || true
        DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$package" >/dev/null
    else
        say "Python's venv module is missing. Install it, then run this again:"
        say "    sudo apt-get install $package"
        exit 1
    fi
}

.venv/bin/python -c '' 2>/dev/null || rm -rf .venv
say "Installing what $lock lists into .venv ..."
with_uv 2>/dev/null || with_pip || {
    say "The packages in $lock could not be installed. Check the network or the package index, then run this again."
    exit 1
}
# Here, once: a start without compiled modules takes three times as long, and some environments forbid writing them later.
.venv/bin/python -m compileall -q -j 0 .venv/lib >/dev/null 2>&1 || true
digest "$lock" >".venv/.installed-$want"
# dev.txt holds all of run.txt.
[ "$want" != dev ] || digest requirements/run.txt >.venv/.installed-run
