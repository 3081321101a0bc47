#!/usr/bin/env python3
"""Builds go_http, a peer by Go's net/http, and runs a test with its path in GO_HTTP: go_http.py BUILD_ROOT EXECUTABLE [ARGS]

The go command is $GO, or `go` on the PATH. Exit code 77 (skipped), with the reason, where there is none.
"""

import os
import shutil
import subprocess
import sys
from pathlib import Path

from run import run

BUILD = Path(sys.argv[1]).resolve()
GO = os.environ.get("GO") or shutil.which("go")

if GO is None:
    print("skipped: no go here (set GO=/path/to/go)")
    sys.exit(77)
program = BUILD / "go_http"
subprocess.run(
    [GO, "build", "-o", program, "."],
    cwd=Path(__file__).parent / "go_http",
    env=os.environ | {
        "GOTOOLCHAIN": "local",
        "GOPROXY": "off",
        "CGO_ENABLED": "0",
        "GOCACHE": os.environ.get("GOCACHE") or str(BUILD / "go-cache"),
        "GOPATH": os.environ.get("GOPATH") or str(BUILD / "go-path"),
    },
    check=True,
)
os.environ["GO_HTTP"] = str(program)
code = run(sys.argv[2:])
sys.exit(code if code >= 0 else 1)
