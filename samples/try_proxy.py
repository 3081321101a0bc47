#!/usr/bin/env python3
"""Puts proxy between clients and servers that are written here: try_proxy.py EXECUTABLE SOURCE"""

import hashlib
import re
import socket
import socketserver
import struct
import sys
import threading
from contextlib import contextmanager
from pathlib import Path

from run_samples import expect
from servers import PATIENCE, SIGNALS, Server, ask, at_once, expect_taken, expect_usage, pattern

ANSWER = pattern(3_000_000, 9)


@contextmanager
def serving(handle):
    """Calls handle(socket) for each connection, in a thread of its own; gives HOST:PORT."""
    class Handler(socketserver.BaseRequestHandler):
        def handle(self):
            self.request.settimeout(PATIENCE)
            handle(self.request)

    class Threads(socketserver.ThreadingTCPServer):
        daemon_threads = True
        request_queue_size = 128

    with Threads(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        yield f"127.0.0.1:{server.server_address[1]}"
        server.shutdown()


def read_all(s):
    received = bytearray()
    while part := s.recv(1 << 16):
        received += part
    return bytes(received)


def digest(s):
    """Answers when all has been said: with what it was, and something long."""
    s.sendall(hashlib.sha256(read_all(s)).digest() + ANSWER)


def echo(s):
    while part := s.recv(1 << 16):
        s.sendall(part)


def try_traffic(executable, source, workers, how):
    with serving(digest) as to, Server(executable, "--to", to, "--workers", workers) as proxy:
        questions = [pattern(size, seed) for seed, size in enumerate((0, 1, 100, 70_000, 2_000_000) * 4)]
        answers = at_once(lambda q: ask(proxy.place, q), questions)
        expect(all(a == hashlib.sha256(q).digest() + ANSWER for q, a in zip(questions, answers)),
               f"all of {len(questions)} answers come after the questions' ends, with {workers} workers")
        expect_taken(executable, proxy.place)
        proxy.end(how, source)
        there, back = sum(map(len, questions)), sum(map(len, answers))
        expect(proxy.printed.endswith(f"ended: {len(questions)} connections, {there} bytes there, {back} bytes back\n"),
               f"it has counted: {proxy.printed.splitlines()[-1]}")


def try_both_ways_at_once(executable, source):
    with serving(echo) as to, Server(executable, "--to", to) as proxy:
        questions = [pattern(5_000_000, seed) for seed in range(5)]
        expect(at_once(lambda q: ask(proxy.place, q), questions) == questions, "both directions go at the same time")
        proxy.end(SIGNALS[0], source)


def try_server_ends_first(executable, source):
    """The server has said all, and goes on listening."""
    heard = []

    def speak_first(s):
        s.sendall(b"all that I have to say")
        s.shutdown(socket.SHUT_WR)
        heard.append(read_all(s))
        done.set()

    done = threading.Event()
    with serving(speak_first) as to, Server(executable, "--to", to) as proxy:
        with socket.create_connection(proxy.place, timeout=PATIENCE) as s:
            expect(read_all(s) == b"all that I have to say", "a server may end first")
            s.sendall(ANSWER)
        expect(done.wait(PATIENCE) and heard == [ANSWER], "and still hears all")
        proxy.end(SIGNALS[0], source)


def try_losses(executable, source):
    lost = threading.Event()

    def wait_for_loss(s):
        s.sendall(b"hello")
        try:
            read_all(s)
        except ConnectionError:
            pass
        lost.set()

    with serving(wait_for_loss) as to, Server(executable, "--to", to) as proxy:
        with socket.create_connection(proxy.place, timeout=PATIENCE) as s:
            expect(s.recv(5, socket.MSG_WAITALL) == b"hello", "a connection is up")
            s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))  # a reset
        expect(lost.wait(PATIENCE), "a client that is lost takes the server's side along")
        with socket.create_connection(proxy.place, timeout=PATIENCE) as s:
            expect(s.recv(5, socket.MSG_WAITALL) == b"hello", "another one is not hurt")
            proxy.end(SIGNALS[0], source)
            expect(s.recv(1) == b"", "the proxy's end ends what is open")


def try_nobody_there(executable, source):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        nobody = f"127.0.0.1:{taken.getsockname()[1]}"
    with Server(executable, "--to", nobody) as proxy:
        expect([ask(proxy.place, b"") for _ in range(3)] == [b""] * 3, "nobody there: the end")
        said = proxy.end(SIGNALS[1], source)
        expect(re.fullmatch(f"(proxy: dial tcp {nobody}: connect: connection refused\n){{3}}", said), said.strip())


def main():
    executable, source = sys.argv[1], Path(sys.argv[2])
    for workers, how in zip(("1", "2"), SIGNALS):
        try_traffic(executable, source, workers, how)
    try_both_ways_at_once(executable, source)
    try_server_ends_first(executable, source)
    try_losses(executable, source)
    try_nobody_there(executable, source)
    expect_usage(executable, ["--to"], ["--workers", "0"], ["--workers", "x"], ["--what", "1"])


if __name__ == "__main__":
    main()
