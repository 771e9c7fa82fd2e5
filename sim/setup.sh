#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Installs what is missing, and only that; says nothing when nothing is.
#
#   sim/setup.sh build|run|test|lint ...     what is about to be done; all of it when nothing is named
#
# Packages come from apt, through sudo unless root. Exit status: 0 all there, 2 wrong argument, 3 something is missing
# and could not be installed (the command that would is printed).
set -eu

say() { printf 'setup: %s\n' "$*" >&2; }

have() { command -v "$1" >/dev/null 2>&1; }

# Program and Debian package.
tools='make:make c++:g++'
add() { tools="$tools $*"; }

rust_components=
[ $# -gt 0 ] || set -- run test lint
for purpose in "$@"; do
    case $purpose in
    build) ;;
    run) add verilator:verilator clang++:clang ccache:ccache ;;
    test) add verilator:verilator clang++:clang ccache:ccache iverilog:iverilog yosys:yosys jq:jq ;;
    lint) rust_components='rustfmt clippy' ;;
    *) say "unknown purpose '$purpose'; there are: build, run, test, lint" && exit 2 ;;
    esac
done

if ! have cargo; then
    say 'Rust (1.90 or newer) is missing. Install it with'
    say "    curl --proto '=https' --tlsv1.2 -sSf https://sh.rustup.rs | sh"
    exit 3
fi

packages=
for tool in $tools; do
    if ! have "${tool%%:*}"; then
        case " $packages " in
        *" ${tool#*:} "*) ;;
        *) packages="$packages ${tool#*:}" ;;
        esac
    fi
done
packages=${packages# }

if [ -n "$packages" ]; then
    as_root=
    [ "$(id -u)" -eq 0 ] || as_root='sudo '
    install="${as_root}apt-get install -y --no-install-recommends $packages"
    if ! have apt-get; then
        say "missing: $packages. Install them with your system's package manager (Verilator 5 or newer);"
        say "on Debian and Ubuntu: $install"
        exit 3
    fi
    if [ -n "$as_root" ] && ! have sudo; then
        say "missing: $packages, and there is no sudo. As root: ${install#sudo }"
        exit 3
    fi
    say "installing $packages"
    log=$(mktemp)
    trap 'rm -f "$log"' EXIT
    export DEBIAN_FRONTEND=noninteractive
    # The package lists are only fetched when those at hand do not do.
    # shellcheck disable=SC2086 # words of a command
    if ! $install >"$log" 2>&1 </dev/null; then
        if ! { ${as_root}apt-get update && $install; } >"$log" 2>&1 </dev/null; then
            tail -n 5 "$log" >&2
            say "could not install. By hand: ${as_root}apt-get update && $install"
            exit 3
        fi
    fi
fi

# Old releases have Verilator 4, which knows neither the flags nor the classes used here.
case " $tools " in
*" verilator:"*)
    version=$(verilator --version 2>/dev/null | sed -n 's/^Verilator \([0-9]*\)\..*/\1/p')
    if [ -n "$version" ] && [ "$version" -lt 5 ]; then
        say "Verilator $version is too old; 5 or newer is needed (Debian 12 and Ubuntu 24.04 have it)"
        exit 3
    fi
    ;;
esac

for component in $rust_components; do
    case $component in
    rustfmt) program=cargo-fmt ;;
    *) program=cargo-clippy ;;
    esac
    if ! have $program || ! $program --version >/dev/null 2>&1; then
        say "installing $component"
        if ! have rustup || ! rustup component add "$component" >/dev/null 2>&1; then
            say "could not install $component. By hand: rustup component add $component"
            exit 3
        fi
    fi
done
