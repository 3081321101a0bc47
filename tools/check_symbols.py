#!/usr/bin/env python3
"""Checks the layers of docs/architecture.md in what the compiler has made of them: an object of a folder of lib/ that
needs a symbol which only folders above it define is an error, as is one of the same rank that it may not include. What
check_layers.py sees is includes; a declaration that is written by hand passes it.

usage: check_symbols.py NM ARCHIVE|OBJECT...            exit code 1 names each violation; 77 where objects have no symbols
       check_symbols.py --self-test NM COMPILER [ARGS]  prove that each rule can fail

Objects are named as meson names them: after their folder and file, base_panic.cpp.o.
"""

import re
import subprocess
import sys
import tempfile
from collections import defaultdict
from pathlib import Path

sys.dont_write_bytecode = True
from check_layers import LAYERS

# (object, symbol, as c++filt writes it without arguments): why a lower folder calls a higher one. Each is a hook: the
# lower one says that something is so, and the upper one knows what is to be done about it.
HOOKS = {
    ("base_fatal.cpp", "gossamer::v0::base::on_fatal"): "a fatal error is reported with the fibers' stacks",
    ("base_forked.cpp", "gossamer::v0::base::on_fatal"): "and so is what a child of fork() may not do",
    ("base_panic.cpp", "gossamer::v0::detail::throw_panic"): "a panic is thrown with the place, where there is a fiber",
    ("base_panic.cpp", "gossamer::v0::detail::trace_reference::release"): "and carries the trace of its throw,",
    ("base_panic.cpp", "gossamer::v0::detail::trace_reference::trace_reference"): "as does each copy of it",
    ("machine_note.S", "gossamer_own_layout"): "the note in the file points debuggers to the layout that lib/debug describes",
    ("machine_walk.S", "gossamer_begin_call"): "the frame of a blocking call ends in the scheduler",
    ("sched_deadlock.cpp", "gossamer::v0::hook::print_fibers"): "the deadlock report is a dump",
    ("sched_report.cpp", "gossamer::v0::hook::print_fibers"): "the report of a panic ends with one",
    ("sched_monitor.cpp", "gossamer::v0::hook::signal_has_come"): "SIGQUIT asks for one",
    ("sched_scheduler.cpp", "gossamer::v0::hook::watch_for_signals"): "and is watched for from the start on",
    ("sched_spawn.cpp", "gossamer::v0::hook::report_leaks"): "fibers that are left when main returns are reported",
}

LINE = re.compile(r"^(?:.*[:/])?([^:/]+)\.o:\s*([0-9a-f]*)\s+([A-Za-z])\s+(\S+)$")


def symbols_of(nm, files):
    """(symbol -> objects that define it, symbol -> objects that need it), of global symbols."""
    listed = subprocess.run([nm, "-A", "-g", *files], capture_output=True, text=True, check=True).stdout
    defined, needed = defaultdict(set), defaultdict(set)
    for line in listed.splitlines():
        m = LINE.match(line)
        if m:
            (needed if m[3] in "Uwv" and not m[2] else defined)[m[4]].add(m[1])
    return defined, needed


def folder_of(name):
    return name.split("_")[0]


def may_use(user, definer):
    """Whether an object of one folder may need what an object of another defines."""
    rank, allowed = LAYERS[user]
    theirs = LAYERS[definer][0]
    # From rank 8 on folders use public headers: each other's, and debug's as well.
    return definer == user or theirs < rank or (theirs == rank and definer in allowed) or (rank >= 8 and theirs <= 9)


def readable(symbols):
    """symbol -> its name without arguments"""
    text = subprocess.run(["c++filt", "-p"], input="\n".join(symbols), capture_output=True, text=True, check=True).stdout
    return dict(zip(symbols, text.splitlines()))


def violations(defined, needed, hooks):
    found = []
    for symbol, users in needed.items():
        definers = defined.get(symbol, ())
        for user in users:
            if definers and not any(may_use(folder_of(user), folder_of(d)) for d in definers):
                found.append((user, symbol, sorted(definers)))
    names = readable([symbol for _, symbol, _ in found])
    messages = []
    used = set()
    for user, symbol, definers in sorted(found):
        hook = (user, names[symbol])
        used.add(hook)
        if hook not in hooks:
            messages.append(f"{user} (rank {LAYERS[folder_of(user)][0]}) needs {names[symbol]} of {', '.join(definers)} "
                            f"(rank {LAYERS[folder_of(definers[0])][0]})")
    objects = {user for users in (*needed.values(), *defined.values()) for user in users}
    for user, name in sorted(set(hooks) - used):
        if user in objects:
            messages.append(f"{user} does not need {name} any more: take it out of HOOKS")
    return messages


def check(nm, files, hooks=None):
    defined, needed = symbols_of(nm, files)
    unknown = sorted({o for os in defined.values() for o in os if folder_of(o) not in LAYERS})
    if unknown:
        return [f"{name} belongs to no folder" for name in unknown]
    return violations(defined, needed, HOOKS if hooks is None else hooks) if defined else None


# ---- self-test ------------------------------------------------------------------------------------------------------

GOOD = {
    "base_a": "void base() {}  inline void everywhere() {}  void base_too() { everywhere(); }",
    "wait_a": "void base(); void wait() { base(); }",
    "machine_a": "void machine() {}",
    "sched_a": "void wait(); inline void everywhere() {} void sched() { wait(); everywhere(); }",
    "chan_a": "void sched(); void chan() { sched(); }  inline void chan_inline() { sched(); } void chan_too() { chan_inline(); }",
    "sync_a": "void sched(); void sync() { sched(); }",
    "os_a": "void io(); void os() { io(); }",
    "io_a": "extern \"C\" void abort(); void io() { abort(); }",
    "context_a": "void context() {}",
    "errgroup_a": "void context(); void errgroup() { context(); }",
    "http_a": "void context(); void debug(); void http() { context(); debug(); }",
    "debug_a": "void chan(); void debug() { chan(); }",
}
# object, what is added to it, what is said.
BAD = [
    ("base_a", "void sched(); void up() { sched(); }", "base_a.cpp (rank 1) needs sched of sched_a.cpp (rank 5)"),
    ("base_a", "void everywhere(); void chan_inline(); void up() { chan_inline(); }", "needs chan_inline of chan_a.cpp"),
    ("wait_a", "void machine(); void beside() { machine(); }", "needs machine of machine_a.cpp (rank 2)"),
    ("sync_a", "void chan(); void beside() { chan(); }", "sync_a.cpp (rank 6) needs chan of chan_a.cpp (rank 6)"),
    ("chan_a", "void debug(); void up() { debug(); }", "chan_a.cpp (rank 6) needs debug of debug_a.cpp (rank 9)"),
    ("io_a", "void os(); void beside() { os(); }", "needs os of os_a.cpp"),
    ("sched_a", "struct above { virtual ~above(); }; above* a() { return new above; }  void errgroup(); void (*p)() = errgroup;",
     "needs errgroup of errgroup_a.cpp (rank 8)"),
]


def self_test(nm, compiler):
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)

        def make(name, text):
            source = place / f"{name}.cpp"
            source.write_text(text + "\n")
            subprocess.run([*compiler, "-O0", "-c", str(source), "-o", str(source) + ".o"], check=True)

        def found(hooks):
            return check(nm, sorted(str(p) for p in place.glob("*.o")), hooks)

        for name, text in GOOD.items():
            make(name, text)
        wrong = [f"what is legal is refused: {m}" for m in found({})]
        for name, added, said in BAD:
            make(name, f"{GOOD[name]}\n{added}")
            got = found({})
            if len(got) != 1 or said not in got[0]:
                wrong.append(f"{name} with {added}: expected '{said}', got {got}")
            make(name, GOOD[name])
        make("base_a", f"{GOOD['base_a']}\n{BAD[0][1]}")
        if found({("base_a.cpp", "sched"): ""}):
            wrong.append("a hook is refused")
        make("base_a", GOOD["base_a"])
        if "does not need sched any more" not in "".join(found({("base_a.cpp", "sched"): ""})):
            wrong.append("a hook that is no more is not found")
        make("strange_a", "void strange() {}")
        if found({}) != ["strange_a.cpp belongs to no folder"]:
            wrong.append("a folder without a rank is not found")
    for w in wrong:
        print(f"check_symbols self-test: {w}")
    print(f"check_symbols self-test: {len(BAD) + 2 - len(wrong)} of {len(BAD) + 2} found as they should be")
    return 1 if wrong else 0


def main():
    if sys.argv[1] == "--self-test":
        return self_test(sys.argv[2], sys.argv[3:])
    messages = check(sys.argv[1], sys.argv[2:])
    if messages is None:
        print("the objects have no symbols that nm can read")
        return 77
    for message in messages:
        print(message)
    return 1 if messages else 0


if __name__ == "__main__":
    sys.exit(main())
