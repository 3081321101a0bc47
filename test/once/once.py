#!/usr/bin/env python3
"""Runs a test whose result is decided by files and a compiler alone, unless it has passed on the same ones before.

usage: once.py MEMORY [--same PATH] [--headers DIRECTORY] [--tool NAME] ... -- COMMAND [ARGS] [-- COMPILER [ARGS]]

The input of such a test is
- the words of its command, and the content of each that is a file;
- the content of each PATH, a file or all files below a directory;
- of each tool and of the compiler: its path, size, time of change and version;
- with a DIRECTORY of headers: the content of whatever the compiler reads for all of them, the system's headers, too;
- the variables of the environment that a compiler looks at.
MEMORY is a directory that holds the output of each test that has passed, by a hash of its input. There it is printed
again, with a line that says so. What failed or was skipped is not kept, nor is anything where the input cannot be told
(a compiler that cannot list what it reads). With GOSSAMER_TEST_AGAIN=1 the memory is not asked. With
GOSSAMER_ONCE_SHARE=N and GOSSAMER_ONCE_SEED=S only one in N of such tests is run, as drawn by S; the others are skipped.
Exit code: the test's, or 77 for one that is skipped.
"""

import hashlib
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

SAID = "passed before on the same input: "  # tools/test_counts.py looks for it
KEPT = 200
ENVIRONMENT = ("PATH", "LANG", "LC_ALL", "LC_MESSAGES", "CPATH", "C_INCLUDE_PATH", "CPLUS_INCLUDE_PATH", "GCC_EXEC_PREFIX",
               "COMPILER_PATH", "LIBRARY_PATH", "CXXFLAGS", "SOURCE_DATE_EPOCH")


class Unknown(Exception):
    """The input cannot be told."""


class Input:
    def __init__(self):
        self.sum = hashlib.sha256()

    def add(self, *parts):
        for part in parts:
            data = part if isinstance(part, bytes) else str(part).encode()
            self.sum.update(b"%d:" % len(data))
            self.sum.update(data)

    def add_file(self, path):
        self.add("file", path, Path(path).read_bytes())

    def add_path(self, path):
        if Path(path).is_dir():
            for file in sorted(p for p in Path(path).rglob("*") if p.is_file() and "__pycache__" not in p.parts):
                self.add_file(file)
        else:
            self.add_file(path)

    def add_tool(self, words):
        """What is called by these words: a program and its arguments, perhaps with ccache before it."""
        for word in words:
            found = shutil.which(word)
            if found:
                status = os.stat(found)
                self.add("tool", os.path.realpath(found), status.st_size, status.st_mtime_ns)
        # spin knows -V only.
        for question in ("--version", "-V"):
            answer = subprocess.run([*words, question], capture_output=True, check=False)
            if answer.returncode == 0:
                self.add("version", answer.stdout)
                return
        raise Unknown(words[0])

    def add_headers(self, directory, compiler):
        headers = sorted(Path(directory).rglob("*.hpp"))
        text = "".join(f'#include "{header.resolve()}"\n' for header in headers)
        listed = subprocess.run([*compiler, f"-I{directory}", "-M", "-x", "c++", "-"], input=text, text=True,
                                capture_output=True, check=False)
        if listed.returncode != 0 or not headers:
            raise Unknown(f"{directory}: {listed.stderr}")
        for path in sorted(set(listed.stdout.replace("\\\n", " ").split()[1:]) - {"-"}):
            self.add_file(path)


def input_of(options, command):
    known = Input()
    known.add(Path(__file__).read_bytes(), *command)
    for word in command:
        if os.path.isfile(word):
            known.add_file(word)
    compiler = command[len(command) - command[::-1].index("--"):] if "--" in command else []
    if compiler:
        known.add_tool(compiler)
    for name, value in options:
        if name == "--same":
            known.add_path(value)
        elif name == "--tool":
            known.add_tool([value])
        else:
            known.add_headers(value, compiler)
    for name in ENVIRONMENT:
        known.add(name, os.environ.get(name, ""))
    return known.sum.hexdigest()


def run(command):
    """(exit code, output); what comes is passed on as it comes."""
    output = []
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace") as process:
        for line in process.stdout:
            output.append(line)
            print(line, end="", flush=True)
    return process.returncode, "".join(output)


def is_drawn(command):
    share = int(os.environ.get("GOSSAMER_ONCE_SHARE", "1"))
    names = " ".join([os.environ.get("GOSSAMER_ONCE_SEED", ""), *(Path(word).name for word in command)])
    return int.from_bytes(hashlib.sha256(names.encode()).digest()[:8], "big") % share == 0


def keep(memory, key, output):
    memory.mkdir(parents=True, exist_ok=True)
    new = memory / f".{key}.{os.getpid()}"
    new.write_text(f"{output}{SAID}{time.strftime('%Y-%m-%d %H:%M:%S')}\n")
    new.rename(memory / key)
    ages = []
    for path in memory.iterdir():
        try:
            ages.append((path.stat().st_mtime, path))
        except FileNotFoundError:
            pass  # another test has removed it
    for _, path in sorted(ages, reverse=True)[KEPT:]:
        path.unlink(missing_ok=True)


def main():
    split = sys.argv.index("--")
    memory, words, command = Path(sys.argv[1]), sys.argv[2:split], sys.argv[split + 1:]
    options = list(zip(words[::2], words[1::2]))
    if len(words) % 2 or any(name not in ("--same", "--headers", "--tool") for name, _ in options):
        sys.exit(__doc__)
    try:
        key = input_of(options, command)
    except (Unknown, OSError) as why:
        print(f"the input cannot be told ({why}): not remembered")
        key = None
    remembered = memory / key if key else None
    if remembered and remembered.exists() and not os.environ.get("GOSSAMER_TEST_AGAIN"):
        print(remembered.read_text(), end="")
        return 0
    if not is_drawn(command):
        print("not drawn: only a share of what a compiler decides is tested")
        return 77
    code, output = run(command)
    # The input may have changed while the test ran.
    if code == 0 and key and input_of(options, command) == key:
        keep(memory, key, output)
    return code if code >= 0 else 128 - code


if __name__ == "__main__":
    sys.exit(main())
