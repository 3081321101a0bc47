#!/usr/bin/env python3
"""Shared objects that are loaded at run time: what works, and what two copies of the library in one process say.

usage: run.py HOST HOST_WITH_COPY STRANGER MODULE MODULE_WITH_COPY
HOST and MODULE are linked against libgossamer.so, the ones WITH_COPY have a static copy, whose symbols they hide.
"""

import os
import subprocess
import sys

HOST, HOST_WITH_COPY, STRANGER, MODULE, MODULE_WITH_COPY = (os.path.realpath(path) for path in sys.argv[1:])
COPIES = "fatal error: two copies of gossamer in one process\n\t{} runs fibers\n\t{} was about to run some too\n"


def library_of(path):
    lines = subprocess.run(["ldd", path], capture_output=True, text=True, check=True).stdout.splitlines()
    return next(os.path.realpath(line.split()[2]) for line in lines if "libgossamer" in line)


def resolved(report):
    """The report with the files' names as they are on disk."""
    lines = []
    for line in report.splitlines(keepends=True):
        if line.startswith("\t"):
            path, rest = line[1:].split(" ", 1)
            line = "\t" + os.path.realpath(path) + " " + rest
        lines.append(line)
    return "".join(lines)


failures = 0


def check(command, code=0, report=""):
    global failures
    result = subprocess.run(command, capture_output=True, text=True, timeout=60)
    output = "" if code else "ok\n"
    error = resolved(result.stderr)
    as_it_should = result.returncode == code and result.stdout == output
    as_it_should = as_it_should and (error.startswith(report) if report else error == "")
    print("ok    " if as_it_should else "not ok", *(os.path.basename(word) for word in command))
    if not as_it_should:
        failures += 1
        print(f"exit code {result.returncode}, expected {code}\n{result.stdout}{error}\nexpected: {report}")


library = library_of(HOST)
assert library == library_of(MODULE)
check([HOST, "use and unload", MODULE])
check([HOST, "both are one", MODULE])
check([STRANGER, MODULE])
check([STRANGER, MODULE_WITH_COPY])

check([HOST, "only mine starts", MODULE_WITH_COPY])
check([HOST_WITH_COPY, "only mine starts", MODULE])
for host, mine, module, its in [
    (HOST, library, MODULE_WITH_COPY, MODULE_WITH_COPY),
    (HOST_WITH_COPY, HOST_WITH_COPY, MODULE, library),
    (HOST_WITH_COPY, HOST_WITH_COPY, MODULE_WITH_COPY, MODULE_WITH_COPY),
]:
    check([host, "mine, then the module's", module], 2, COPIES.format(mine, its))
    check([host, "the module's, then mine", module], 2, COPIES.format(its, mine))

check([HOST, "exec another", "none"])
check([HOST_WITH_COPY, "exec another", "none"])
sys.exit(1 if failures else 0)
