#!/bin/sh
# Every check; with "lint" only those that run no test. Goes on after a failure and names all at the end.
set -u
cd "$(dirname "$0")/.." || exit
PATH=$PWD/.venv/bin:$PATH
failed=

step() {
    name=$1
    shift
    began=$(date +%s)
    printf '== %s\n' "$name"
    "$@" || failed="$failed
  $name"
    printf '   %s took %s s\n' "$name" "$(($(date +%s) - began))"
}

# The settings of a real installation: https, a relay, a data folder of its own.
production() {
    data=$(mktemp -d)
    # shellcheck disable=SC2016  # the inner shell puts the variable in
    env LETTERLOCK_DATA="$data" LETTERLOCK_PUBLIC_URL=https://secure.example.org LETTERLOCK_RELAY_URL=smtp://mail.example.org:25 \
        sh -c 'python manage.py prepare >"$LETTERLOCK_DATA/prepare.txt" && python manage.py check --deploy --fail-level WARNING'
    status=$?
    rm -rf "$data"
    return $status
}

# Tests start the product hundreds of times, and each worker reads all tests: nobody shall compile what another has.
unset PYTHONDONTWRITEBYTECODE
python -m compileall -q -j 0 portal branding bench tests -x node_modules >/dev/null 2>&1

lint() {
    step "ruff check" ruff check .
    step "ruff format" ruff format --check --quiet .
    step "mypy" mypy
    step "rooms" lint-imports
    step "migrations" python manage.py makemigrations --check --dry-run
    step "production settings" production
}

if [ "${1:-}" = lint ]; then
    lint
else
    # Beside each other, and more workers than two cores: tests wait for servers a quarter of their time.
    said=$(mktemp -d)
    {
        lint >"$said/all" 2>&1
        cat "$said/all"
        printf '%s' "$failed" >"$said/failed"
    } &
    # Once alone: pytest compiles tests in its own way (assertions that explain themselves), and four would do it at once.
    python -m pytest --collect-only -q >/dev/null 2>&1
    step "tests" python -m pytest -n 4 --dist loadfile --no-loadscope-reorder -q
    wait
    failed=$(cat "$said/failed" || echo "  lint")$failed
    rm -rf "$said"
fi

if [ -n "$failed" ]; then
    printf 'FAILED:%s\n' "$failed"
    exit 1
fi
echo "All checks passed."
