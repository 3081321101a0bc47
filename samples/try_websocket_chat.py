#!/usr/bin/env python3
"""Chats with websocket_chat by frames of its own, and by a browser where there is one:
try_websocket_chat.py EXECUTABLE SOURCE [CHROMIUM]"""

import base64
import os
import signal
import socket
import struct
import sys
import tempfile
from pathlib import Path

from run_samples import expect
from servers import PATIENCE, Server, expect_taken, expect_usage

TEXT, CLOSE, PING, PONG = 1, 8, 9, 10


class Guest:
    """A client: whole frames, and nothing but what RFC 6455 asks of one."""

    def __init__(self, place, origin=None):
        self.socket = socket.create_connection(place, timeout=PATIENCE)
        self.source = self.socket.makefile("rb")
        fields = ["GET /chat HTTP/1.1", "Host: chat", "Connection: Upgrade", "Upgrade: websocket",
                  "Sec-WebSocket-Version: 13", "Sec-WebSocket-Key: " + base64.b64encode(os.urandom(16)).decode()]
        if origin:
            fields.append("Origin: " + origin)
        self.socket.sendall(("\r\n".join(fields) + "\r\n\r\n").encode())
        self.status = int(self.source.readline().split()[1])
        while self.source.readline().strip():
            pass

    def send(self, op, payload):
        key = os.urandom(4)
        size = len(payload)
        length = bytes([0x80 | size]) if size < 126 else bytes([0xfe]) + struct.pack("!H", size)
        self.socket.sendall(bytes([0x80 | op]) + length + key + bytes(b ^ key[i % 4] for i, b in enumerate(payload)))

    def say(self, text):
        self.send(TEXT, text.encode())

    def frame(self):
        first, second = self.source.read(2)
        size = second if second < 126 else struct.unpack("!H", self.source.read(2))[0]
        return first & 15, self.source.read(size)

    def hear(self):
        op, payload = self.frame()
        return payload.decode() if op == TEXT else (op, payload)

    def closed_with(self):
        """The code of the close that comes next, which is answered; then the connection ends."""
        op, payload = self.frame()
        if op != CLOSE:
            return op, payload
        self.send(CLOSE, payload)
        ended = self.source.read() == b""
        return struct.unpack("!H", payload[:2])[0], payload[2:].decode(), ended

    def close(self):
        self.source.close()  # it keeps the socket open
        self.socket.close()


def everybody_hears(place):
    all_guests = [Guest(place) for _ in range(20)]
    expect(all(g.status == 101 for g in all_guests), "20 guests are let in")
    for g in all_guests:  # who hears himself is there
        g.send(PING, b"there?")
        expect(g.frame() == (PONG, b"there?"), "a ping is answered") if g is all_guests[0] else g.frame()
    for i, g in enumerate(all_guests):
        g.say(f"I am {i} \u00e9")
        expect(all(other.hear() == f"I am {i} \u00e9" for other in all_guests), f"all hear {i}") if i < 3 else [
            other.hear() for other in all_guests]
    all_guests[0].send(CLOSE, struct.pack("!H", 1000) + b"bye")
    expect(all_guests[0].frame() == (CLOSE, struct.pack("!H", 1000) + b"bye"), "a good bye is answered")
    all_guests[1].say("x" * 1025)
    expect(all_guests[1].closed_with() == (1009, "read limited at 1024 bytes", True), "a long line: 1009")
    all_guests[2].send(TEXT, b"\xff")
    expect(all_guests[2].closed_with()[0] == 1007, "no UTF-8: 1007")
    all_guests[3].close()
    all_guests[4].say("still here")
    expect(all(g.hear() == "still here" for g in all_guests[4:]), "the others go on")
    return all_guests[4:]


def try_browser(program, place, guest):
    sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "test" / "pages"))
    from browser import Browser
    with tempfile.TemporaryDirectory() as folder:
        browser = Browser(program, folder)
        browser.go_to(f"http://{place[0]}:{place[1]}/")
        browser.eventually("socket.readyState === WebSocket.OPEN", "the browser is let in")
        browser.value("socket.send('from the page \\u{1f600}')")
        expect(guest.hear() == "from the page \U0001f600", "all hear the browser")
        guest.say("to the page")
        browser.eventually("document.getElementById('lines').innerText.includes('to the page')", "and it hears them")
        browser.value("socket.close(4000, 'enough')")
        browser.eventually("document.getElementById('lines').innerText.includes('closed: 4000 enough')",
                           "it closes in order")
        browser.end()


def try_websocket_chat(executable, source, chromium):
    with Server(executable, "--workers", "2") as server:
        expect(Guest(server.place, "http://elsewhere").status == 403, "a page of another origin is refused")
        left = everybody_hears(server.place)
        if chromium:
            try_browser(chromium, server.place, left[0])
            for g in left[1:]:
                g.hear()  # of the page
                g.hear()  # and to it
            left[0].hear()
        expect_taken(executable, server.place)
        server.process.send_signal(signal.SIGTERM)
        expect(all(g.closed_with() == (1001, "the server goes away", True) for g in left), "all are told when it ends")
        server.finish(signal.SIGTERM, source)
    expect_usage(executable, ["--port"], ["--workers", "0"])


if __name__ == "__main__":
    try_websocket_chat(sys.argv[1], Path(sys.argv[2]), sys.argv[3] if len(sys.argv) > 3 else None)
