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
command -v unzip >/dev/null 2>&1 || note unzip
command -v bsdtar >/dev/null 2>&1 || note libarchive-tools
command -v swaks >/dev/null 2>&1 || note swaks
command -v age >/dev/null 2>&1 || note age
command -v softhsm2-util >/dev/null 2>&1 || note softhsm2
command -v rabbitmq-server >/dev/null 2>&1 || note rabbitmq-server
command -v clamd >/dev/null 2>&1 || note clamav-daemon
command -v ip >/dev/null 2>&1 || note iproute2
command -v bwrap >/dev/null 2>&1 || note bubblewrap
[ -x /usr/lib/libreoffice/program/soffice.bin ] \
    || note "libreoffice-writer-nogui libreoffice-calc-nogui libreoffice-impress-nogui"
[ -f /usr/share/fonts/truetype/dejavu/DejaVuSansMono.ttf ] || note fonts-dejavu-core
command -v docker-compose >/dev/null 2>&1 || note docker-compose
command -v caddy >/dev/null 2>&1 || note caddy
command -v rclone >/dev/null 2>&1 || note rclone
command -v sqlite3 >/dev/null 2>&1 || note sqlite3
command -v shellcheck >/dev/null 2>&1 || note shellcheck
command -v systemd-analyze >/dev/null 2>&1 || note systemd
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

# As packages Exim and Postfix exclude each other (both are the mail-transport-agent), so Exim is unpacked and not installed.
# It runs without its setuid bit, and libnss-wrapper lends it the user Debian-exim (tests/exim.py).
unpack_exim() {
    [ -n "$(apt-cache show exim4-daemon-light 2>/dev/null)" ] || apt-get update -qq >&2 || true
    if [ "$(id -u)" = 0 ]; then
        libraries=$(apt-cache depends exim4-daemon-light | sed -n 's/^  Depends: \(lib[^ ]*\)$/\1/p')
        # shellcheck disable=SC2086  # a list of names
        DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends libnss-wrapper $libraries >/dev/null
    fi
    rm -rf tests/.exim && mkdir -p tests/.exim
    (cd tests/.exim && apt-get download -qq exim4-daemon-light >/dev/null 2>&1 && dpkg -x exim4-daemon-light_*.deb . \
        && chmod u-s usr/sbin/exim4 && rm -- *.deb)
}
if [ ! -x tests/.exim/usr/sbin/exim4 ] && command -v apt-get >/dev/null 2>&1; then
    unpack_exim || echo "Exim could not be had from Debian's packages, so its tests will be skipped." >&2
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

# Linters of the deployment files: large, and apart from what the product runs with.
lock=$(sha256sum requirements/deploy.txt | cut -d ' ' -f 1)
if [ "$(cat .tools/.installed 2>/dev/null)" != "$lock" ]; then
    if .venv/bin/python -m venv --clear .tools \
        && .tools/bin/python -m pip install --quiet --disable-pip-version-check --only-binary=:all: --require-hashes \
            -r requirements/deploy.txt; then
        echo "$lock" >.tools/.installed
    else
        echo "pip could not install the linters in requirements/deploy.txt." >&2
    fi
fi
