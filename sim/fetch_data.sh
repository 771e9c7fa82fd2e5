#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Puts MNIST into data/mnist and Fashion-MNIST into data/fashion-mnist; called by `make data`.
#
#   sim/fetch_data.sh [mnist] [fashion-mnist]      both when none is named
#
# Sources, in order: what is already there; the folder in EQHDL_DATA (its subfolder of that name, or itself); for
# Fashion-MNIST Debian's package dataset-fashion-mnist; download. Every file is held against the MD5 of its
# uncompressed contents, so it does not matter where it comes from. Exit status: 0 all there, 2 wrong argument,
# 3 a data set could not be had (no network, or a tool is missing).
set -eu
cd "$(dirname "$0")/.."

files='train-images-idx3-ubyte train-labels-idx1-ubyte t10k-images-idx3-ubyte t10k-labels-idx1-ubyte'
package=dataset-fashion-mnist
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
trap 'exit 130' INT TERM

say() { printf 'fetch_data: %s\n' "$*" >&2; }

have() { command -v "$1" >/dev/null 2>&1; }

expected() { # DATASET FILE
    case $1/$2 in
    mnist/train-images-*) echo 6bbc9ace898e44ae57da46a324031adb ;;
    mnist/train-labels-*) echo a25bea736e30d166cdddb491f175f624 ;;
    mnist/t10k-images-*) echo 2646ac647ad5339dbf082846283269ea ;;
    mnist/t10k-labels-*) echo 27ae3e4e09519cfbb04c329615203637 ;;
    fashion-mnist/train-images-*) echo f4a8712d7a061bf5bd6d2ca38dc4d50a ;;
    fashion-mnist/train-labels-*) echo 9018921c3c673c538a1fc5bad174d6f9 ;;
    fashion-mnist/t10k-images-*) echo 8181f5470baa50b63fa0f6fddb340f0a ;;
    fashion-mnist/t10k-labels-*) echo 15d484375f8d13e6eb1aabb0c3f46965 ;;
    esac
}

mirrors() { # DATASET
    case $1 in
    mnist)
        echo https://ossci-datasets.s3.amazonaws.com/mnist
        echo https://storage.googleapis.com/cvdf-datasets/mnist
        ;;
    fashion-mnist) echo http://fashion-mnist.s3-website.eu-central-1.amazonaws.com ;;
    esac
}

md5() { # of standard input
    if have md5sum; then
        md5sum | cut -d ' ' -f 1
    elif have md5; then
        md5 -q
    else
        openssl md5 | sed 's/.* //'
    fi
}

is_right() { # DATASET FILE PATH
    case $3 in
    *.gz) found=$(gzip -dc "$3" 2>/dev/null | md5) ;;
    *) found=$(md5 <"$3") ;;
    esac
    [ "$found" = "$(expected "$1" "$2")" ]
}

# Sets `path` to the right file of that name in a folder, gzipped or not.
find_in() { # DATASET FILE FOLDER
    for path in "$3/$2.gz" "$3/$2"; do
        if [ -f "$path" ] && is_right "$1" "$2" "$path"; then return 0; fi
    done
    return 1
}

is_complete() { # DATASET
    for file in $files; do find_in "$1" "$file" "data/$1" || return 1; done
}

# A file appears under its name whole or not at all.
place() { # DATASET PATH
    mkdir -p "data/$1" && cat "$2" >"data/$1/.partial" && mv "data/$1/.partial" "data/$1/$(basename "$2")"
}

copy_from() { # DATASET FOLDER
    for file in $files; do find_in "$1" "$file" "$2" || return 1; done
    for file in $files; do
        find_in "$1" "$file" "$2"
        place "$1" "$path" || return 1
    done
    say "$1: copied from $2"
}

from_variable() { # DATASET
    [ -n "${EQHDL_DATA:-}" ] || return 1
    copy_from "$1" "$EQHDL_DATA/$1" || copy_from "$1" "$EQHDL_DATA" || {
        say "$1: not (or not the right files) in EQHDL_DATA=$EQHDL_DATA; trying other sources"
        return 1
    }
}

from_installed_package() {
    images=$(dpkg -L "$package" 2>/dev/null | grep '/train-images-idx3-ubyte') || return 1
    copy_from fashion-mnist "$(dirname "$images")"
}

from_debian() {
    have dpkg-deb && have apt-get || return 1
    from_installed_package && return 0
    # Unpacked beside, not installed: that needs no rights.
    say "fashion-mnist: from Debian's package $package (30 MB)"
    if (cd "$scratch" && apt-get download "$package" && dpkg-deb -x "$package"_*.deb .) >"$scratch/log" 2>&1; then
        copy_from fashion-mnist "$scratch/usr/share/datasets/fashion-mnist" && return 0
    fi
    if [ "$(id -u)" -eq 0 ]; then
        as_root=
    elif have sudo; then
        as_root=sudo
    else
        return 1
    fi
    $as_root apt-get install -y "$package" >"$scratch/log" 2>&1 ||
        { $as_root apt-get update && $as_root apt-get install -y "$package"; } >"$scratch/log" 2>&1 ||
        { tail -n 3 "$scratch/log" >&2 && return 1; }
    from_installed_package
}

from_download() { # DATASET
    have curl || { say "$1: curl is missing (Debian: apt-get install curl)"; return 1; }
    for file in $files; do
        find_in "$1" "$file" "data/$1" && continue
        for mirror in $(mirrors "$1"); do
            say "$1: downloading $mirror/$file.gz"
            curl -fsSL --connect-timeout 15 --retry 2 -o "$scratch/$file.gz" "$mirror/$file.gz" || continue
            if is_right "$1" "$file" "$scratch/$file.gz"; then
                place "$1" "$scratch/$file.gz"
                continue 2
            fi
            say "$1: $mirror/$file.gz is not the right file (MD5 of its contents differs)"
        done
        return 1
    done
}

fetch() { # DATASET
    if is_complete "$1"; then
        say "$1: complete in data/$1"
        return 0
    fi
    from_variable "$1" || { [ "$1" = fashion-mnist ] && from_debian; } || from_download "$1" || {
        say "$1: could not be fetched. Connect to the network and run again, or put the files"
        for file in $files; do say "    $file.gz"; done
        say "    into data/$1, or into a folder named by EQHDL_DATA."
        [ "$1" = mnist ] || say "    On Debian and Ubuntu: apt-get install $package, then run again."
        return 1
    }
    # A stale or damaged twin (NAME beside NAME.gz) would be found first by the reader.
    for file in $files; do
        for twin in "data/$1/$file" "data/$1/$file.gz"; do
            if [ -f "$twin" ] && ! is_right "$1" "$file" "$twin"; then rm -f "$twin"; fi
        done
    done
    say "$1: complete in data/$1"
}

[ $# -gt 0 ] || set -- mnist fashion-mnist
for dataset in "$@"; do
    case $dataset in
    mnist | fashion-mnist) ;;
    *) say "unknown data set '$dataset'; there are: mnist, fashion-mnist" && exit 2 ;;
    esac
done
have gzip && { have md5sum || have md5 || have openssl; } || { say "gzip and md5sum are needed" && exit 3; }

status=0
for dataset in "$@"; do fetch "$dataset" || status=3; done
exit $status
