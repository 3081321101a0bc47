#!/usr/bin/env python3
"""Asks echo_server, as clients that are written here, and ends it: try_echo_server.py EXECUTABLE SOURCE"""

import sys
from pathlib import Path

from run_samples import expect, promised_output
from servers import Server, ask, at_once, expect_taken, expect_usage, pattern


def try_echo_server(executable, source):
    for workers in ("1", "2"):
        with Server(executable, "--workers", workers) as server:
            def echoes(index):
                question = pattern(64 + index % 20 * 3000, index)
                return ask(server.place, question) == question  # also what comes with the last segment
            good = [echoes(index) for index in range(200)] + at_once(echoes, range(50))
            expect(all(good), f"echo_server answers {len(good)} clients with {workers} workers")
            expect_taken(executable, server.place)
    expect_usage(executable, ["--addr"], ["--workers", "0"], ["--workers", "x"], ["--what", "1"])
    expect(promised_output(source) == ["listening on 127.0.0.1:9000"], "echo_server prints what it says")


if __name__ == "__main__":
    try_echo_server(sys.argv[1], Path(sys.argv[2]))
