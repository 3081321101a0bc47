#!/usr/bin/env python3
"""Runs a test that starts programs which we did not write: run.py PROGRAM[,PROGRAM...] EXECUTABLE [ARGS]

Exit code 77 (skipped), and a note, where one of the programs is not installed. However the test ends, no process and no
temporary file of it is left: it runs in a session of its own, with a temporary directory of its own. A test that has
left a process behind has failed.
"""

import glob
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time


def processes_of(session):
    """Those that are alive, by name; a zombie is not."""
    found = {}
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{pid}/stat", encoding="utf-8", errors="replace") as file:
                name, _, rest = file.read().partition("(")[2].rpartition(")")
        except OSError:
            continue  # it has just ended
        state, _, _, its_session = rest.split()[:4]
        if int(its_session) == session and state != "Z":
            found[int(pid)] = name
    return found


def run(command):
    with tempfile.TemporaryDirectory(prefix="gossamer-peers-") as folder:
        os.chmod(folder, 0o711)  # a server that is not root's, where the test is, has a place of its own in there
        process = subprocess.Popen(command, env={**os.environ, "TMPDIR": folder}, start_new_session=True)
        # meson ends a test that takes too long by a signal to its group, in which the session's processes are not.
        signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
        code = 1
        try:
            code = process.wait()
            # What a peer has started for a connection may take a moment to see its end.
            limit = time.monotonic() + (5 if code == 0 else 0)
            while (left := processes_of(process.pid)) and time.monotonic() < limit:
                time.sleep(0.01)
            if left and code == 0:
                print("FAILED: left behind:", *left.values())
                code = 1
        finally:
            for pid in processes_of(process.pid):
                try:
                    os.kill(pid, signal.SIGKILL)
                except ProcessLookupError:
                    pass
        return code


def main():
    # Where nginx is, and where Debian has the programs of PostgreSQL, by version.
    os.environ["PATH"] += ":".join(["", "/usr/sbin", *sorted(glob.glob("/usr/lib/postgresql/*/bin"))[-1:]])
    missing = [name for name in sys.argv[1].split(",") if shutil.which(name) is None]
    if missing:
        print("note: skipped, not installed:", *missing)
        sys.exit(77)
    code = run(sys.argv[2:])
    sys.exit(code if code >= 0 else 1)


if __name__ == "__main__":
    main()
