#!/bin/sh
# Sets up what the tests need beyond Python: a browser, servers and a mail client from Debian, and the browser tests' packages.
# What cannot be had here is said loudly; the tests that need it skip, or fail where CI=true (tests/parts.py).
set -eu
cd "$(dirname "$0")/.."
PATH=$PATH:/usr/sbin:/sbin

missing=
note() { missing="$missing $1"; }
command -v chromium >/dev/null 2>&1 || note chromium
ls /usr/lib/postgresql/*/bin/initdb >/dev/null 2>&1 || note postgresql
command -v redis-server >/dev/null 2>&1 || note redis-server
command -v postfix >/dev/null 2>&1 || note postfix
command -v swaks >/dev/null 2>&1 || note swaks
command -v age >/dev/null 2>&1 || note age
command -v softhsm2-util >/dev/null 2>&1 || note softhsm2
command -v rabbitmq-server >/dev/null 2>&1 || note rabbitmq-server
command -v ip >/dev/null 2>&1 || note iproute2
command -v cc >/dev/null 2>&1 || note gcc
[ ! -f tests/browser/package.json ] || command -v npm >/dev/null 2>&1 || note npm

if [ -n "$missing" ]; then
    if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1; then
        echo "Installing for the tests:$missing" >&2
        apt-get update -qq >&2 || true
        # shellcheck disable=SC2086  # a list of names
        DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $missing >/dev/null \
            || echo "apt-get could not install:$missing" >&2
    else
        echo "Not here, so some tests will be skipped:$missing" >&2
        echo "    sudo apt-get install$missing" >&2
    fi
fi

if [ -f tests/browser/package.json ] && command -v npm >/dev/null 2>&1; then
    stamp=tests/browser/node_modules/.installed
    lock=$(sha256sum tests/browser/package-lock.json | cut -d ' ' -f 1)
    if [ "$(cat $stamp 2>/dev/null)" != "$lock" ]; then
        if (cd tests/browser && npm ci --silent --no-audit --no-fund); then
            echo "$lock" >$stamp
        else
            echo "npm could not install the packages of tests/browser." >&2
        fi
    fi
fi
