#!/usr/bin/env bash
# Builds consumer.cpp as a user would, outside the tree, and checks what it prints.
#
# usage: run.sh pkg-config|pkg-config-static|cmake|meson SOURCE_ROOT BUILD_ROOT
# The first three use a copy installed below a temporary directory (which proves that it can be moved), the last one a
# subproject. Exit code 77 (skipped) where the tool is missing.
set -euo pipefail

way=$1 source=$2 build=$3
read -ra cxx <<<"${CXX:-c++}"  # and its arguments
expected='sum 385, caught'

tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
cp "$source/test/consumer/consumer.cpp" "$tmp/"

need() { command -v "$1" >/dev/null || { echo "there is no $1"; exit 77; }; }

installed() {
  meson install -C "$build" --no-rebuild --quiet --destdir "$tmp/root" >/dev/null
  local pc
  pc=$(find "$tmp/root" -name gossamer.pc)
  [[ -n $pc ]] || { echo 'no gossamer.pc was installed'; exit 1; }
  libdir=$(dirname "$(dirname "$pc")")
  export PKG_CONFIG_PATH=$libdir/pkgconfig
  prefix=$tmp/root$(sed -n 's/^prefix=//p' "$pc")
  # Moved: nothing may remember where it was installed first.
  mv "$tmp/root" "$tmp/moved"
  prefix=${prefix/#$tmp\/root/$tmp\/moved} libdir=${libdir/#$tmp\/root/$tmp\/moved}
  export PKG_CONFIG_PATH=$libdir/pkgconfig
}

flags() { pkg-config --define-variable=prefix="$prefix" "$@" gossamer; }

case $way in
  pkg-config)
    need pkg-config
    installed
    # Type information of the standard library is everybody's: link-time optimisation drops its mark (weak).
    strangers=$(nm -D --defined-only "$libdir/libgossamer.so" | grep -v ' [VWu] ' | grep -v -e '8gossamer2v0' -e ' _ZT[IS]NSt' -e ' gossamer_layout$' || true)
    [[ -z $strangers ]] || { printf 'exported, and not of gossamer::v0:\n%s\n' "$strangers"; exit 1; }
    # shellcheck disable=SC2046
    "${cxx[@]}" -std=c++20 -Wall -Wextra -Werror $(flags --cflags) "$tmp/consumer.cpp" -o "$tmp/consumer" $(flags --libs)
    ;;
  pkg-config-static)
    need pkg-config
    installed
    rm -f "$libdir"/libgossamer.so*
    # shellcheck disable=SC2046
    "${cxx[@]}" -std=c++20 $(flags --cflags) "$tmp/consumer.cpp" -o "$tmp/consumer" $(flags --static --libs)
    ;;
  cmake)
    need cmake
    installed
    cp "$source/test/consumer/CMakeLists.txt" "$tmp/"
    # By its directory: where meson finds no dpkg it installs to lib64, in which Debian's CMake does not look.
    CXX="${cxx[*]}" cmake -S "$tmp" -B "$tmp/build" -G Ninja -DCMAKE_BUILD_TYPE=Release \
      -Dgossamer_DIR="$libdir/cmake/gossamer" >"$tmp/log" 2>&1 && cmake --build "$tmp/build" >>"$tmp/log" 2>&1 ||
      { cat "$tmp/log"; exit 1; }
    ln -s build/consumer "$tmp/consumer"
    ;;
  meson)
    need meson
    mkdir "$tmp/subprojects"
    ln -s "$source" "$tmp/subprojects/gossamer"
    sed "s/@LIBRARY@/static/" "$source/test/consumer/meson.build.in" >"$tmp/meson.build"
    { CXX="${cxx[*]}" meson setup "$tmp/build" "$tmp" && ninja -C "$tmp/build"; } >"$tmp/log" 2>&1 ||
      { cat "$tmp/log"; exit 1; }
    if grep -q 'warning:' "$tmp/log"; then cat "$tmp/log"; exit 1; fi
    ln -s build/consumer "$tmp/consumer"
    ;;
  *) echo "run.sh: no way '$way'"; exit 1 ;;
esac

got=$(LD_LIBRARY_PATH=${libdir:-}${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH} "$tmp/consumer")
if [[ $got != "$expected" ]]; then
  printf 'expected: %s\ngot:      %s\n' "$expected" "$got"
  exit 1
fi
echo "$way: $got"
