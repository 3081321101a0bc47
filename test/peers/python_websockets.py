#!/usr/bin/python3
"""Talks to ws_echo by Python's websockets, on either side: python_websockets.py WS_ECHO

By Debian's Python, whose package python3-websockets it is. Skipped (77) without it."""

import asyncio
import os
import subprocess
import sys

try:
    import websockets
except ImportError:
    print("there is no python3-websockets")
    sys.exit(77)

SIZES = (0, 1, 125, 126, 65535, 65536, 1000000)


def expect(truth, what):
    if not truth:
        sys.exit(f"not ok: {what}")
    print("ok:", what)


async def talk(place, compression):
    async with websockets.connect(f"ws://{place}/", compression=compression, max_size=None, subprotocols=["x", "echo"]) as c:
        extensions = c.extensions if hasattr(c, "extensions") else c.protocol.extensions  # from websockets 14 on
        expect((len(extensions) == 1) == (compression is not None), f"extensions: {extensions}")
        expect(c.subprotocol == "echo", "the subprotocol")
        for n in SIZES:
            for message in (os.urandom(n), "\u00e9" * n):
                await c.send(message)
                expect(await c.recv() == message, f"{n} of {type(message).__name__} come back")
        await c.send(["a", "", "b", "c" * 5000])
        expect(await c.recv() == "ab" + "c" * 5000, "fragments")
        await asyncio.wait_for(await c.ping(b"there?"), 60)
        for i in range(500):
            await c.send("x" * i)
        expect([len(await c.recv()) for _ in range(500)] == list(range(500)), "500 in a row")
    expect(c.close_code == 1000, "it closes in order")


def as_client(program):
    server = subprocess.Popen([program, "serve"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    place = server.stdout.readline().strip()
    for compression in (None, "deflate"):
        asyncio.run(talk(place, compression))
    server.stdin.close()
    expect(server.wait(timeout=60) == 0, "the server ends")


async def echo(c, _=None):
    try:
        async for message in c:
            await c.send(message)
    except websockets.ConnectionClosed:
        pass  # with another code than 1000
    echo.codes.append((c.close_code, c.close_reason))


echo.codes = []


async def as_server(program):
    async with websockets.serve(echo, "127.0.0.1", 0, max_size=None, subprotocols=["echo"]) as server:
        port = server.sockets[0].getsockname()[1]
        client = await asyncio.create_subprocess_exec(program, "dial", f"ws://127.0.0.1:{port}/x",
                                                      stdout=subprocess.PIPE)
        out, _ = await client.communicate()
        expect((client.returncode, out.decode()) == (0, "echo closed\n" * 3), "the client says that all came back")
    expect(echo.codes == [(4000, "enough")] * 3, "and has closed with its code")


as_client(sys.argv[1])
asyncio.run(as_server(sys.argv[1]))
