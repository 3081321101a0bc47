#!/usr/bin/env python3
"""Checks the layers of docs/architecture.md: what each folder of lib/ and each public header may include.

usage: check_layers.py [ROOT]      check the tree; exit code 1 names each violation
       check_layers.py --self-test prove that each rule can fail
"""

import re
import sys
import tempfile
from pathlib import Path

PARK = "sched/park.hpp"
WAIT_ON = "sched/wait_on.hpp"
POLLER = "event/poller.hpp"
BLOCKING = "gossamer/runtime.hpp"
SPAWN = "gossamer/go.hpp"

# rank: folder -> what it may include besides itself and include/gossamer/detail: folders, or single headers of one.
LAYERS = {
    "base": (1, set()),
    "machine": (2, {"base"}),
    "wait": (2, {"base"}),
    "fiber": (3, {"base", "machine", "wait"}),
    "event": (4, {"base", "wait", "fiber"}),
    "sched": (5, {"base", "machine", "wait", "fiber", "event"}),
    "sync": (6, {"base", "wait", "fiber", PARK, WAIT_ON}),
    "chan": (6, {"base", "wait", "fiber", PARK, WAIT_ON}),
    "net": (6, {"base", "wait", "fiber", PARK, WAIT_ON, POLLER, BLOCKING}),
    # Above net: io copies between its connections, os waits on its descriptors.
    "io": (7, {"base", "net", BLOCKING}),
    "os": (7, {"base", "net", "io", "sync", BLOCKING, SPAWN}),
    "time": (7, {"base", "wait", "fiber", "chan", PARK, WAIT_ON}),
    # Public headers only: these prove that the API is complete.
    "context": (8, set()),
    "errgroup": (8, set()),
    "semaphore": (8, set()),
    "singleflight": (8, set()),
    "rate": (8, set()),
    "signal": (8, set()),
    "conc": (10, set()),
    "synctest": (10, {"sched/bubble.hpp"}),
    "fmt": (8, set()),
    "tls": (8, set()),
    "http": (8, set()),
    "preload": (0, set()),  # a library of its own, that knows nothing of ours
    # What it shares with HTTP beside its public headers.
    "ws": (9, {"http/ascii.hpp", "http/base64.hpp", "http/client/redirect.hpp", "http/cut.hpp",
               "http/cut_now.hpp", "http/field_lists.hpp", "http/hijacked_conn.hpp", "http/quote.hpp",
               "http/random.hpp"}),
    "debug": (9, {"base", "machine", "wait", "fiber", "event", "sched", "sync", "chan", "net", "io", "os", "time", "context"}),
}

# Public headers that are not named after the folder that implements them. rank 0 needs no folder.
HEADER_FOLDER = {
    "fwd.hpp": None,
    "nil.hpp": None,
    "limit.hpp": None,
    "panic.hpp": "base",
    "error.hpp": "base",
    "errors.hpp": "base",
    "io_errors.hpp": "base",
    "defer.hpp": "base",
    "go.hpp": "sched",
    "runtime.hpp": "sched",
    "callers.hpp": "sched",
    "asio.hpp": "sched",
    "asio": "sched",
    "fiber_local.hpp": "sched",
    "select.hpp": "chan",
    "select": "chan",
    "leak.hpp": "debug",
    "leak_doctest.hpp": "debug",
    # Not Go's, so not in sync::, but a primitive like those there.
    "conc/barrier.hpp": "sync",
}
# Includes everything, and nothing of ours includes it.
UMBRELLA = "gossamer.hpp"

SHOWS_BOOST = ("asio.hpp", "asio/", "http/json.hpp")
# What of Boost the library's folders use; a private matter of these.
BOOST_IN_LIB = {"machine": ("boost/context/",), "event": ("boost/asio",), "signal": ("boost/asio",), "net": ("boost/asio",), "debug": ("boost/crc",),
                "http": ("boost/beast/http/", "boost/json"),
                "ws": ("boost/asio", "boost/beast/")}

ARCHITECTURE = re.compile(r"__x86_64__|__i386__|__aarch64__|__arm__|__builtin_ia32_|\b(?:x86|imm|emm|xmm)intrin\.h|\bcpuid\.h")
ARCHITECTURE_FILES = {"include/gossamer/detail/cpu_relax.hpp"}

INCLUDE = re.compile(r'^\s*#\s*include\s*(?:"([^"]+)"|<([^>]+)>)')
COMMENT = re.compile(r"//.*|\"(?:[^\"\\]|\\.)*\"")
# sched.h stands for <thread>'s yield, which would cost every user a quarter of a second of compile time.
STANDARD = re.compile(r"^[a-z_0-9]+$|^sched\.h$|^(?:assert|float|limits|stdarg|stddef|stdint|stdio|stdlib|string|errno)\.h$")


class Tree:
    def __init__(self, root):
        self.root = Path(root)
        self.violations = []

    def report(self, path, line, text):
        self.violations.append(f"{path.relative_to(self.root)}:{line}: {text}")

    def includes(self, path):
        """(line number, what is included, relative to lib/ or include/ where it is ours, whether in quotes)"""
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
            m = INCLUDE.match(line)
            if m:
                yield number, m.group(1) or m.group(2), m.group(1) is not None

    def check(self):
        for path in sorted(self.root.glob("include/gossamer/**/*.hpp")):
            self.check_public(path)
        for folder in sorted(p for p in self.root.glob("lib/*") if p.is_dir()):
            sources = sorted(p for p in folder.rglob("*") if p.suffix in (".hpp", ".cpp", ".h", ".c", ".S"))
            if sources and folder.name not in LAYERS:
                self.report(sources[0], 1, f"lib/{folder.name} has no rank: give it one in tools/check_layers.py")
                continue
            for path in sources:
                self.check_lib(path, folder.name)
        return self.violations

    def check_architecture(self, path):
        if str(path.relative_to(self.root)) in ARCHITECTURE_FILES:
            return
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
            m = ARCHITECTURE.search(COMMENT.sub("", line))
            if m:
                self.report(path, number, f"{m.group(0)}: nothing outside lib/machine depends on the architecture")

    # ---- public headers ---------------------------------------------------------------------------------------------

    def public_name(self, path, included, quoted):
        """The name under include/gossamer/ of what a public header includes, or None if it is not ours."""
        base = self.root / "include" / "gossamer"
        if included.startswith("gossamer/"):
            return included[len("gossamer/"):]
        if quoted:
            found = (path.parent / included).resolve()
            if found.is_relative_to(base.resolve()):
                return str(found.relative_to(base.resolve()))
            return ""  # quoted, and not below include/gossamer
        return None

    def rank_of_header(self, name):
        """(rank, folder) of a public header, or None if it is not known."""
        if name.startswith("detail/"):
            return 0, "detail"
        top = name.split("/")[0]
        named = next((n for n in (name, top) if n in HEADER_FOLDER), None)
        folder = HEADER_FOLDER[named] if named is not None else top.removesuffix(".hpp")
        if folder is None:
            return 0, "detail"
        return (LAYERS[folder][0], folder) if folder in LAYERS else None

    def check_public(self, path):
        self.check_architecture(path)
        name = str(path.relative_to(self.root / "include" / "gossamer"))
        own = (9, "all") if name == UMBRELLA else self.rank_of_header(name)
        if own is None:
            self.report(path, 1, f"gossamer/{name} belongs to no folder: name it in tools/check_layers.py")
            return
        for line, included, quoted in self.includes(path):
            if included.startswith("boost/"):
                if not name.startswith(SHOWS_BOOST):
                    self.report(path, line, f"<{included}>: only gossamer/asio.hpp and gossamer/http/json.hpp show Boost")
                continue
            target = self.public_name(path, included, quoted)
            if target is None:
                top = included.split("/")[0]
                if top in LAYERS and (self.root / "lib" / included).exists():
                    self.report(path, line, f"{included}: a public header never includes lib/")
                elif own[0] == 0 and not STANDARD.match(included):
                    self.report(path, line, f"<{included}>: rank 0 includes the standard library only")
            elif target == "":
                self.report(path, line, f'"{included}": a public header never includes lib/')
            else:
                self.check_public_include(path, line, own, target)

    def check_public_include(self, path, line, own, target):
        if target == UMBRELLA:
            self.report(path, line, f"gossamer/{UMBRELLA} is for users only")
            return
        theirs = self.rank_of_header(target)
        if theirs is None or own[1] == "all" or theirs[1] == own[1]:
            return
        if own[0] == 0 and theirs[0] != 0:
            self.report(path, line, f"gossamer/{target}: rank 0 includes only gossamer/detail")
        elif theirs[0] > own[0]:
            self.report(path, line, f"gossamer/{target} (rank {theirs[0]}) is above {own[1]} (rank {own[0]})")
        elif theirs[0] == own[0] == 6:
            self.report(path, line, f"gossamer/{target}: siblings of rank 6 are blind to each other")

    # ---- lib --------------------------------------------------------------------------------------------------------

    def check_lib(self, path, folder):
        rank, allowed = LAYERS[folder]
        if folder != "machine":
            self.check_architecture(path)
        for line, included, quoted in self.includes(path):
            top = included.split("/")[0]
            if included.startswith("boost/"):
                if not included.startswith(BOOST_IN_LIB.get(folder, ("-",))):
                    self.report(path, line, f"<{included}>: lib/{folder} has no business with this part of Boost")
            elif top == "gossamer":
                self.check_lib_public_include(path, line, folder, included[len("gossamer/"):])
            elif top in LAYERS and "/" in included:
                self.check_lib_include(path, line, folder, rank, allowed, included, top)
            elif quoted:
                self.report(path, line, f'"{included}": spell it "{folder}/{included}" (or give its folder a rank)')

    def check_lib_include(self, path, line, folder, rank, allowed, included, top):
        if top == folder or top in allowed or included in allowed:
            return
        if top == "debug":
            why = "no folder of lib/ includes lib/debug"
        elif rank == 8:
            why = f"lib/{folder} (rank 8) includes public headers only"
        elif rank == 6 and LAYERS[top][0] == 6:
            why = f"lib/{folder} and lib/{top} are siblings of rank 6, blind to each other"
        elif top == "sched" and PARK in allowed:
            why = f"of lib/sched, lib/{folder} (rank {rank}) may include only {PARK} and {WAIT_ON}"
        elif top == "event" and POLLER in allowed:
            why = f"of lib/event, lib/{folder} (rank {rank}) may include only {POLLER}"
        else:
            why = f"lib/{folder} (rank {rank}) may not include lib/{top} (rank {LAYERS[top][0]})"
        self.report(path, line, f"{included}: {why}")

    def check_lib_public_include(self, path, line, folder, name):
        rank, allowed = LAYERS[folder]
        if name == UMBRELLA:
            self.report(path, line, f"gossamer/{UMBRELLA} is for users: include what is needed")
            return
        theirs = self.rank_of_header(name)
        if theirs is None:
            self.report(path, line, f"gossamer/{name} belongs to no folder: name it in tools/check_layers.py")
        elif theirs[0] == 0 or theirs[1] == folder or theirs[1] in allowed or "gossamer/" + name in allowed:
            return
        elif rank < 8 or theirs[0] > 9:
            self.report(path, line, f"gossamer/{name} is lib/{theirs[1]}'s (rank {theirs[0]}): lib/{folder} (rank {rank}) may not include it")


# ---- self-test ------------------------------------------------------------------------------------------------------

# Each is legal; each line of BAD, added to one of its files, is not, for the given reason.
GOOD = {
    "include/gossamer/detail/config.hpp": "#include <cstdint>\n#include <stdint.h>\n",
    "include/gossamer/nil.hpp": '#include <cstddef>\n#include "detail/config.hpp"\n',
    "include/gossamer/panic.hpp": '#include "detail/config.hpp"\n',
    "include/gossamer/chan.hpp": '#include "detail/config.hpp"\n#include "nil.hpp"\n',
    "include/gossamer/sync.hpp": '#include <gossamer/detail/config.hpp>\n',
    "include/gossamer/go.hpp": "",
    "include/gossamer/conc.hpp": '#include "conc/barrier.hpp"\n#include "chan.hpp"\n',
    "include/gossamer/conc/barrier.hpp": "",
    "include/gossamer/time.hpp": '#include "chan.hpp"\n',
    "include/gossamer/asio.hpp": "#include <boost/asio.hpp>\n",
    "include/gossamer/http.hpp": "",
    "include/gossamer/http/json.hpp": "#include <boost/json/value.hpp>\n",
    "include/gossamer/tls.hpp": "",
    "include/gossamer/gossamer.hpp": '#include "chan.hpp"\n#include "time.hpp"\n',
    "lib/base/panic.cpp": '#include "gossamer/panic.hpp"\n#include <unistd.h>\n',
    "lib/base/rng.hpp": "",
    "lib/machine/stack.hpp": '#include "base/rng.hpp"\n#include <boost/context/detail/fcontext.hpp>\n#if __x86_64__\n#endif\n',
    "lib/wait/waiter.hpp": '#include "base/rng.hpp"\n',
    "lib/fiber/fiber.hpp": '#include "machine/stack.hpp"\n#include "wait/waiter.hpp"\n',
    "lib/event/poller.hpp": '#include "wait/waiter.hpp"\n#include <boost/asio/io_context.hpp>\n',
    "lib/event/timer_heap.hpp": "",
    "lib/sched/park.hpp": '#include "event/timer_heap.hpp"\n#include "gossamer/go.hpp"\n',
    "lib/sched/worker.hpp": "// __x86_64__ in a comment\n",
    "lib/sync/mutex.cpp": '#include "sched/park.hpp"\n#include "gossamer/sync.hpp"\n',
    "lib/chan/chan.cpp": '#include "fiber/fiber.hpp"\n',
    "lib/chan/core.hpp": "",
    "lib/net/conn.cpp": '#include "event/poller.hpp"\n',
    "lib/time/sleep.cpp": '#include "chan/core.hpp"\n#include "gossamer/time.hpp"\n#include "gossamer/chan.hpp"\n',
    "lib/http/server.cpp": '#include "gossamer/chan.hpp"\n#include "gossamer/debug.hpp"\n#include "gossamer/tls.hpp"\n',
    "lib/http/parser.hpp": "#include <boost/beast/http/basic_parser.hpp>\n",
    "lib/tls/conn.cpp": '#include "gossamer/tls.hpp"\n#include <openssl/ssl.h>\n',
    "lib/debug/dump.cpp": '#include "sched/worker.hpp"\n#include "chan/core.hpp"\n',
}
BAD = [
    ("include/gossamer/detail/config.hpp", "#include <unistd.h>", "standard library only"),
    ("include/gossamer/detail/config.hpp", "#include <boost/config.hpp>", "show Boost"),
    ("include/gossamer/detail/config.hpp", '#include "../chan.hpp"', "rank 0 includes only gossamer/detail"),
    ("include/gossamer/detail/config.hpp", "#if defined(__aarch64__)", "architecture"),
    ("include/gossamer/chan.hpp", "#include <boost/asio.hpp>", "show Boost"),
    ("include/gossamer/chan.hpp", '#include "../../lib/wait/waiter.hpp"', "never includes lib/"),
    ("include/gossamer/chan.hpp", "#include <wait/waiter.hpp>", "never includes lib/"),
    ("include/gossamer/chan.hpp", '#include "sync.hpp"', "siblings of rank 6"),
    ("include/gossamer/chan.hpp", '#include "time.hpp"', "is above"),
    ("include/gossamer/conc/barrier.hpp", '#include "../chan.hpp"', "siblings of rank 6"),
    ("include/gossamer/chan.hpp", '#include "gossamer.hpp"', "for users only"),
    ("include/gossamer/surprise.hpp", "", "belongs to no folder"),
    ("lib/surprise/a.hpp", "", "has no rank"),
    ("lib/base/rng.hpp", '#include "wait/waiter.hpp"', "may not include lib/wait"),
    ("lib/base/rng.hpp", '#include "gossamer/chan.hpp"', "may not include it"),
    ("lib/base/panic.cpp", '#include "gossamer/surprise.hpp"', "belongs to no folder"),
    ("lib/base/panic.cpp", '#include "rng.hpp"', 'spell it "base/rng.hpp"'),
    ("lib/base/panic.cpp", "#include <boost/asio.hpp>", "no business"),
    ("lib/machine/stack.hpp", '#include "wait/waiter.hpp"', "may not include lib/wait"),
    ("lib/machine/stack.hpp", "#include <boost/asio.hpp>", "no business"),
    ("lib/wait/waiter.hpp", '#include "machine/stack.hpp"', "may not include lib/machine"),
    ("lib/wait/waiter.hpp", '#include "fiber/fiber.hpp"', "may not include lib/fiber"),
    ("lib/fiber/fiber.hpp", '#include "event/poller.hpp"', "may not include lib/event"),
    ("lib/event/poller.hpp", '#include "sched/park.hpp"', "may not include lib/sched"),
    ("lib/event/poller.hpp", '#include "machine/stack.hpp"', "may not include lib/machine"),
    ("lib/sched/worker.hpp", '#include "chan/core.hpp"', "may not include lib/chan"),
    ("lib/sched/worker.hpp", '#include "gossamer/time.hpp"', "may not include it"),
    ("lib/sched/worker.hpp", "#include <immintrin.h>", "architecture"),
    ("lib/sync/mutex.cpp", '#include "sched/worker.hpp"', "may include only sched/park.hpp"),
    ("lib/sync/mutex.cpp", '#include "chan/core.hpp"', "siblings of rank 6"),
    ("lib/sync/mutex.cpp", '#include "gossamer/chan.hpp"', "may not include it"),
    ("lib/sync/mutex.cpp", '#include "event/poller.hpp"', "may not include lib/event"),
    ("lib/sync/mutex.cpp", '#include "machine/stack.hpp"', "may not include lib/machine"),
    ("lib/chan/chan.cpp", '#include "gossamer/gossamer.hpp"', "for users"),
    ("lib/net/conn.cpp", '#include "gossamer/go.hpp"', "may not include it"),
    ("lib/net/conn.cpp", '#include "event/timer_heap.hpp"', "may include only event/poller.hpp"),
    ("lib/time/sleep.cpp", '#include "sched/worker.hpp"', "may include only sched/park.hpp"),
    ("lib/time/sleep.cpp", '#include "debug/dump.hpp"', "includes lib/debug"),
    ("lib/http/server.cpp", '#include "wait/waiter.hpp"', "public headers only"),
    ("lib/http/server.cpp", '#include "tls/conn.hpp"', "public headers only"),
    ("lib/http/server.cpp", "#include <boost/asio/io_context.hpp>", "no business"),
    ("lib/tls/conn.cpp", '#include "http/parser.hpp"', "public headers only"),
    ("lib/tls/conn.cpp", "#include <boost/beast/http/basic_parser.hpp>", "no business"),
    ("include/gossamer/http.hpp", "#include <boost/beast.hpp>", "show Boost"),
]


def self_test():
    with tempfile.TemporaryDirectory() as directory:
        root = Path(directory)
        for name, text in GOOD.items():
            path = root / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        wrong = [f"a legal tree is refused: {v}" for v in Tree(root).check()]
        for name, line, reason in BAD:
            path = root / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(GOOD.get(name, "") + line + "\n")
            found = Tree(root).check()
            if len(found) != 1 or reason not in found[0] or not found[0].startswith(name):
                wrong.append(f"{name}: {line or 'its presence'}: expected one violation about '{reason}', got {found}")
            if name in GOOD:
                path.write_text(GOOD[name])
            else:
                path.unlink()
    for w in wrong:
        print(f"check_layers self-test: {w}", file=sys.stderr)
    if not wrong:
        print(f"check_layers self-test: {len(BAD)} violations found as they should be")
    return 1 if wrong else 0


def main():
    if "--self-test" in sys.argv:
        return self_test()
    root = Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).resolve().parent.parent
    violations = Tree(root).check()
    for v in violations:
        print(v, file=sys.stderr)
    return 1 if violations else 0


if __name__ == "__main__":
    sys.exit(main())
