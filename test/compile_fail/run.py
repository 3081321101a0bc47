#!/usr/bin/env python3
"""Checks that misuse does not compile, and that the compiler says why: near the top of what it prints.

A case file is ordinary C++. What stands outside its cases must compile (the control: the includes, the names and the
correct uses are right). Each case is

    #ifdef FAIL_name  // error: REGEX          or          #ifdef FAIL_name  // says: SENTENCE
    ...                                                    ...  // shows: REGEX
    #endif

and with -DFAIL_name the file must not compile, for an error that matches REGEX; or with output of which a line has
SENTENCE in it, and another, or the same, matches what is to be shown: the types. In both cases that line is among the
first 15, includes and quoted source lines counted; the output of a case that says something has 40 at most.
A line `// control flags: FLAGS` or `// case flags: FLAGS` adds flags to the control or to the cases.

What the file includes is compiled once, as a precompiled header, which changes nothing in what is printed.

usage: run.py FILE -- COMPILER [ARGS]
"""

import re
import subprocess
import sys
import tempfile
from pathlib import Path

CASE = re.compile(r"^#ifdef (FAIL_\w+)\s*//\s*(error|says):\s*(.+?)\s*$(.*?)^#endif", re.M | re.S)
GUARD = re.compile(r"^#\s*ifdef\s+FAIL_\w*", re.M)
SHOWS = re.compile(r"//\s*shows:\s*(.+?)\s*$", re.M)
INCLUDE = re.compile(r"^#include .*$", re.M)
NEAR_THE_TOP = 15
SHORT = 40


def flags(text, which):
    m = re.search(rf"^// {which} flags:\s*(.+)$", text, re.M)
    return m.group(1).split() if m else []


def precompile(command, text, folder):
    """The flags that bring what the file includes, or none where it cannot be compiled by itself."""
    header = Path(folder) / "includes.hpp"
    header.write_text("\n".join(INCLUDE.findall(text)) + "\n")
    for suffix, use in ((".gch", ["-include", str(header)]), (".pch", ["-include-pch", str(header) + ".pch"])):
        is_clang = b"clang" in subprocess.run([*command, "--version"], capture_output=True).stdout
        if is_clang == (suffix == ".pch"):
            made = subprocess.run([*command, "-x", "c++-header", str(header), "-o", str(header) + suffix],
                                  capture_output=True)
            return use if made.returncode == 0 else []
    return []


def compile_it(command, file, extra):
    result = subprocess.run([*command, *extra, "-fsyntax-only", str(file)], capture_output=True, text=True)
    return result.returncode, result.stdout + result.stderr


def what_is_wrong(kind, wanted, body, code, output):
    lines = output.splitlines()
    if code == 0:
        return "compiles, and must not"
    if kind == "error":
        at = [i for i, line in enumerate(lines, 1) if ("error:" in line or "#error" in line) and re.search(wanted, line)]
    else:
        at = [i for i, line in enumerate(lines, 1) if wanted in line]
    if not at:
        return f"fails, and does not say: {wanted}"
    if at[0] > NEAR_THE_TOP:
        return f"says it in line {at[0]}, and not in the first {NEAR_THE_TOP}"
    if kind == "says":
        if len(lines) > SHORT:
            return f"prints {len(lines)} lines, and not {SHORT} at most"
        for shown in SHOWS.findall(body):
            if not any(re.search(shown, line) for line in lines if "|" not in line):
                return f"does not show: {shown}"
    return None


def main():
    split = sys.argv.index("--")
    file = Path(sys.argv[1])
    command = sys.argv[split + 1:]
    text = file.read_text()
    cases = CASE.findall(text)
    if not cases or len(cases) != len(GUARD.findall(text)):
        print(f"{file.name}: no case, or one without `// error: REGEX` or `// says: SENTENCE`")
        return 1
    failures = 0
    code, output = compile_it(command, file, flags(text, "control"))
    if code != 0:
        print(f"{file.name}: the control does not compile\n{output}")
        failures += 1
    case_command = [*command, *flags(text, "case")]
    with tempfile.TemporaryDirectory() as folder:
        included = precompile(case_command, text, folder)
        for name, kind, wanted, body in cases:
            code, output = compile_it(case_command, file, [*included, "-D" + name])
            wrong = what_is_wrong(kind, wanted, body, code, output)
            if wrong:
                print(f"{file.name}: {name} {wrong}:\n{output}")
                failures += 1
            else:
                print(f"{file.name}: {name}: does not compile, as it should ({len(output.splitlines())} lines)")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
