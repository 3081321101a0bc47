#!/usr/bin/env python3
"""Opens a dump in the pprof form with `go tool pprof`, and looks whether functions, counts and tags are there.

usage: run.py PROGRAM BUILD_ROOT
The go command is $GO, or `go` on the PATH. Exit code 77 (skipped), with the reason, where there is none.
"""

import os
import re
import shutil
import subprocess
import sys
import tempfile

PROGRAM, BUILD = (os.path.realpath(path) for path in sys.argv[1:3])
GO = os.environ.get("GO") or shutil.which("go")


def pprof(form, profile, *more):
    env = os.environ | {
        "GOTOOLCHAIN": "local",
        "GOPROXY": "off",
        "GOCACHE": os.environ.get("GOCACHE") or os.path.join(BUILD, "go-cache"),
        "GOPATH": os.environ.get("GOPATH") or os.path.join(BUILD, "go-path"),
        "PPROF_TMPDIR": os.path.dirname(profile),
    }
    done = subprocess.run([GO, "tool", "pprof", form, *more, profile], env=env, stdin=subprocess.DEVNULL,
                          capture_output=True, text=True, timeout=300, check=False)
    if done.returncode != 0:
        sys.exit(f"go tool pprof {form} failed:\n{done.stderr}")
    return done.stdout


def expect(text, *patterns):
    for pattern in patterns:
        if re.search(pattern, text, re.M) is None:
            sys.exit(f"not ok: /{pattern}/ does not come in\n{text}")
        print("ok:", pattern)


if GO is None:
    print("skipped: no go here (set GO=/path/to/go)")
    sys.exit(77)
with tempfile.TemporaryDirectory() as scratch:
    profile = os.path.join(scratch, "fibers.pb.gz")
    subprocess.run([PROGRAM, profile], check=True, timeout=60)
    # Of each function: how many have it innermost, and how many have it at all.
    expect(pprof("-top", profile),
           r"^Type: fiber$",
           r"accounting for 38, 100% of 38 total",
           r"^ +30 [ 0-9.%]+ 30 [ 0-9.%]+ +receives_here",
           r"^ +7 [ 0-9.%]+ 7 [ 0-9.%]+ +sends_here",
           r"^ +0 [ 0-9.%]+ 30 [ 0-9.%]+ +receives_deep_down")
    expect(pprof("-traces", profile),
           r"^ +side: +left$",
           r"^ +10 +receives_here.*\n(?: +receives_deep_down.*\n){6}",
           r"^ +20 +receives_here",
           r"^ +7 +sends_here")
    expect(pprof("-tags", profile),
           r"(?s)^ side: Total 30 .*?\n +20 .*: right\n +10 .*: left",
           r"(?s)^ state: Total 38 .*?\n +30 .*: chan receive\n +7 .*: chan send\n +1 .*: running",
           r"(?s)^ name: Total 7 .*?\n +7 .*: sender",
           r"(?s)^ created_by: Total 37 .*?\n +30 .*: spawns_receivers\b.*parked\.cpp:\d+")
    expect(pprof("-top", profile, "-tagfocus=state=chan send"), r"accounting for 7, 18.42% of 38 total")
    expect(pprof("-list=receives_here", profile), r"parked\.cpp")
