#!/usr/bin/env python3
"""Runs a sample and compares: run_samples.py EXECUTABLE SOURCE

The head comment of SOURCE holds the command and what it prints, indented by three blanks; a * there is anything, a line
of three dots any number of lines. Where `$ echo $?` shows the exit code what comes on stderr counts as printed.
tour is tried further: on files whose contents are counted here too, and on arguments that are no good.
"""

import collections
import re
import subprocess
import sys
import tempfile
from pathlib import Path

SLEEPERS = "2000"  # tour's own million would take a test's patience and memory


def run(*command):
    command = [str(part) for part in command]
    done = subprocess.run(command, capture_output=True, text=True, errors="replace", check=False)
    return done.returncode, done.stdout, done.stderr


def promised_output(source):
    """The lines that follow `//   $ ...` in the head comment."""
    lines = iter(source.read_text(encoding="utf-8").splitlines())
    for line in lines:
        if line.startswith("//   $ "):
            break
    output = []
    for line in lines:
        if not line.startswith("//   ") and line != "//":
            return output
        output.append(line[5:])
    return output


def try_report(executable, source):
    """A program that ends in a report."""
    *promised, _, code = promised_output(source)
    done = subprocess.run([str(executable)], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                          errors="replace", check=False)
    pattern = "".join("(.*\n)*" if line == "..." else ".*".join(map(re.escape, line.split("*"))) + "\n"
                      for line in promised)
    if not re.fullmatch(pattern, done.stdout):
        print("\n".join(["promised:", *promised, "printed:", done.stdout]))
    expect(re.fullmatch(pattern, done.stdout), f"{source.stem} prints what it says")
    expect(done.returncode == int(code), f"{source.stem} ends with {code}")


def expect(condition, what):
    if not condition:
        sys.exit(f"FAILED: {what}")
    print(f"ok: {what}")


def expect_lines(printed, promised, what):
    lines = printed.splitlines()
    same = len(lines) == len(promised) and all(
        re.fullmatch(".*".join(map(re.escape, pattern.split("*"))), line) for pattern, line in zip(promised, lines))
    if not same:
        print("\n".join(["promised:", *promised, "printed:", *lines]))
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
    code, out, err = run(tour, path, SLEEPERS)
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
                ([small, "0"], "usage: tour"), ([small, "many"], "usage: tour"), ([small, "1", "2"], "usage: tour")):
            code, out, err = run(tour, *arguments)
            expect(code == 1 and not out and message in err, f"tour {arguments[-1]}: '{message}...'")


def main():
    executable, source = Path(sys.argv[1]), Path(sys.argv[2])
    if source.stem == "tour":
        try_tour(executable, source)
        return
    if "$ echo $?" in promised_output(source):
        try_report(executable, source)
        return
    code, out, err = run(executable)
    expect(code == 0, f"{source.stem} ends well {err if code else ''}")
    expect_lines(out, promised_output(source), f"{source.stem} prints what it says")
    if source.stem == "hello":
        shown = re.search("```cpp\n(.*?)```", (source.parents[1] / "README.md").read_text(encoding="utf-8"), re.S)[1]
        expect(source.read_text(encoding="utf-8").endswith(shown), "README.md shows it")


if __name__ == "__main__":
    main()
