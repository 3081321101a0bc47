#!/usr/bin/env python3
"""Checks once.py: what has passed is not run again, and whatever changes of its input runs it again.

usage: self_test.py COMPILER [ARGS]
"""

import os
import subprocess
import sys
import tempfile
from pathlib import Path

ONCE = Path(__file__).resolve().parent / "once.py"
SAID = "passed before on the same input"
# Counts its runs in the file beside it, and ends with the code that stands in another.
TEST = """
import pathlib, sys
here = pathlib.Path(__file__).parent
(here / 'runs').write_text(str(int((here / 'runs').read_text()) + 1))
print('tested')
sys.exit(int((here / 'code').read_text()))
"""


class Trial:
    def __init__(self, place, compiler):
        self.place, self.compiler, self.wrong = place, compiler, 0
        for name, text in {"test.py": TEST, "runs": "0", "code": "0", "data/a": "1", "other/system.hpp": "#define A 1\n",
                           "include/a.hpp": "#include <system.hpp>\n"}.items():
            (place / name).parent.mkdir(exist_ok=True)
            (place / name).write_text(text)

    def run(self, *arguments, env=None):
        """Whether it has run, its exit code and its output."""
        before = (self.place / "runs").read_text()
        done = subprocess.run(
            [sys.executable, str(ONCE), str(self.place / "memory"), "--same", str(self.place / "data"), "--headers",
             str(self.place / "include"), "--", sys.executable, str(self.place / "test.py"), *arguments, "--", *self.compiler,
             f"-I{self.place / 'other'}"],
            capture_output=True, text=True, check=False,
            env={**os.environ, "GOSSAMER_TEST_AGAIN": "", "GOSSAMER_ONCE_SHARE": "1", **(env or {})})
        return (self.place / "runs").read_text() != before, done.returncode, done.stdout

    def expect_draw(self):
        """Of a share of one in three, by eight seeds, some are run and some are skipped, and each seed decides."""
        self.change("data/a", "not seen before")
        seen = set()
        decided = True
        for seed in range(8):
            env = {"GOSSAMER_ONCE_SHARE": "3", "GOSSAMER_ONCE_SEED": str(seed), "GOSSAMER_TEST_AGAIN": "1"}
            ran, code, _ = self.run(env=env)
            again, _, _ = self.run(env=env)
            seen.add((ran, code))
            decided = decided and ran == again
        right = decided and seen == {(True, 0), (False, 77)}
        print(f"{'ok' if right else 'FAILED'}: a share is drawn by the seed")
        self.wrong += not right

    def expect(self, what, runs, code=0, arguments=(), env=None):
        ran, got, output = self.run(*arguments, env=env)
        right = ran == runs and got == code and "tested" in output and (SAID in output) == (not runs)
        print(f"{'ok' if right else 'FAILED'}: {what}")
        if not right:
            print(f"ran: {ran}, exit code {got}, output:\n{output}")
            self.wrong += 1

    def change(self, name, text):
        (self.place / name).write_text(text)


def main():
    with tempfile.TemporaryDirectory() as folder:
        t = Trial(Path(folder), sys.argv[1:])
        t.expect("what has never run runs", True)
        t.expect("what has passed is remembered", False)
        t.expect("it runs where that is wanted", True, env={"GOSSAMER_TEST_AGAIN": "1"})
        t.expect("another argument runs it", True, arguments=["more"])
        t.expect("both are remembered", False)
        for what, name, text in (("the test itself", "test.py", TEST + "\n"), ("a file below a directory", "data/a", "2"),
                                 ("a new file there", "data/b", ""), ("a header", "include/a.hpp", "#include <system.hpp>\n\n"),
                                 ("what a header includes from elsewhere", "other/system.hpp", "#define A 2\n")):
            t.change(name, text)
            t.expect(f"{what} has changed: it runs", True)
            t.expect(f"{what} is as it was: it is remembered", False)
        t.expect("another environment runs it", True, env={"CPATH": "/nowhere"})
        t.change("include/b.hpp", "#include <not/there.hpp>\n")
        t.expect("where it cannot be told what is read it runs", True)
        t.expect("each time", True)
        (t.place / "include/b.hpp").unlink()
        for what, code in (("failed", 1), ("was skipped", 77)):
            t.change("code", str(code))
            t.change("data/a", what)
            t.expect(f"what {what} has its exit code", True, code)
            t.expect("and is not remembered", True, code)
        t.change("code", "0")
        t.expect_draw()
        return 1 if t.wrong else 0


if __name__ == "__main__":
    sys.exit(main())
