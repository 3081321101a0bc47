#!/usr/bin/env python3
"""Asks echo_server, as clients that are written here, and ends it: try_echo_server.py EXECUTABLE SOURCE"""

import re
import socket
import subprocess
import sys
import threading
from pathlib import Path

from run_samples import expect, promised_output, run


def ask_echo(place, index, wrong):
    """One client: what it sends comes back, also what it sends with its last segment."""
    question = bytes((index * 7 + i) % 251 for i in range(64 + index * 3000))
    with socket.create_connection(place, timeout=30) as s:
        def send():
            s.sendall(question)
            s.shutdown(socket.SHUT_WR)
        sender = threading.Thread(target=send)
        sender.start()
        answer = b""
        while part := s.recv(1 << 16):
            answer += part
        sender.join()
    if answer != question:
        wrong.append(index)


def try_echo_server(server, source):
    for workers in ("1", "2"):
        with subprocess.Popen([server, "--addr", "127.0.0.1:0", "--workers", workers], stdout=subprocess.PIPE,
                              text=True) as process:
            try:
                line = process.stdout.readline()
                said = re.fullmatch(r"listening on (127\.0\.0\.1):(\d+)\n", line)
                expect(said, f"echo_server says where it listens ({line.strip()})")
                place = said[1], int(said[2])
                wrong = []
                for index in range(200):
                    ask_echo(place, index % 20, wrong)
                clients = [threading.Thread(target=ask_echo, args=(place, i, wrong)) for i in range(50)]
                for client in clients:
                    client.start()
                for client in clients:
                    client.join()
                expect(not wrong, f"echo_server answers 250 clients with {workers} workers")
                taken = run(server, "--addr", f"127.0.0.1:{place[1]}")
                expect(taken == (1, "", f"echo_server: listen tcp 127.0.0.1:{place[1]}: bind: address already in use\n"),
                       f"echo_server cannot listen where another does {taken[2].strip()}")
            finally:
                process.kill()
    for arguments in (["--addr"], ["--workers", "0"], ["--workers", "x"], ["--what", "1"]):
        code, out, err = run(server, *arguments)
        expect(code == 1 and not out and "usage: echo_server" in err, f"echo_server {' '.join(arguments)}: usage")
    expect(promised_output(source) == ["listening on 127.0.0.1:9000"], "echo_server prints what it says")


if __name__ == "__main__":
    try_echo_server(sys.argv[1], Path(sys.argv[2]))
