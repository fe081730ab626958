#!/bin/sh
# Make .venv and install Baton into it. Does nothing, at once, when pyproject.toml has not changed since.
# usage: scripts/setup.sh [extras]      e.g. scripts/setup.sh test,check
set -eu
cd "$(dirname "$0")/.."

extras=${1:-}
export PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_INPUT=1 PIP_ROOT_USER_ACTION=ignore

# What an installation depends on: the requirements, and where the folder is (a moved .venv is broken).
want="$(cksum <pyproject.toml) $(pwd)"
# The stamp's name says which extras are in; what `make test` asks for is all there are.
stamp=.venv/.installed${extras:+-with-$extras}
for file in "$stamp" .venv/.installed-with-test,check,scale; do
  if [ -x .venv/bin/baton ] && [ "$(cat "$file" 2>/dev/null)" = "$want" ]; then exit 0; fi
done

say() { echo "setup: $*"; }
fail() { echo "setup: $*" >&2; exit 1; }

new_enough() { "$1" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; }

find_python() {
  for name in "${PYTHON:-}" python3 python3.14 python3.13 python3.12 python3.11 python; do
    if [ -n "$name" ] && command -v "$name" >/dev/null 2>&1 && new_enough "$name"; then
      command -v "$name"
      return
    fi
  done
  fail "needs Python 3.11 or newer on the PATH (or PYTHON=/path/to/python3)"
}

# Debian and Ubuntu keep venv's pip in a package of its own; root can get it, others are told how.
make_venv() {
  python=$1
  rm -rf .venv
  if "$python" -m venv .venv >.venv.log 2>&1; then rm -f .venv.log; return; fi
  rm -rf .venv
  if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1; then
    say "adding python3-venv"
    apt-get update -qq
    DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends python3-venv >/dev/null
    "$python" -m venv .venv >.venv.log 2>&1 && { rm -f .venv.log; return; }
    rm -rf .venv
  fi
  # A Python with neither venv's pip nor root, yet with a pip of its own, still can.
  if "$python" -m venv --without-pip .venv >/dev/null 2>&1 &&
    "$python" -m pip --python .venv/bin/python install -q pip; then rm -f .venv.log; return; fi
  cat .venv.log >&2
  rm -rf .venv .venv.log
  fail "$python cannot make a virtual environment; on Debian or Ubuntu: apt-get install python3-venv"
}

if ! .venv/bin/python -m pip --version >/dev/null 2>&1 || ! new_enough .venv/bin/python; then
  python=$(find_python)
  say "making .venv with $("$python" --version)"
  make_venv "$python"
fi

say "installing${extras:+ with $extras} (the first time takes a minute or two)"
.venv/bin/python -m pip install -q --upgrade pip || say "going on with the pip that is there"
.venv/bin/python -m pip install -qq --editable ".${extras:+[$extras]}"
printf '%s' "$want" >"$stamp"
