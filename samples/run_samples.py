#!/usr/bin/env python3
"""Runs a sample and compares: run_samples.py EXECUTABLE SOURCE

The head comment of SOURCE holds the command and what it prints, indented by three blanks; a * there is anything.
tour is tried further: on files whose contents are counted here too, and on arguments that are no good.
echo_server is asked by clients that are written here, and ended.
"""

import collections
import re
import socket
import subprocess
import sys
import tempfile
import threading
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
        if not line.startswith("//   "):
            return output
        output.append(line[5:])
    return output


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


def ask_echo(place, index, wrong):
    """One client: what it sends comes back, also what it sends with its last segment."""
    question = bytes((index * 7 + i) % 251 for i in range(64 + index * 3000))
    with socket.create_connection(place, timeout=30) as s:
        def send():
            s.sendall(question)
            s.shutdown(socket.SHUT_WR)
        sender = threading.Thread(target=send)
        sender.start()
        answer = b""
        while part := s.recv(1 << 16):
            answer += part
        sender.join()
    if answer != question:
        wrong.append(index)


def try_echo_server(server, source):
    for workers in ("1", "2"):
        with subprocess.Popen([server, "--addr", "127.0.0.1:0", "--workers", workers], stdout=subprocess.PIPE,
                              text=True) as process:
            try:
                line = process.stdout.readline()
                said = re.fullmatch(r"listening on (127\.0\.0\.1):(\d+)\n", line)
                expect(said, f"echo_server says where it listens ({line.strip()})")
                place = said[1], int(said[2])
                wrong = []
                for index in range(200):
                    ask_echo(place, index % 20, wrong)
                clients = [threading.Thread(target=ask_echo, args=(place, i, wrong)) for i in range(50)]
                for client in clients:
                    client.start()
                for client in clients:
                    client.join()
                expect(not wrong, f"echo_server answers 250 clients with {workers} workers")
                taken = run(server, "--addr", f"127.0.0.1:{place[1]}")
                expect(taken == (1, "", f"echo_server: listen tcp 127.0.0.1:{place[1]}: bind: address already in use\n"),
                       f"echo_server cannot listen where another does {taken[2].strip()}")
            finally:
                process.kill()
    for arguments in (["--addr"], ["--workers", "0"], ["--workers", "x"], ["--what", "1"]):
        code, out, err = run(server, *arguments)
        expect(code == 1 and not out and "usage: echo_server" in err, f"echo_server {' '.join(arguments)}: usage")
    expect(promised_output(source) == ["listening on 127.0.0.1:9000"], "echo_server prints what it says")


def main():
    executable, source = Path(sys.argv[1]), Path(sys.argv[2])
    further = {"tour": try_tour, "echo_server": try_echo_server}
    if source.stem in further:
        further[source.stem](executable, source)
        return
    code, out, err = run(executable)
    expect(code == 0, f"{source.stem} ends well {err if code else ''}")
    expect_lines(out, promised_output(source), f"{source.stem} prints what it says")
    if source.stem == "hello":
        shown = re.search("```cpp\n(.*?)```", (source.parents[1] / "README.md").read_text(encoding="utf-8"), re.S)[1]
        expect(source.read_text(encoding="utf-8").endswith(shown), "README.md shows it")


if __name__ == "__main__":
    main()
