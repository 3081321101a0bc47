"""Samples that serve, for the scripts that try them: started on a free port of loopback, asked by many at once, ended."""

import os
import re
import signal
import socket
import subprocess
from concurrent.futures import ThreadPoolExecutor

from run_samples import expect, expect_lines, promised_output, run

PATIENCE = 60


def name_of(executable):
    """What it calls itself: the one that is linked with the shared library has a name of its own only as a file."""
    return os.path.basename(executable).removesuffix("-shared")


class Server:
    """A sample that says where it listens. No fiber may be left when it ends. `listen` is the flag for the place, empty
    where it has none."""

    def __init__(self, executable, *arguments, listen="--addr"):
        self.name = name_of(executable)
        self.command = [executable, *([listen] if listen else []), "127.0.0.1:0", *arguments]

    def __enter__(self):
        self.process = subprocess.Popen(self.command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                                        env={**os.environ, "FIBERS_LEFT": "0"})
        self.first_line = self.process.stdout.readline()
        said = re.fullmatch(r"listening on (127\.0\.0\.1):(\d+)\n", self.first_line)
        if not said:
            self.process.kill()
        expect(said, f"{self.name} says where it listens: {self.first_line.strip()}")
        self.place = said[1], int(said[2])
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.communicate()

    def end(self, how, source):
        """What it has said on stderr. How many it served and the like is the last line that it prints."""
        self.process.send_signal(how)
        return self.finish(how, source)

    def finish(self, how, source):
        """The same where it has been sent already."""
        out, err = self.process.communicate(timeout=PATIENCE)
        good = self.process.returncode == 0
        expect(good, f"{self.name} ends in order on {how.name} {'' if good else out + err}")
        self.printed = self.first_line + out
        promised = [re.sub(r"(listening on 127\.0\.0\.1):\d+", r"\1:*", line) for line in promised_output(source)]
        expect_lines(self.printed, promised, f"{self.name} prints what it says")
        return err


def expect_usage(executable, *bad):
    name = name_of(executable)
    for arguments in bad:
        code, out, err = run(executable, *arguments)
        expect(code == 1 and not out and f"usage: {name}" in err, f"{name} {' '.join(arguments)}: usage")


def expect_taken(executable, place, *arguments):
    name = name_of(executable)
    code, out, err = run(executable, "--addr", f"127.0.0.1:{place[1]}", *arguments)
    expect((code, out, err) == (1, "", f"{name}: listen tcp 127.0.0.1:{place[1]}: bind: address already in use\n"),
           f"{name} cannot listen where another does: {err.strip()}")


def pattern(size, seed=1):
    """Bytes that tell where they stand."""
    block = bytes((seed * 7 + i) % 251 for i in range(251 * 16))
    return (block * (size // len(block) + 1))[:size]


def ask(place, question):
    """All of the answer. The question's end is told by closing this half; both go on at the same time."""
    with socket.create_connection(place, timeout=PATIENCE) as s, ThreadPoolExecutor(1) as thread:
        def send():
            s.sendall(question)
            s.shutdown(socket.SHUT_WR)
        sent = thread.submit(send)
        answer = bytearray()
        while part := s.recv(1 << 16):
            answer += part
        sent.result()
    return bytes(answer)


def at_once(call, arguments):
    """The results of all these calls, each in a thread of its own."""
    arguments = list(arguments)
    with ThreadPoolExecutor(len(arguments)) as threads:
        return list(threads.map(call, arguments))


SIGNALS = (signal.SIGTERM, signal.SIGINT)
