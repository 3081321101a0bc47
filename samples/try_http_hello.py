#!/usr/bin/env python3
"""Asks http_hello, and reads what is not there: try_http_hello.py EXECUTABLE SOURCE"""

import http.client
import sys

from run_samples import expect, promised_output
from servers import PATIENCE, Server, at_once
from pathlib import Path


def get(place, path):
    c = http.client.HTTPConnection(*place, timeout=PATIENCE)
    c.request("GET", path)
    answer = c.getresponse()
    body = answer.read().decode()
    c.close()
    return answer.status, body


def try_http_hello(executable, source):
    with Server(executable, listen="") as server:
        expect(get(server.place, "/hello/world") == (200, "hello, world\n"), "http_hello greets")
        expect(get(server.place, "/hello/a%2Fb%20c") == (200, "hello, a/b c\n"), "http_hello greets who has a slash")
        expect(get(server.place, "/") == (404, "404 page not found\n"), "http_hello has no other page")
        greeted = at_once(lambda i: get(server.place, f"/hello/{i}") == (200, f"hello, {i}\n"), range(50))
        expect(all(greeted), "http_hello greets 50 at once")
    expect(promised_output(source) == ["listening on 127.0.0.1:8080"], "http_hello prints what it says")


if __name__ == "__main__":
    try_http_hello(sys.argv[1], Path(sys.argv[2]))
