#!/usr/bin/env bash
# run.sh — installs into a fresh prefix, then builds the examples against the copy and runs them: by CMake package, shared
# and static, and by pkg-config. usage: run.sh SOURCE BUILD CMAKE CC [CFLAG...]
set -euo pipefail
source=$1 build=$2 cmake=$3 cc=$4
shift 4
flags=("$@")
here=$source/tests/install
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT

"$cmake" --install "$build" --prefix "$dir/prefix" >/dev/null
"$dir/prefix/bin/pare" --help >/dev/null || { echo "install: the installed program does not run"; exit 1; }
stray=$(find "$dir/prefix/include" -type f -not -path "$dir/prefix/include/pare/*.h")
for page in man/man1/pare.1 man/man1/pare-distill.1 bash-completion/completions/pare zsh/site-functions/_pare \
            fish/vendor_completions.d/pare.fish; do
  [ -s "$dir/prefix/share/$page" ] || { echo "install: share/$page is missing or empty"; exit 1; }
done
[ -z "$stray" ] || { echo "install: headers beside include/pare: $stray"; exit 1; }

python3 "$here/picture.py" "$dir/picture.png"
model=$source/models/ringed-digit
data=synth:ringed-digit,train=64,val=32,test=32

# Each example must run and say what it is for. usage: check HOW FOLDER
check() {
  out=$("$2/classify" "$model" "$dir/picture.png")
  [[ $out == *" %  "* ]] || { echo "install: classify built by $1 gave no label: $out"; exit 1; }
  out=$("$2/evaluate" "$model" "$data" 16)
  [[ $out == *"of 16 pictures"*entropy* ]] || { echo "install: evaluate built by $1 gave no figures: $out"; exit 1; }
  if "$2/evaluate" "$dir" "$data" 2>/dev/null; then
    echo "install: evaluate built by $1 took an empty folder for a model"; exit 1
  fi
  echo "install: the examples built and run by $1"
}

export LD_LIBRARY_PATH
LD_LIBRARY_PATH=$(dirname "$(find "$dir/prefix" -name libpare.so)")${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}
for target in pare pare_static; do
  "$cmake" -G Ninja -S "$source/examples" -B "$dir/$target" -DCMAKE_PREFIX_PATH="$dir/prefix" \
    -DCMAKE_C_COMPILER="$cc" -DCMAKE_C_FLAGS="${flags[*]}" -DPARE_TARGET=pare::$target >/dev/null
  "$cmake" --build "$dir/$target" >/dev/null
  check "CMake package, pare::$target" "$dir/$target"
done

small=synth:ringed-digit,train=64,val=32,test=32
out=$("$dir/pare/distill" "$model" $small "$dir/student" 100 2>"$dir/said") ||
  { tail -3 "$dir/said"; echo "install: distill failed"; exit 1; }
[[ $out == *"of 4 layers"* && -s $dir/student/model.safetensors ]] || { echo "install: distill: $out"; exit 1; }
tr '\r' '\n' <"$dir/said" | grep -q "^transfer" || { echo "install: distill showed no progress"; exit 1; }
out=$("$dir/pare/custom_mixer" "$model" $small "$dir/local" 100)
[[ $out == *local*"the teacher"* ]] || { echo "install: custom_mixer: $out"; exit 1; }
echo "install: distill and custom_mixer run"

pc=$(dirname "$(find "$dir/prefix" -name pare.pc)")
export PKG_CONFIG_PATH=$pc${PKG_CONFIG_PATH:+:$PKG_CONFIG_PATH}
mkdir "$dir/pc"
for example in "$source"/examples/*.c; do
  # Words of pkg-config are meant to be split.
  # shellcheck disable=SC2046
  "$cc" -std=c11 -Wall -Wextra -Wpedantic -Werror "${flags[@]}" "$example" -o "$dir/pc/$(basename "$example" .c)" \
    $(pkg-config --cflags --libs pare)
done
check pkg-config "$dir/pc"

mkdir "$dir/static"
libpare=$(find "$dir/prefix" -name libpare.a)
for example in classify evaluate; do
  # shellcheck disable=SC2046
  "$cc" -std=c11 "${flags[@]}" $(pkg-config --cflags pare) "$source/examples/$example.c" -o "$dir/static/$example" \
    "$libpare" $(pkg-config --static --libs pare | sed 's/ -lpare / /')
done
check "pkg-config --static" "$dir/static"
