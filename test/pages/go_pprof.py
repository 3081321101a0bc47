#!/usr/bin/env python3
"""Has `go tool pprof` fetch profiles from a live process.

usage: go_pprof.py PROGRAM BUILD_ROOT
The go command is $GO, or `go` on the PATH. Exit code 77 (skipped), with the reason, where there is none.
"""

import os
import re
import shutil
import subprocess
import sys
import tempfile

from served import Served, expect

PROGRAM, BUILD = (os.path.realpath(path) for path in sys.argv[1:3])
GO = os.environ.get("GO") or shutil.which("go")


def pprof(scratch, *arguments):
    env = os.environ | {
        "GOTOOLCHAIN": "local",
        "GOPROXY": "off",
        "GOCACHE": os.environ.get("GOCACHE") or os.path.join(BUILD, "go-cache"),
        "GOPATH": os.environ.get("GOPATH") or os.path.join(BUILD, "go-path"),
        "PPROF_TMPDIR": scratch,
        "NO_PROXY": "*",
    }
    done = subprocess.run([GO, "tool", "pprof", *arguments], env=env, stdin=subprocess.DEVNULL, capture_output=True,
                          text=True, timeout=300, check=False)
    if done.returncode != 0:
        sys.exit(f"not ok: go tool pprof failed:\n{done.stderr}")
    return done.stdout


if GO is None:
    print("skipped: no go here (set GO=/path/to/go)")
    sys.exit(77)
with Served(PROGRAM) as served, tempfile.TemporaryDirectory() as folder:
    profiles = served.origin + "/debug/pprof/"
    top = pprof(folder, "-top", "-cum", profiles + "goroutine")
    expect(re.search(r"^Type: fiber$", top, re.M), "goroutine: its type")
    expect(re.search(r"^ .* 2[0-4] .*% .*receives_job", top, re.M), "goroutine: who receives")
    # One waits for a nil channel. Two are in a cycle of mutexes, which everybody can reach: that is no leak yet.
    leaked = pprof(folder, "-top", "-cum", profiles + "goroutineleak")
    expect("100% of 1 total" in leaked, "goroutineleak: how many")
    expect("receives_job" not in leaked and "locks_both" not in leaked, "goroutineleak: no others")
