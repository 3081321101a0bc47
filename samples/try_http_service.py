#!/usr/bin/env python3
"""Asks http_service, and ends it while it is at work: try_http_service.py EXECUTABLE SOURCE"""

import http.client
import json
import re
import socket
import sys
import time
from pathlib import Path

from run_samples import expect
from servers import PATIENCE, SIGNALS, Server, at_once, expect_taken, expect_usage


class Client:
    """One connection, kept."""

    def __init__(self, place):
        self.http = http.client.HTTPConnection(*place, timeout=PATIENCE)

    def ask(self, method, path, body=None):
        """Status and body, read as JSON if it is."""
        self.http.request(method, path, body=json.dumps(body) if isinstance(body, dict) else body)
        answer = self.http.getresponse()
        self.headers = answer.headers
        text = answer.read().decode()
        return answer.status, json.loads(text) if answer.headers["Content-Type"] == "application/json" else text


def try_notes(place):
    client = Client(place)
    ask = client.ask
    expect(ask("GET", "/notes") == (200, []), "there are no notes")
    expect(ask("POST", "/notes", {"text": "milk"}) == (201, {"id": 1, "text": "milk"}), "a note is added")
    expect(client.headers["Location"] == "/notes/1", "and its place told")
    odd = "<b>\u00e9\n\"\\ \U0001f600"
    expect(ask("POST", "/notes", {"text": odd}) == (201, {"id": 2, "text": odd}), "whatever it says")
    expect(ask("GET", "/notes/1") == (200, {"id": 1, "text": "milk"}), "it is found")
    expect(ask("PUT", "/notes/1", {"text": "tea"}) == (200, {"id": 1, "text": "tea"}), "it is replaced")
    expect(ask("DELETE", "/notes/2") == (204, ""), "one is deleted")
    expect(ask("GET", "/notes") == (200, [{"id": 1, "text": "tea"}]), "one is left")
    gone = (404, {"error": "there is no such note"})
    for method, path in (("GET", "/notes/2"), ("DELETE", "/notes/2"), ("GET", "/notes/x"), ("GET", "/notes/1x")):
        expect(ask(method, path) == gone, f"{method} {path}: 404")
    expect(ask("PUT", "/notes/2", {"text": "x"}) == gone, "what is gone is not replaced")
    expect(ask("POST", "/notes", {"txt": 1}) == (400, {"error": "there is no text"}), "a note without a text: 400")
    expect(ask("POST", "/notes", "{")[0] == 400, "half of JSON: 400")
    expect(ask("PATCH", "/notes/1")[0] == 405, "another method: 405")
    expect(client.headers["Allow"] == "DELETE, GET, HEAD, PUT", "with those that there are")
    expect(ask("GET", "/crash") == (500, {"error": "it is not you, it is us"}), "a panic: 500")
    expect(ask("GET", "/notes/1")[0] == 200, "and the connection goes on")
    status, page = ask("GET", "/debug/pprof/goroutine?debug=1")
    expect(status == 200 and page.startswith("goroutine profile: total "), f"a debug page: {page.splitlines()[:1]}")
    for path in ("/debug/fibers", "/metrics", "/debug/pprof/"):
        expect(ask("GET", path)[0] == 200, f"and {path}")
    expect(ask("POST", "/notes", {"text": "x" * 70_000})[0] == 413, "a large note: 413")


def try_at_once(place):
    def add(index):
        client = Client(place)
        added = [client.ask("POST", "/notes", {"text": f"{index} {i}"})[1] for i in range(10)]
        good = all(note["text"] == f"{index} {i}" for i, note in enumerate(added))
        return [note["id"] for note in added] if good else []
    ids = [i for of_one in at_once(add, range(30)) for i in of_one]
    expect(len(set(ids)) == 300, "300 notes of 30 clients have numbers of their own")


def refuses(place):
    """Whether it does so before long."""
    until = time.monotonic() + PATIENCE
    while time.monotonic() < until:
        try:
            socket.create_connection(place, timeout=PATIENCE).close()
        except ConnectionRefusedError:
            return True
        except ConnectionResetError:
            pass  # the listener was closed while this one was in its backlog
    return False


def try_shutdown(server, how):
    """One client has sent the half of its note, another is connected and silent."""
    idle = Client(server.place)
    expect(idle.ask("GET", "/notes")[0] == 200, "an idle client")
    note = b'{"text": "late"}'
    with socket.create_connection(server.place, timeout=PATIENCE) as s, s.makefile("rb") as answers:
        s.sendall(b"POST /notes HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\nExpect: 100-continue\r\n\r\n" % len(note))
        expect(answers.readline() == b"HTTP/1.1 100 Continue\r\n", "a handler waits for its note")
        answers.readline()
        s.sendall(note[:5])
        server.process.send_signal(how)
        expect(refuses(server.place), f"on {how.name} new connections are refused")
        expect(idle.http.sock.recv(1) == b"", "the idle connection is closed")
        s.sendall(note[5:])
        answer = answers.read()
        expect(answer.startswith(b"HTTP/1.1 201 Created\r\n") and b"\r\nConnection: close\r\n" in answer
               and b'"text":"late"' in answer, "the request in flight is answered")


def try_http_service(executable, source):
    for workers, how in zip(("1", "2"), SIGNALS):
        with Server(executable, "--workers", workers) as server:
            try_notes(server.place)
            try_at_once(server.place)
            expect_taken(executable, server.place)
            try_shutdown(server, how)
            log = server.finish(how, source).splitlines()
            expect("http_service: panic: as you wish" in log, "the panic is logged")
            line = re.compile(r"http_service: [A-Z]+ /\S* \d{3} \d+ bytes \d+ us|http_service: panic: as you wish")
            expect(all(map(line.fullmatch, log)), f"each request is: {log[0]}")
    expect_usage(executable, ["--addr"], ["--workers", "0"])


if __name__ == "__main__":
    try_http_service(sys.argv[1], Path(sys.argv[2]))
