#!/usr/bin/env python3
"""Puts reverse_proxy between clients and servers that are written here: try_reverse_proxy.py EXECUTABLE SOURCE"""

import http.client
import http.server
import sys
import threading
from contextlib import ExitStack, contextmanager
from pathlib import Path

from run_samples import expect
from servers import PATIENCE, SIGNALS, Server, at_once, expect_taken, expect_usage, pattern


@contextmanager
def serving(name):
    """Answers with its name, and what it was asked; gives its URL."""
    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def answer(self):
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            said = f"{name} {self.command} {self.path} {self.headers['Host']} {self.headers['X-Forwarded-For']} "
            self.send_response(200)
            self.send_header("Content-Length", str(len(said) + len(body)))
            self.end_headers()
            self.wfile.write(said.encode() + body)

        do_GET = do_POST = answer

        def log_message(self, *_):
            pass

    class Threads(http.server.ThreadingHTTPServer):
        daemon_threads = True
        request_queue_size = 128

    with Threads(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()


def ask(place, method, path, body=None):
    client = http.client.HTTPConnection(*place, timeout=PATIENCE)
    client.request(method, path, body=body)
    answer = client.getresponse()
    said = answer.status, answer.read()
    client.close()
    return said


def try_routes(place):
    host = f"{place[0]}:{place[1]}"
    expect(ask(place, "GET", "/api/x?y=z") == (200, f"first GET /api/x?y=z {host} 127.0.0.1 ".encode()),
           "what is below /api/ goes to the first, and says where it comes from")
    names = [ask(place, "GET", "/")[1].split()[0] for _ in range(4)]
    expect(names in ([b"second", b"third"] * 2, [b"third", b"second"] * 2), f"all else to the others in turn: {names}")
    body = pattern(1_000_000)
    expect(ask(place, "POST", "/api/", body)[1].endswith(b" " + body), "a body comes back whole")


def try_at_once(place):
    said = at_once(lambda i: ask(place, "POST", f"/api/{i}", pattern(50_000, i)), range(50))
    expect(all(status == 200 and text.startswith(b"first POST") and text.endswith(pattern(50_000, i))
               for i, (status, text) in enumerate(said)), "many at once")


def main():
    executable, source = sys.argv[1], Path(sys.argv[2])
    expect_usage(executable, ["--to", "http://x"], ["--api", "x", "--to", "http://x"], ["--api"])
    with ExitStack() as running:
        urls = [running.enter_context(serving(name)) for name in ("first", "second", "third")]
        arguments = ["--api", urls[0], "--to", urls[1], "--to", urls[2]]
        for how in SIGNALS:
            with Server(executable, *arguments) as proxy:
                try_routes(proxy.place)
                try_at_once(proxy.place)
                expect_taken(executable, proxy.place, *arguments)
                proxy.end(how, source)
    with Server(executable, "--api", "http://127.0.0.1:1", "--to", "http://127.0.0.1:1") as proxy:
        expect(ask(proxy.place, "GET", "/")[0] == 502, "nobody there: 502")


if __name__ == "__main__":
    main()
