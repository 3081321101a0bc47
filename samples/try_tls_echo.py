#!/usr/bin/env python3
"""Tries tls_echo against a TLS that we did not write: try_tls_echo.py EXECUTABLE

`openssl s_client` talks to its server, its client to `openssl s_server`. Without openssl: exit code 77, skipped.
"""

import shutil
import socket
import subprocess
import sys
import tempfile
import threading
from pathlib import Path

from run_samples import expect
from servers import PATIENCE, Server

LINES = "".join(f"line {i} {'x' * (i % 700)}\n" for i in range(300))


def s_client(port, *options):
    """What the server sends back for LINES; s_client ends when it has read all that it waits for."""
    command = ["openssl", "s_client", "-connect", f"127.0.0.1:{port}", "-quiet", "-verify_quiet", *options]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
                          text=True) as client:
        killer = threading.Timer(PATIENCE, client.kill)
        killer.start()
        writer = threading.Thread(target=lambda: (client.stdin.write(LINES), client.stdin.flush()))
        writer.start()
        got = "".join(client.stdout.readline() for _ in range(LINES.count("\n")))
        writer.join()
        client.stdin.close()
        client.kill()
        killer.cancel()
    return got


def try_server(executable):
    with Server(executable, listen="--serve") as server:
        host, port = server.place
        expect(s_client(port) == LINES, "s_client gets back what it sends")
        expect(s_client(port, "-tls1_2") == LINES, "with TLS 1.2, too")
        with socket.create_connection((host, port), timeout=PATIENCE) as stranger:
            stranger.sendall(b"GET / HTTP/1.0\r\n\r\n")
            while stranger.recv(1000):
                pass
        expect(s_client(port) == LINES, "who speaks no TLS hurts nobody else")
        expect(server.process.poll() is None, "the server goes on")


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as s:
        return s.getsockname()[1]


def try_client(executable, folder):
    key, cert = Path(folder) / "key.pem", Path(folder) / "cert.pem"
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
                    "-keyout", key, "-out", cert, "-subj", "/CN=localhost", "-days", "1"], check=True,
                   capture_output=True)
    port = free_port()
    command = ["openssl", "s_server", "-accept", f"127.0.0.1:{port}", "-key", key, "-cert", cert, "-rev"]
    with subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          text=True) as server:
        try:
            while server.stdout.readline() != "ACCEPT\n":
                expect(server.poll() is None, "s_server starts")
            done = subprocess.run([executable, "--connect", f"127.0.0.1:{port}"], input="abc\ngossamer\n",
                                  capture_output=True, text=True, timeout=PATIENCE, check=False)
        finally:
            server.kill()
    expect(done.returncode == 0, f"the client ends well {done.stderr}")
    expect(done.stdout == "cba\nremassog\n", "s_server turns the client's lines round")


def main():
    executable = sys.argv[1]
    if shutil.which("openssl") is None:
        sys.exit(77)
    try_server(executable)
    with tempfile.TemporaryDirectory() as folder:
        try_client(executable, folder)
    done = subprocess.run([executable, "--serve"], capture_output=True, text=True, timeout=PATIENCE, check=False)
    expect(done.returncode == 1 and "usage: tls_echo" in done.stderr, "misuse is told")
    done = subprocess.run([executable, "--connect", f"127.0.0.1:{free_port()}"], capture_output=True, text=True,
                          timeout=PATIENCE, check=False)
    expect(done.returncode == 1 and "Connection refused" in done.stderr, "nobody there: an error")


if __name__ == "__main__":
    main()
