#!/usr/bin/env python3
"""Checks that misuse does not compile, and says why.

A case file is ordinary C++. What stands outside its cases must compile (the control: the includes, the names and the
correct uses are right). Each case is

    #ifdef FAIL_name  // error: REGEX
    ...
    #endif

and with -DFAIL_name the file must not compile, for an error that matches REGEX. A line `// control flags: FLAGS` or
`// case flags: FLAGS` adds flags to the control or to the cases.

usage: run.py FILE -- COMPILER [ARGS]
"""

import re
import subprocess
import sys
from pathlib import Path

CASE = re.compile(r"^#ifdef (FAIL_\w+)\s*//\s*error:\s*(.+?)\s*$", re.M)
GUARD = re.compile(r"^#\s*ifdef\s+FAIL_\w*", re.M)


def flags(text, which):
    m = re.search(rf"^// {which} flags:\s*(.+)$", text, re.M)
    return m.group(1).split() if m else []


def compile_it(command, file, extra):
    result = subprocess.run([*command, *extra, "-fsyntax-only", str(file)], capture_output=True, text=True)
    return result.returncode, result.stdout + result.stderr


def main():
    split = sys.argv.index("--")
    file = Path(sys.argv[1])
    command = sys.argv[split + 1:]
    text = file.read_text()
    cases = CASE.findall(text)
    if not cases or len(cases) != len(GUARD.findall(text)):
        print(f"{file.name}: no case, or one without `// error: REGEX`")
        return 1
    failures = 0
    code, output = compile_it(command, file, flags(text, "control"))
    if code != 0:
        print(f"{file.name}: the control does not compile\n{output}")
        failures += 1
    for name, pattern in cases:
        code, output = compile_it(command, file, ["-D" + name, *flags(text, "case")])
        errors = "\n".join(line for line in output.splitlines() if "error:" in line or "#error" in line)
        if code == 0:
            print(f"{file.name}: {name} compiles, and must not")
        elif not re.search(pattern, errors):
            print(f"{file.name}: {name} fails for another reason than /{pattern}/:\n{output}")
        else:
            print(f"{file.name}: {name}: does not compile, as it should")
            continue
        failures += 1
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
