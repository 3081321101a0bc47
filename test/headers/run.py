#!/usr/bin/env python3
"""Checks the public headers: each compiles alone, and without a warning; <gossamer/gossamer.hpp> brings no Boost, no
<iostream> and nothing of lib/. Prints how long it takes to compile (issue: under 0.5 s), which is no reason to fail:
the machine may be busy.

usage: run.py INCLUDE_DIRECTORY -- COMPILER [ARGS]
"""

import re
import subprocess
import sys
import time
from pathlib import Path

WARN = ["-Wall", "-Wextra", "-Wpedantic", "-Wshadow", "-Wconversion", "-Werror"]
UNWANTED = re.compile(r"/boost/|/(?:c\+\+|v1)/(?:[^/]+/)*(?:iostream|regex|format|future)$")


def compile_text(command, text, *flags):
    return subprocess.run([*command, *flags, "-x", "c++", "-"], input=text, capture_output=True, text=True)


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
        if UNWANTED.search(path) or outside:
            print(f"gossamer.hpp includes {path}")
            failures += 1

    best = None
    for _ in range(3):
        start = time.monotonic()
        result = compile_text(command, umbrella, "-c", "-O2", "-o", "/dev/null")
        took = time.monotonic() - start
        best = took if best is None else min(best, took)
    print(f"note: #include <gossamer/gossamer.hpp> compiles in {best:.2f} s (aim: under 0.50)")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
