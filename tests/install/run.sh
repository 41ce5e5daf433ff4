#!/usr/bin/env bash
# run.sh — installs into a fresh prefix, then builds and runs an example against the copy, twice:
# by CMake package and by pkg-config. usage: run.sh SOURCE BUILD CMAKE CC [CFLAG...]
set -euo pipefail
source=$1 build=$2 cmake=$3 cc=$4
shift 4
flags=("$@")
here=$source/tests/install
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT

"$cmake" --install "$build" --prefix "$dir/prefix" >/dev/null
"$dir/prefix/bin/pare" --help >/dev/null || { echo "install: the installed program does not run"; exit 1; }

python3 "$here/picture.py" "$dir/picture.png"
arguments=("$source/models/ringed-digit" "$dir/picture.png")

check() { # check HOW PROGRAM: it must run and print something
  [ -n "$("$2" "${arguments[@]}")" ] || { echo "install: the example built by $1 printed nothing"; exit 1; }
  echo "install: the example built and run by $1"
}

"$cmake" -S "$here" -B "$dir/cmake" -DCMAKE_PREFIX_PATH="$dir/prefix" -DCMAKE_C_COMPILER="$cc" \
  -DCMAKE_C_FLAGS="${flags[*]}" >/dev/null
"$cmake" --build "$dir/cmake" >/dev/null
check "CMake package" "$dir/cmake/example"

pc=$(dirname "$(find "$dir/prefix" -name pare.pc)")
export PKG_CONFIG_PATH=$pc${PKG_CONFIG_PATH:+:$PKG_CONFIG_PATH}
# Words of pkg-config are meant to be split.
# shellcheck disable=SC2046
"$cc" -std=c11 "${flags[@]}" "$here/classify.c" -o "$dir/example" $(pkg-config --cflags --libs pare)
check pkg-config "$dir/example"
