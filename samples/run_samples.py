#!/usr/bin/env python3
"""Runs a sample and compares: run_samples.py EXECUTABLE SOURCE [WORKERS...]

The head comment of SOURCE holds commands and what they print, indented by three blanks; a * there is anything, a line
of three dots any number of lines. `$ echo $?` shows the exit code, which is 0 otherwise. With WORKERS, each command runs
once with each of these numbers, what comes on stderr counts as printed, and no fiber may be left when main returns but
those that the comment owns up to (`// Leaves 3 fibers.`).
tour is tried further: on files whose contents are counted here too, and on arguments that are no good.

run_samples.py --list README: every sample beside README is in it, and every file that it links exists.
"""

import collections
import itertools
import os
import re
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

SLEEPERS = "2000"  # tour's own million would take a test's patience and memory
WORK = "20"  # and a second of work on each file


def run(*command):
    command = [str(part) for part in command]
    done = subprocess.run(command, capture_output=True, text=True, errors="replace", check=False)
    return done.returncode, done.stdout, done.stderr


def head_comment(source):
    lines = source.read_text(encoding="utf-8").splitlines()
    return [line[2:] for line in itertools.takewhile(lambda line: line.startswith("//"), lines)]


def sessions(source):
    """What the head comment shows: (arguments, lines of output, exit code) of each command."""
    shown = []
    for line in head_comment(source):
        if command := re.fullmatch(r" {3}\$ tools/dev run (\S+)(.*)", line):
            expect(Path(command[1]).name == source.stem, f"the command of {source.name} runs it")
            shown.append((command[2].split(), [], []))
        elif line == "   $ echo $?":
            shown[-1][2].append(None)
        elif shown and line.startswith("   ") and shown[-1][2] == [None]:
            shown[-1][2][0] = int(line)
        elif shown and (line.startswith("   ") or not line):
            shown[-1][1].append(line[3:])
        elif shown:
            break
    for _, output, _ in shown:
        while output and not output[-1]:
            output.pop()
    return [(arguments, output, code[0] if code else 0) for arguments, output, code in shown]


def promised_output(source):
    return sessions(source)[0][1]


def expect(condition, what):
    if not condition:
        sys.exit(f"FAILED: {what}")
    print(f"ok: {what}")


def pattern_of(promised):
    """A regular expression for whole outputs."""
    return "".join("(.*\n)*" if line == "..." else ".*".join(map(re.escape, line.split("*"))) + "\n"
                   for line in promised)


def expect_lines(printed, promised, what):
    same = re.fullmatch(pattern_of(promised), printed)
    if not same:
        print("\n".join(["promised:", *promised, "printed:", printed]))
    expect(same, what)


def counted_here(text):
    """What tour must say about this text, computed by other means."""
    lines = text.splitlines()
    words = re.findall("[a-z]+", text.lower())
    longest = max((len(line) for line in lines), default=0)
    frequent = sorted(collections.Counter(words).items(), key=lambda item: (-item[1], item[0]))[:5]
    return len(lines), len(words), longest, " ".join(f"{word} {n}" for word, n in frequent)


def expect_counts(tour, path, text):
    lines, words, longest, frequent = counted_here(text)
    code, out, err = run(tour, path, SLEEPERS, WORK)
    expect(code == 0, f"tour {path.name} ends well {err if code else ''}")
    for promised in (f"{path}: {lines} lines, {words} words", f"longest line: {longest} bytes",
                     f"most frequent words: {frequent}".rstrip() + "\n", f"pool: {lines} lines, digest "):
        expect(promised in out, f"tour {path.name} prints '{promised.strip()}'")


def try_tour(tour, source):
    code, out, _ = run(tour, source, SLEEPERS)
    expect(code == 0, "tour ends well")
    promised = [line.replace("1,000,000", "2,000") for line in promised_output(source)]
    expect_lines(out, promised, "tour prints what it says")
    expect_counts(tour, source, source.read_text(encoding="utf-8"))
    with tempfile.TemporaryDirectory() as folder:
        small = Path(folder) / "small.txt"
        for text in ("", "one line without an end", "The cat\nand the\nHAT\n", "a b\n" * 5000):
            small.write_text(text, encoding="ascii")
            expect_counts(tour, small, text)
        for arguments, message in (
                ([Path(folder) / "none.txt"], "tour: cannot read"), ([folder], "tour: cannot read"),
                ([small, "0"], "usage: tour"), ([small, "many"], "usage: tour"), ([small, "1", "0"], "usage: tour"),
                ([small, "1", "2", "3"], "usage: tour")):
            code, out, err = run(tour, *arguments)
            expect(code == 1 and not out and message in err, f"tour {arguments[-1]}: '{message}...'")


def run_at(workers, executable, arguments, fibers_left):
    """Exit code, and what it prints on both streams."""
    env = {**os.environ, "GOSSAMER": f"procs={workers}", "FIBERS_LEFT": fibers_left}
    done = subprocess.run([str(executable), *arguments], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, env=env,
                          text=True, errors="replace", check=False)
    return done.returncode, done.stdout


def try_pattern(executable, source, worker_counts):
    leaves = re.search(r"^ Leaves (\d+) fibers?\.$", "\n".join(head_comment(source)), re.M)
    shown = sessions(source)
    expect(shown, f"{source.name} shows a command")
    for arguments, promised, promised_code in shown:
        with ThreadPoolExecutor() as threads:
            runs = list(threads.map(
                lambda workers: run_at(workers, executable, arguments, leaves[1] if leaves else "0"), worker_counts))
        for workers, (code, printed) in zip(worker_counts, runs):
            what = " ".join([source.stem, *arguments, f"at {workers}"])
            expect_lines(printed, promised, f"{what} prints what it says")
            if code != promised_code:
                print(f"exit code: {code}")
            expect(code == promised_code, f"{what} ends with {promised_code}")


def check_list(readme):
    linked = re.findall(r"\]\(([^)#]+\.cpp)\)", readme.read_text(encoding="utf-8"))
    for name in sorted(set(linked) | {path.name for path in readme.parent.glob("*.cpp")}):
        expect(linked.count(name) == 1 and (readme.parent / name).exists(), f"{name} exists, and is linked once")


def main():
    if sys.argv[1] == "--list":
        check_list(Path(sys.argv[2]))
        return
    executable, source = Path(sys.argv[1]), Path(sys.argv[2])
    if len(sys.argv) > 3:
        try_pattern(executable, source, sys.argv[3:])
        return
    if source.stem == "tour":
        try_tour(executable, source)
        return
    code, out, err = run(executable)
    expect(code == 0, f"{source.stem} ends well {err if code else ''}")
    expect_lines(out, promised_output(source), f"{source.stem} prints what it says")
    if source.stem == "hello":
        shown = re.search("```cpp\n(.*?)```", (source.parents[1] / "README.md").read_text(encoding="utf-8"), re.S)[1]
        expect(source.read_text(encoding="utf-8").endswith(shown), "README.md shows it")


if __name__ == "__main__":
    main()
