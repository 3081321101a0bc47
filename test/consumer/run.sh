#!/usr/bin/env bash
# Builds programs as a user would, outside the tree, and checks what they do.
#
# usage: run.sh WAY SOURCE_ROOT BUILD_ROOT
# The ways are below. All but `meson` and `plain` use a copy installed below a temporary directory (which proves that it
# can be moved), with both libraries in it. Exit code 77 (skipped) where the tool is missing.
set -euo pipefail

way=$1 source=$2 build=$3
read -ra cxx <<<"${CXX:-c++}"  # and its arguments
cached=("${cxx[@]}")
if command -v ccache >/dev/null && [[ ${cxx[0]} != ccache ]]; then cached=(ccache "${cxx[@]}"); fi

tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
export CCACHE_BASEDIR=$tmp CCACHE_NOHASHDIR=1  # its name is another one each time
unset LD_LIBRARY_PATH  # meson's test runner names the library of its own build there
cp "$source"/test/consumer/*.cpp "$tmp/"
cd "$tmp"

need() { command -v "$1" >/dev/null || { echo "there is no $1"; exit 77; }; }
fail() { printf '%s\n' "$@"; exit 1; }

installed() {
  need pkg-config
  meson install -C "$build" --no-rebuild --quiet --destdir "$tmp/root" >/dev/null
  local pc
  pc=$(find root -name gossamer.pc)
  [[ -n $pc ]] || fail 'no gossamer.pc was installed'
  prefix=$tmp/moved$(sed -n 's/^prefix=//p' "$pc")
  # Moved: nothing may remember where it was installed first.
  mv root moved
  libdir=$tmp/moved/$(dirname "$(dirname "${pc#root/}")")
  export PKG_CONFIG_PATH=$libdir/pkgconfig LD_LIBRARY_PATH=$libdir${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}
}

# flags [OPTION...] [PACKAGE...]: without a package gossamer's.
flags() {
  [[ " $*" == *' gossamer'* ]] || set -- "$@" gossamer
  pkg-config --define-variable=prefix="$prefix" "$@"
}

# compile PROGRAM [FLAGS]: from PROGRAM.cpp, in one go, as a user would.
compile() {
  local name=$1
  shift
  "${cxx[@]}" -std=c++20 -Wall -Wextra -Werror "$name.cpp" -o "$name" "$@"
}

# compile_object PROGRAM OBJECT [FLAGS]: for both libraries, which are compiled for with the same flags.
compile_object() {
  local name=$1 object=$2
  shift 2
  [[ $(flags --static --cflags) == $(flags --cflags) ]] || fail 'the static library has flags of its own'
  # shellcheck disable=SC2046
  "${cached[@]}" -std=c++20 -Wall -Wextra -Werror "$@" $(flags --cflags) -c "$name.cpp" -o "$object"
}

# prints EXPECTED PROGRAM
prints() {
  local got
  got=$("$2") || fail "$2: exit code $?"
  [[ $got == "$1" ]] || fail "$2" "expected: $1" "got:      $got"
}

# ends_with_report EXPECTED PROGRAM: it prints the report, and exits with 2.
ends_with_report() {
  local code=0
  "$2" >out 2>err || code=$?
  [[ $code == 2 ]] && grep -qF -- "$1" err || fail "$2: exit code $code, expected 2 and: $1" "$(head -n 20 out err)"
}

is_caught() {
  ends_with_report 'fatal error: stack overflow' "$1"
  if grep -q 'went past its guard' err; then fail "$1: the frame was not probed"; fi
}

works() { prints 'sum 385, caught' "$1"; }
serves() { prints 'you asked for /a, closed' "$1"; }
# needs_library PROGRAM NAME
needs_library() { readelf -d "$1" | grep -q "NEEDED.*\[$2\.so\.0\.1\]" || fail "$1: not linked with $2.so.0.1"; }
is_shared() { needs_library "$1" libgossamer; }
is_static() { if readelf -d "$1" | grep 'NEEDED.*libgossamer'; then fail "$1: linked with the shared library"; fi; }

case $way in
  pkg-config)
    installed
    # shellcheck disable=SC2046
    for program in consumer frame; do compile "$program" $(flags --cflags --libs); done
    works ./consumer
    is_shared ./consumer
    if readelf -d consumer | grep 'NEEDED.*gossamer-http'; then fail 'consumer: linked with what it does not use'; fi
    is_caught ./frame
    # shellcheck disable=SC2046
    compile web $(flags --cflags --libs gossamer-http)
    serves ./web
    needs_library ./web libgossamer-http
    # OpenSSL and Boost are a matter of the library.
    if readelf -d web | grep 'NEEDED.*\(ssl\|boost\)'; then fail 'web: linked with what is behind the library'; fi
    ;;
  pkg-config-static)
    installed
    [[ -e $libdir/libgossamer.so ]] || fail 'there is no shared library to choose from'
    # shellcheck disable=SC2046
    for program in consumer frame; do compile "$program" $(flags --static --cflags --libs); done
    # Wholly static, where the system has its libraries as archives.
    if printf 'int main() {}' >none.cpp && "${cxx[@]}" -static none.cpp -o none 2>/dev/null; then
      # shellcheck disable=SC2046
      "${cxx[@]}" -std=c++20 consumer.cpp -o consumer-all-static -static $(flags --static --cflags --libs) 2>log ||
        fail "$(cat log)"
      works ./consumer-all-static
    fi
    # shellcheck disable=SC2046
    compile web $(flags --static --cflags --libs gossamer-http)
    unset LD_LIBRARY_PATH
    works ./consumer
    is_static ./consumer
    serves ./web
    is_static ./web
    is_caught ./frame
    ;;
  cmake)
    need cmake
    installed
    cp "$source/test/consumer/CMakeLists.txt" .
    # Found by its prefix, as by a user who has installed it there.
    { CXX="${cxx[*]}" cmake -S . -B build -G Ninja -DCMAKE_BUILD_TYPE=Release \
        -DCMAKE_PREFIX_PATH="$prefix" && cmake --build build; } >log 2>&1 || fail "$(cat log)"
    is_shared build/consumer
    is_static build/consumer-static
    for program in consumer consumer-static; do works "build/$program"; done
    needs_library build/web libgossamer-http
    is_static build/web-static
    for program in web web-static; do serves "build/$program"; done
    is_caught build/frame
    # Without the component its targets are not there, and one of another name is refused.
    for wanted in 'REQUIRED' 'REQUIRED COMPONENTS htpp'; do
      printf 'cmake_minimum_required(VERSION 3.16)\nproject(x CXX)\nfind_package(gossamer %s)\n' "$wanted" >CMakeLists.txt
      printf 'if(TARGET gossamer::http)\nmessage(FATAL_ERROR "it is there")\nendif()\n' >>CMakeLists.txt
      CXX="${cxx[*]}" cmake -S . -B "build-${#wanted}" -G Ninja -DCMAKE_PREFIX_PATH="$prefix" >log 2>&1 && code=0 || code=$?
      if [[ $wanted == *htpp ]]; then
        ((code != 0)) && grep -q 'no component htpp' log || fail 'a component that is not there is found' "$(cat log)"
      elif ((code != 0)); then
        fail "$(cat log)"
      fi
    done
    ;;
  meson)
    need meson
    mkdir subprojects
    ln -s "$source" subprojects/gossamer
    sed 's/@LIBRARY@/static/' "$source/test/consumer/meson.build.in" >meson.build
    { CXX="${cached[*]}" meson setup build . && ninja -C build; } >log 2>&1 || fail "$(cat log)"
    if grep -q 'warning:' log; then fail "$(cat log)"; fi
    works build/consumer
    serves build/web
    is_caught build/frame
    ;;
  plain)
    # On a fresh machine: the library alone, with nothing but what it needs; and to where it is then found.
    need meson
    mkdir bin
    for folder in ${PATH//:/ }; do ln -s "$folder"/* bin/ 2>/dev/null || true; done
    rm -f bin/dpkg-architecture
    PATH=$tmp/bin CXX="${cxx[*]}" meson setup build "$source" --wrap-mode=nodownload >log 2>&1 || fail "$(cat log)"
    others=$(meson introspect --targets build | python3 -c '
import json, sys
for target in json.load(sys.stdin):
    if "/lib/" not in target["defined_in"]:
        print(target["name"])')
    [[ -z $others ]] || fail 'a plain setup builds more than the library:' "$others"
    if [[ -e /etc/debian_version ]] && command -v pkg-config >/dev/null; then
      folder=$(meson introspect --installed build | python3 -c '
import json, os, sys
print(next(os.path.dirname(to) for to in json.load(sys.stdin).values() if to.endswith("/gossamer.pc")))')
      [[ :$(pkg-config --variable pc_path pkg-config): == *:$folder:* ]] || fail "pkg-config does not look in $folder"
    fi
    ;;
  sanitizers)
    # A program with a sanitizer and a library without: it is said, and not left to false reports.
    installed
    tried=
    for sanitizer in address thread; do
      printf 'int main() {}' >none.cpp
      "${cxx[@]}" "-fsanitize=$sanitizer" none.cpp -o none 2>/dev/null || continue
      tried+=$sanitizer
      compile_object consumer consumer.o -O1 "-fsanitize=$sanitizer"
      for linked in '' --static; do
        # shellcheck disable=SC2046
        "${cxx[@]}" "-fsanitize=$sanitizer" consumer.o -o consumer $(flags $linked --libs)
        run=./consumer
        if [[ $sanitizer == thread ]]; then
          printf '#!/bin/sh\nexec setarch -R ./consumer\n' >without-aslr
          chmod +x without-aslr
          run=./without-aslr
        fi
        ends_with_report "Sanitizer, and gossamer was not" "$run"
      done
    done
    [[ -n $tried ]] || { echo 'no sanitizer is there'; exit 77; }
    ;;
  boost)
    # Asio's headers of the Boost that the library was built with work; those of another do not link, by a name that says it.
    installed
    mkdir -p other/boost
    printf '#include_next <boost/version.hpp>\n#undef BOOST_VERSION\n#define BOOST_VERSION 109999\n' >other/boost/version.hpp
    compile_object asio asio.o
    compile_object asio asio-other.o -Iother
    for linked in '' --static; do
      # shellcheck disable=SC2046
      "${cxx[@]}" asio.o -o asio $(flags $linked --libs)
      prints waited ./asio
      # shellcheck disable=SC2046
      if "${cxx[@]}" asio-other.o -o asio $(flags $linked --libs) 2>log; then fail 'it links with another Boost'; fi
      grep -q 'undefined reference.*library_built_with_boost<109999>' log || fail "$(cat log)"
    done
    ;;
  readme)
    # The program with Beast of docs/installing.md compiles and serves.
    need curl
    installed
    sed -n '/^```cpp$/,/^```$/{/^```/d;p}' "$source/docs/installing.md" | sed -n '/^#include <boost\/beast/,$p' >beast.cpp
    grep -q 8080 beast.cpp || fail 'docs/installing.md has no program with Beast'
    PORT=$(python3 -c 'import socket; s = socket.socket(); s.bind(("", 0)); print(s.getsockname()[1])')
    export PORT
    # Not as a number: the text is the same each time.
    sed -i 's/8080/static_cast<unsigned short>(std::atoi(std::getenv("PORT")))/; 1i #include <cstdlib>' beast.cpp
    # shellcheck disable=SC2046
    "${cached[@]}" -std=c++20 $(flags --cflags) -c beast.cpp -o beast.o
    # shellcheck disable=SC2046
    "${cxx[@]}" beast.o -o beast $(flags --libs)
    ./beast &
    server=$!
    trap 'kill "$server" 2>/dev/null; rm -rf "$tmp"' EXIT
    url=http://127.0.0.1:$PORT
    # Twice in one connection.
    got=$(curl -s --retry 50 --retry-connrefused --retry-delay 0 --max-time 60 "$url/a" "$url/b")
    [[ $got == $'you asked for /a\nyou asked for /b' ]] || fail "got: $got"
    ;;
  *) fail "run.sh: no way '$way'" ;;
esac
echo "$way: ok"
