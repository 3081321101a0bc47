"""A process with debug pages (served.cpp), as long as a `with` lasts."""

import subprocess
import sys


class Served:
    def __init__(self, program):
        self.process = subprocess.Popen([program], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.place = self.process.stdout.readline().strip()
        if not self.place:
            sys.exit("not ok: the program says no place")
        self.origin = "http://" + self.place

    def __enter__(self):
        return self

    def __exit__(self, kind, *_):
        self.process.stdin.close()
        try:
            code = self.process.wait(timeout=30)
        except subprocess.TimeoutExpired:
            self.process.kill()
            raise
        if kind is None and code != 0:
            sys.exit(f"not ok: the program ended with {code}")


def expect(truth, what):
    if not truth:
        sys.exit(f"not ok: {what}")
    print("ok:", what)
