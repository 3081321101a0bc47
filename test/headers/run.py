#!/usr/bin/env python3
"""Checks the public headers: each compiles alone, and without a warning; <gossamer/gossamer.hpp> brings no Boost, no
<iostream>, no <functional>, <memory> or <chrono>, and nothing of lib/, and has fewer than 45,000 lines when it is
preprocessed (-E -P: without blank lines and line markers); <gossamer/http.hpp> and <gossamer/tls.hpp> bring no Boost
and no OpenSSL; <gossamer/fwd.hpp> includes nothing. The number of lines is the same on each run; it is held on
libstdc++ and printed on others, where a standard header has another size. Prints how long it takes to compile, which is
no reason to fail: that depends on the machine.

usage: run.py INCLUDE_DIRECTORY -- COMPILER [ARGS]
"""

import re
import resource
import subprocess
import sys
from pathlib import Path

WARN = ["-Wall", "-Wextra", "-Wpedantic", "-Wshadow", "-Wconversion", "-Werror"]
UNWANTED = re.compile(r"/boost/|/(?:c\+\+|v1)/(?:[^/]+/)*(?:iostream|regex|format|future)$")
# On libstdc++, where they are the heavy ones.
HEAVY = re.compile(r"/c\+\+/[\d.]+/(?:algorithm|chrono|functional|memory|ranges|sstream)$")
TOO_MANY_LINES = 45_000


def compile_text(command, text, *flags):
    return subprocess.run([*command, *flags, "-x", "c++", "-"], input=text, capture_output=True, text=True)


def processor_time():
    """Of the compilers that have ended, in seconds."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def main():
    split = sys.argv.index("--")
    include = Path(sys.argv[1]).resolve()
    command = [*sys.argv[split + 1:], f"-I{include}"]
    failures = 0

    for header in sorted(include.glob("gossamer/**/*.hpp")):
        name = header.relative_to(include)
        result = compile_text(command, f"#include <{name}>\n#include <{name}>\n", "-fsyntax-only", *WARN)
        if result.returncode != 0:
            print(f"{name} does not compile alone:\n{result.stderr}")
            failures += 1

    umbrella = "#include <gossamer/gossamer.hpp>\n"
    # -M, but not as a Makefile to be split: one path a word, with the line continuations taken out.
    listed = compile_text(command, umbrella, "-M")
    paths = listed.stdout.replace("\\\n", " ").split()[1:]
    # From version 13 on libstdc++'s <chrono> brings <format>.
    if any(path.endswith("/chrono_io.h") for path in paths):
        paths = [path for path in paths if not path.endswith("/format")]
    ours = {p.relative_to(include) for p in (Path(x).resolve() for x in paths) if p.is_relative_to(include)}
    if listed.returncode != 0 or Path("gossamer/chan.hpp") not in ours:
        print(f"cannot list what gossamer.hpp includes:\n{listed.stderr}")
        failures += 1
    for path in paths:
        outside = str(include.parent / "lib") in str(Path(path).resolve())
        if UNWANTED.search(path) or HEAVY.search(path) or outside:
            print(f"gossamer.hpp includes {path}")
            failures += 1

    for name in ("gossamer/http.hpp", "gossamer/tls.hpp"):
        listed = compile_text(command, f"#include <{name}>\n", "-M").stdout
        for path in re.findall(r"\S+/(?:boost|openssl)/\S+", listed):
            print(f"{name} includes {path}")
            failures += 1

    if "#include" in (include / "gossamer/fwd.hpp").read_text(encoding="utf-8"):
        print("fwd.hpp includes something: it only declares")
        failures += 1

    preprocessed = compile_text(command, umbrella, "-E", "-P").stdout.count("\n")
    macros = compile_text(command, umbrella, "-E", "-dM").stdout
    held = "#define __GLIBCXX__ " in macros
    print(f"note: gossamer.hpp has {preprocessed} preprocessed lines (libstdc++: under {TOO_MANY_LINES})")
    if held and preprocessed >= TOO_MANY_LINES:
        print("gossamer.hpp is too heavy: which standard header has come in, and is there a lighter one?")
        failures += 1

    best = None
    for _ in range(3):
        start = processor_time()
        compile_text(command, umbrella, "-c", "-O2", "-o", "/dev/null")
        took = processor_time() - start
        best = took if best is None else min(best, took)
    print(f"note: #include <gossamer/gossamer.hpp> compiles in {best:.2f} s of a processor's time (aim: under 0.50)")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
