#!/usr/bin/env python3
"""Lets port_scan look for ports that are opened here: try_port_scan.py EXECUTABLE SOURCE"""

import re
import resource
import socket
import subprocess
import sys
from contextlib import ExitStack
from pathlib import Path

from run_samples import expect, expect_lines, run, sessions
from servers import expect_usage


def few_descriptors():
    resource.setrlimit(resource.RLIMIT_NOFILE, (64, 64))


def try_port_scan(executable, source):
    arguments, promised, _ = sessions(source)[0]
    with ExitStack() as stack:
        listening = [stack.enter_context(socket.create_server(("127.0.0.1", 0))) for _ in range(20)]
        silent = [stack.enter_context(socket.socket()) for _ in range(20)]  # taken, but nobody listens
        for s in silent:
            s.bind(("127.0.0.1", 0))
        here, not_here = ({s.getsockname()[1] for s in sockets} for sockets in (listening, silent))

        code, out, err = run(executable, *arguments)
        expect(code == 0 and not err, f"port_scan ends well {err}")
        expect_lines(out, promised, "port_scan prints what it says")
        found = [int(port) for port in re.findall(r"^127\.0\.0\.1:(\d+) is open$", out, re.M)]
        expect(here <= set(found), "it finds those that are open")
        expect(not not_here & set(found), "and no others")
        expect(found == sorted(set(found)) and out.endswith(f": {len(found)} of 65535 ports are open\n"), "each once")

        port = min(here)
        expect(run(executable, "--from", port, "--to", port) ==
               (0, f"127.0.0.1:{port} is open\n127.0.0.1: 1 of 1 ports are open\n", ""), "a single port")
        few = subprocess.run([executable, "--from", "1", "--to", "3000", "--at-once", "10"], capture_output=True,
                             text=True, check=False, preexec_fn=few_descriptors)
        expect(few.returncode == 0, f"its limit keeps it within few descriptors {few.stderr}")
    expect_usage(executable, ["--from", "0"], ["--from", "9", "--to", "8"], ["--to", "65536"], ["--at-once"])


if __name__ == "__main__":
    try_port_scan(sys.argv[1], Path(sys.argv[2]))
