#!/usr/bin/env python3
"""Is several guests of chat: try_chat.py EXECUTABLE SOURCE"""

import socket
import sys
from pathlib import Path

from run_samples import expect
from servers import PATIENCE, SIGNALS, Server, at_once, expect_taken, expect_usage


class Guest:
    def __init__(self, place, receive_buffer=None):
        self.socket = socket.socket()
        if receive_buffer:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        self.socket.settimeout(PATIENCE)
        self.socket.connect(place)
        self.lines = self.socket.makefile("r", encoding="utf-8", newline="\n")
        self.welcome = self.next_line()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.lines.close()
        self.socket.close()

    def say(self, *lines):
        self.socket.sendall("".join(line + "\n" for line in lines).encode())

    def next_line(self):
        return self.lines.readline().rstrip("\n")

    def hears(self, *wanted):
        """These lines come next."""
        got = [self.next_line() for _ in wanted]
        expect(got == list(wanted), f"heard: {' | '.join(got)}")

    def called(self, nick):
        self.say(f"/nick {nick}")
        self.hears(f"* you are {nick}")
        return self


def try_rooms(place):
    with Guest(place) as ann, Guest(place) as bob, Guest(place) as eve:
        expect(ann.welcome == "* you are guest1 in lobby", ann.welcome)
        expect(bob.welcome == "* you are guest2 in lobby with guest1", bob.welcome)
        expect(eve.welcome == "* you are guest3 in lobby with guest1, guest2", eve.welcome)
        ann.hears("* guest2 has come", "* guest3 has come")
        bob.hears("* guest3 has come")
        ann.called("ann")
        bob.hears("* guest1 is now ann")
        eve.hears("* guest1 is now ann")
        bob.say("/nick ann", "/nick", "/what is this", "/join ")
        bob.hears("* ann is taken", *["* /join ROOM, /nick NAME; all else is a message"] * 3)

        ann.say("hello", "", "wörld\r")
        bob.hears("ann: hello", "ann: wörld")
        eve.hears("ann: hello", "ann: wörld")

        eve.say("/join kitchen")
        eve.hears("* you are guest3 in kitchen")
        ann.hears("* guest3 has left")
        bob.hears("* guest3 has left")
        bob.say("/join kitchen", "only here")
        bob.hears("* you are guest2 in kitchen with guest3")
        eve.hears("* guest2 has come", "guest2: only here")
        ann.hears("* guest2 has left")
        ann.say("nobody is here", "/join kitchen")
        ann.hears("* you are ann in kitchen with guest3, guest2")
        eve.hears("* ann has come")

        bob.say("the last words")
        bob.socket.shutdown(socket.SHUT_WR)
        bob.hears("* ann has come", "* good bye", "")
        ann.hears("guest2: the last words", "* guest2 has left")


def try_long_lines(place):
    with Guest(place) as ann, Guest(place) as bob:
        ann.say("/join long")
        ann.hears(f"* {bob.welcome.split()[3]} has come", ann.welcome.replace("lobby", "long"))
        bob.say("/join long")
        name = bob.welcome.split()[3]
        while (line := bob.next_line()) != f"* you are {name} in long with {ann.welcome.split()[3]}":
            expect("has left" in line, line)
        ann.hears(f"* {name} has come")
        bob.say("x" * 1023)
        ann.hears(f"{name}: {'x' * 1023}")
        try:
            bob.say("y" * 1_000_000, "never heard")
        except ConnectionError:
            pass
        bob.hears("* a line has at most 1024 bytes")
        ann.hears(f"* {name} has left")


def try_slow_guest(place):
    """Who reads hears all that is said; who does not is dropped, keeps what he was sent before, and is told."""
    with Guest(place) as joe, Guest(place) as bob, Guest(place, 16384) as slow:
        for guest, name in (joe, "joe"), (bob, "bob"), (slow, "slow"):
            guest.say("/join flood", f"/nick {name}")
            while guest.next_line() != f"* you are {name}":
                pass
        said = 0
        dropped = False
        while not dropped:
            if said > 10_000:
                expect(False, "somebody who does not read is dropped")
            joe.say(*[f"{said + i:06} {'x' * 900}" for i in range(100)])
            for i in range(100):
                while (line := bob.next_line()).startswith("* "):
                    dropped = dropped or line == "* slow has left"
                if line != f"joe: {said + i:06} {'x' * 900}":
                    expect(False, f"bob hears all: {said + i}, {line[:20]}")
            said += 100
        print(f"ok: bob has heard all of {said} lines; slow is dropped")
        heard = slow.lines.read().splitlines()
        expect(heard[-1] == "* you read too slowly", "who is dropped is told")
        numbers = [int(line.split()[1]) for line in heard if line.startswith("joe: ")]
        expect(numbers == list(range(len(numbers))) and 256 <= len(numbers) < said,
               f"and has got the first {len(numbers)} lines")


def try_many(place):
    """Everybody hears everybody else, each in order."""
    count, lines = 20, 10  # so few that nobody's room for waiting lines gets full

    def take_part(index):
        with Guest(place) as guest:
            guest.say("/join many", f"/nick m{index}")
            arrived = {index}
            while len(arrived) < count:  # those who are here, who come, and who had another name before
                words = guest.next_line().replace(",", "").split()
                arrived |= {int(word[1:]) for word in words if word[0] == "m" and word[1:].isdigit()}
            heard = {i: [] for i in range(count) if i != index}
            guest.say(*[f"line {i}" for i in range(lines)])
            while any(len(said) < lines for said in heard.values()):
                nick, _, text = guest.next_line().partition(": ")
                if not nick.startswith("*"):
                    heard[int(nick[1:])].append(text)
            return all(said == [f"line {i}" for i in range(lines)] for said in heard.values())

    expect(all(at_once(take_part, range(count))), f"{count} guests hear each other, each in order")


def main():
    executable, source = sys.argv[1], Path(sys.argv[2])
    for workers, how in zip(("1", "2"), SIGNALS):
        with Server(executable, "--workers", workers) as server:
            expect_taken(executable, server.place)
            try_rooms(server.place)
            try_long_lines(server.place)
            try_slow_guest(server.place)
            try_many(server.place)
            with Guest(server.place) as last:
                server.end(how, source)
                said = last.lines.read().splitlines()
                expect(said and said[-1] == "* closing time", "at the end everybody is told")
            expect(server.printed.endswith("ended: 29 guests\n"), server.printed.splitlines()[-1])
    expect_usage(executable, ["--addr"], ["--workers", "0"], ["--workers", "x"], ["--what", "1"])


if __name__ == "__main__":
    main()
