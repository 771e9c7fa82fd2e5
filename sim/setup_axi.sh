#!/bin/sh
# cocotb with the AXI masters of cocotbext-axi, and FuseSoC, for `make test-axi`: a private Python environment in
# .tools/axi, with packages from PyPI. Says nothing where it is all there.
#
# Exit status: 0 all there, 3 something is missing and could not be installed (what to do is printed).
set -eu

# cocotb 2.1 is the newest that Icarus 11 runs; cocotbext-axi hangs under Verilator 5.006, so Icarus it is.
packages='cocotb==2.1.0 cocotbext-axi==0.1.28 fusesoc==2.4.7'
programs='cocotb-config fusesoc'

say() { printf 'setup-axi: %s\n' "$*" >&2; }

cd "$(dirname "$0")/.."
folder=.tools/axi

all_there() {
    [ -f "$folder/packages" ] && [ "$(cat "$folder/packages")" = "$packages" ] || return 1
    for program in $programs; do
        [ -x "$folder/bin/$program" ] || return 1
    done
}
all_there && exit 0

if ! command -v python3 >/dev/null 2>&1; then
    say 'python3 is missing. On Debian and Ubuntu: apt-get install -y python3 python3-venv'
    exit 3
fi
log=$(mktemp)
trap 'rm -f "$log"' EXIT
fail() {
    tail -n 5 "$log" >&2
    say "$1"
    exit 3
}
mkdir -p .tools
python3 -m venv "$folder" >"$log" 2>&1 ||
    fail "cannot make the Python environment $folder. On Debian and Ubuntu: apt-get install -y python3-venv"
say "installing $packages (0.1 GB)"
# shellcheck disable=SC2086 # words of a command
"$folder/bin/python" -m pip install --quiet --disable-pip-version-check $packages >"$log" 2>&1 ||
    fail "could not install. By hand: $folder/bin/pip install $packages"
for program in $programs; do
    "$folder/bin/$program" --version >"$log" 2>&1 || fail "$folder/bin/$program does not run"
done
printf '%s' "$packages" >"$folder/packages"
