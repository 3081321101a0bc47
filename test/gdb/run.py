#!/usr/bin/env python3
"""Drives a real gdb (and lldb) at a program with fibers in every state (parked.cpp).

usage: run.py CASE SOURCE_ROOT BUILD_ROOT PROGRAM...
PROGRAM: linked with the static library, with the shared one, and where possible wholly statically. Exit code 77
(skipped), with the reason, where there is no debugger or it may not attach.
"""

import os
import re
import shutil
import subprocess
import sys
import tempfile

CASE, SOURCE, BUILD = sys.argv[1:4]
PROGRAMS = [os.path.realpath(p) for p in sys.argv[4:]]
SCRIPT = os.path.join(SOURCE, "tools", "gossamer_gdb.py")
FIBERS = os.path.join(SOURCE, "tools", "fibers")
failures = 0


def skip(reason):
    print("skipped:", reason)
    sys.exit(77)


def run(command, timeout=120, **how):
    done = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          text=True, errors="replace", timeout=timeout, check=False, **how)
    return done.returncode, done.stdout


def expect(text, *patterns, absent=()):
    """Each pattern matches, after the one before it."""
    global failures
    at = 0
    for pattern in patterns:
        m = re.compile(pattern, re.M).search(text, at)
        if m is None:
            failures += 1
            print(f"not ok: /{pattern}/ does not come\n{text[at:]}\n---- of\n{text}\n----")
            return
        at = m.end()
    for pattern in absent:
        if re.search(pattern, text, re.M):
            failures += 1
            print(f"not ok: /{pattern}/ must not come in\n{text}\n----")
    print("ok:", patterns[0] if patterns else f"no {absent}")


def gdb(target, *commands, env=None, before=()):
    words = ["gdb", "-nx", "-q", "-batch", "-iex", "set debuginfod enabled off"]
    for c in ["set width 0", *before]:
        words += ["-iex", c]
    for c in [f"source {SCRIPT}"] * (not before) + list(commands):
        words += ["-ex", c]
    return run(words + target, env=env)[1]


class Parked:
    """The program, while all its fibers are where they are to be found."""

    def __init__(self, program):
        self.program = program

    def __enter__(self):
        env = dict(os.environ, LD_LIBRARY_PATH=os.path.join(BUILD, "lib"))  # for a copy that lies elsewhere
        self.process = subprocess.Popen([self.program], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
                                        env=env)
        assert self.process.stdout.readline() == "ready\n"
        return self

    @property
    def pid(self):
        return str(self.process.pid)

    def attached(self, *commands, **how):
        return gdb(["-p", self.pid], *commands, **how)

    def end(self):
        """It goes on as if nobody had looked at it."""
        global failures
        out, _ = self.process.communicate("\n", timeout=120)
        if out != "healthy\n" or self.process.returncode != 0:
            failures += 1
            print(f"not ok: the program ends with {self.process.returncode}, and prints {out!r}")

    def __exit__(self, kind, *_):
        if kind is None:
            self.end()
        self.process.kill()


def stripped(program, directory):
    copy = os.path.join(directory, "stripped-" + os.path.basename(program))
    subprocess.run(["strip", "-o", copy, program], check=True)
    return copy


# What `info fibers` says of the program, with debug information and without.
STATUS = [
    (r"1 ", "chan receive", r"main::.* at parked\.cpp:\d+", "the main fiber"),
    (r"2 ", "chan receive", r"receives at parked\.cpp:\d+", "in fiber 1"),
    (r"3 ", "chan send", r"sends at parked\.cpp:\d+", "in fiber 1"),
    (r"4 ", r"sync\.Mutex\.Lock", r"locks at parked\.cpp:\d+", "in fiber 1"),
    (r"5 ", r"sync\.RWMutex\.RLock", r"reads at parked\.cpp:\d+", "in fiber 1"),
    (r"6 ", "select", r"selects at parked\.cpp:\d+", "in fiber 1"),
    (r"7 ", r'sleep "dozer" user=ann', r"dozes at parked\.cpp:\d+", "in fiber 1"),
    (r"8 ", r"sync\.WaitGroup\.Wait", r"waits at parked\.cpp:\d+", "in fiber 1"),
    (r"9 ", "chan receive", r"receives at parked\.cpp:\d+", "in fiber 1"),
]


# Of the fiber in a std::scoped_lock, where nobody finds out who called that.
IN_SCOPED_LOCK = r"std::scoped_lock.* at mutex:\d+"


# Since when they wait: of a core as of a process, not since the machine was started.
BRIEFLY = r"(?:\d+[um]s|\d+\.\ds|[1-9]m\d+s)"


def listing(started_by, finds_callers=True):
    lines = [r"^  ID +STATUS +SINCE +WHERE +CREATED BY$"]
    for number, status, where, origin in STATUS:
        if number == "4 " and not finds_callers:
            where = IN_SCOPED_LOCK
        by = origin if "main" in origin else started_by + " " + origin
        lines.append(rf"^ +{number} +{status} +{BRIEFLY} +(?:{where}) +{by}$")
    return [*lines, rf"^ +10  running \((?:thread \d+|being switched)\) +{started_by} in fiber 1$"]


KNOWN = r"start<.*> at parked\.cpp:\d+"
UNKNOWN = r"(?:0x[0-9a-f]+|\S.*)"

# A frame's function in gdb's words: some compilers' with the types of its parameters, others' without.
RECEIVES, SENDS = (rf"{name}(?:\(int\))? \(marker=" for name in ("receives", "sends"))
INNER = r"inner(?:\(int, int\))? \("

FRAMES = ("fiber 9 bt", "fiber 9 frame function inner", "fiber 9 info locals", "fiber 9 up", "fiber 9 info locals")
FRAMES_FOUND = (
    r"^#0  \(fiber 9: chan receive\)",
    rf"^#\d+ .*\b{RECEIVES}",
    rf"^#\d+ .* {INNER}.*at .*parked\.cpp:\d+$", rf"^#\d+ .* {INNER}", rf"^#\d+ .* {INNER}", rf"^#\d+ .* {INNER}",
    r"^#\d+ .* gossamer::v0::sched::worker::fiber_main\(.*\n(?!#\d\d)",
    # The innermost of them, and then its caller.
    r"inner ?\(", r"^kept = 2000$", r"inner ?\(", r"^kept = 2001$",
)


def case_live():
    """A live process, by program with debug information: the list, frames, locals, running fibers, being in a fiber."""
    for program in PROGRAMS:
        with Parked(program) as p:
            expect(p.attached("info fibers"), *listing(KNOWN))
            expect(p.attached(*FRAMES), *FRAMES_FOUND, absent=["corrupt stack", "inner to this frame"])
            expect(p.attached("fiber 10 bt", "fiber 10 info threads"), r"computes\(int\)|computes \(", r"fiber_main")
            expect(
                p.attached("fiber 3", "bt", "up 3", "fiber 4 bt 2", "fiber", "bt 1", "thread apply all bt 1",
                           "fiber off", "bt", "fiber"),
                r"^\[Current fiber is 3: chan send on 0x\S+ \(len 1, cap 1, receivers 0, senders 1\) in sends at parked\.",
                r"\d+, created by ",
                r"^#0  \(fiber 3: chan send\)", rf"\b{SENDS}", r"fiber_main", r"^#4 ",
                r"^#0  \(fiber 4: sync\.Mutex\.Lock\)", r"^\[Current fiber is 3", r"^#0  \(fiber 3: chan send\)",
                r"^Thread \d+ ", r"^#0 .*syscall", r"^No fiber is chosen\.",
            )
            every = p.attached("fiber apply all bt")
            for n in range(1, 11):
                expect(every, rf"^Fiber {n} \[[^\n]*\], created by [^\n]*:$", r"fiber_main")
            expect(p.attached("fiber apply 2 7-8 frame apply all -q -s p kept"), "^Fiber 2 ", r"^\$1 = 1001$",
                   "^Fiber 7 ", r"^\$2 = 7$", "^Fiber 8 ", r"^\$3 = 1006$")
            expect(p.attached("info fibers state=parked reason=chan where=receives"), "ID", "^ +2 ", "^ +9 ",
                   absent=["^ +1 ", "^ +3 ", "^ +10 "])
            expect(p.attached("info fibers running"), "ID", "^ +10 ", absent=["^ +[1-9] "])
            expect(p.attached("info fibers id=2,5-6"), "ID", "^ +2 ", "^ +5 ", "^ +6 ", absent=["^ +3 ", "^ +7 "])
            expect(p.attached("info fibers wait=10h"), "No fibers match")
            # Behind a thread whose innermost frame may be an inlined function's: then frames are counted from that.
            expect(p.attached("thread find goss/w", "python gdb.execute('thread ' + re.search(r'thread (\\d+)', "
                              "tables.table(all_fibers(), 0, None, thread_note)[-1])[1])", "fiber 9 bt", "bt"),
                   r"^#\d +\(fiber 9: chan receive\)", f" {INNER}", "fiber_main", "^#0 .*", "computes")


# The frames of fiber 9, but for those of inlined functions.
COUNT = """
gdb.execute("fiber 9")
frame, n = gdb.selected_frame(), 0
while frame is not None:
    n += frame.type() != gdb.INLINE_FRAME
    frame = frame.older()
print("frames", n)
"""


def case_stripped():
    """No symbols and no debug information: the list is complete, and the frames are all there."""
    with tempfile.TemporaryDirectory() as tmp:
        counter = os.path.join(tmp, "count.py")
        with open(counter, "w", encoding="utf-8") as f:
            f.write(COUNT)
        for program in PROGRAMS:
            with Parked(program) as p, Parked(stripped(program, tmp)) as bare:
                expect(bare.attached("info fibers"), *listing(UNKNOWN, finds_callers=False))
                count = {}
                for q in (p, bare):
                    # Inlined functions have no frame of their own where there is no debug information.
                    text = q.attached(f"source {counter}")
                    expect(text, r"^frames \d+$")
                    count[q] = int((re.search(r"^frames (\d+)$", text, re.M) or [0, 0])[1])
                expect(f"{count[p]} frames, {count[bare]} stripped", rf"^(1\d) frames, \1 stripped$")


def case_core():
    """Cores: saved by `fiber core`, and by the kernel; with debug information and stripped."""
    with tempfile.TemporaryDirectory() as tmp:
        for program in PROGRAMS[:2]:
            core = os.path.join(tmp, "core")
            with Parked(program) as p:
                expect(p.attached(f"fiber core {core}"), "Saved corefile")
            expect(gdb([program, core], "info fibers", *FRAMES), *listing(KNOWN), *FRAMES_FOUND)
            expect(gdb([program, core], "info fibers wait=1us state=parked"), "ID", "^ +1 ", "^ +9 ")
            expect(gdb([program, core], "info fibers wait=10h"), "No fibers match")
            expect(gdb([program, core], "fiber 10 bt"), r"computes", "fiber_main")
            expect(gdb([program, core], "fiber core /dev/null"), "this is a core already")
            expect(run([FIBERS, core])[1], *listing(KNOWN), "^Fiber 9 ", INNER)
            os.remove(core)
        expect(run([FIBERS, SCRIPT])[1], "is no core file")
        kernel_core(PROGRAMS[0], tmp)


def kernel_core(program, tmp):
    with open("/proc/sys/kernel/core_pattern", encoding="utf-8") as f:
        pattern = f.read().strip()
    if pattern.startswith("|") or "/" in pattern:
        print("the kernel's cores go elsewhere:", pattern)
        return
    bare = stripped(program, tmp)
    for each in (program, bare):
        shell = subprocess.Popen(["bash", "-c", f"ulimit -c unlimited && exec {each}"], cwd=tmp, stdin=subprocess.PIPE,
                                 stdout=subprocess.PIPE, text=True)
        assert shell.stdout.readline() == "ready\n"
        shell.send_signal(6)
        shell.wait(120)
        cores = [os.path.join(tmp, n) for n in os.listdir(tmp) if n.startswith("core")]
        if not cores:
            print("the kernel saves no cores here")
            return
        known = each == program
        found = gdb([each, cores[0]], "info fibers", *FRAMES)
        expect(found, *(listing(KNOWN) if known else listing(UNKNOWN, finds_callers=False)), *(FRAMES_FOUND if known else [r"^#20? +0x"]))
        os.remove(cores[0])


def case_printers():
    """Each printer's output."""
    names = ("buffered unbuffered nothing full closed mu free_mu read_mu write_mu group idle_group no_error plain "
             "wrapped code known none ctx cancelled some absent").split()
    wanted = (
        r"^buffered = chan<int> len 2, cap 4 = \{\[0\] = 5, \[1\] = 6\}$",
        r"^unbuffered = chan<std::.*> len 0, cap 0, receiving: (fiber [269](, )?){3}$",
        "^nothing = nil$",
        r"^full = chan<int> len 1, cap 1, sending: fiber 3 = \{\[0\] = 1\}$",
        "^closed = chan<void> len 0, cap 0, closed$",
        "^mu = locked by fiber 1, waiting: fiber 4$",
        "^free_mu = unlocked$",
        "^read_mu = locked by 2 readers$",
        "^write_mu = locked by fiber 1, readers waiting: fiber 5$",
        "^group = count 3, waiting: fiber 8$",
        "^idle_group = count 0$",
        "^no_error = nil$",
        "^plain = no such port$",
        "^wrapped = job 7: no such port$",
        "^code = Connection refused$",
        "^known = context deadline exceeded$",
        "^none = nil$",
        r'^ctx = context\.background\.with_value\("user", "bob"\)$',
        r"^cancelled = context\.background\.with_cancel, cancelled: context canceled$",
        r"^some = .*42.*$",
        r"^absent = .*(no contained value|empty).*$",
    )
    for program in PROGRAMS:
        with Parked(program) as p:
            text = p.attached(*[c for n in names for c in (f"printf \"{n} = \"", f"output all->{n}", 'printf "\\n"')])
            expect(text, *wanted)
            expect(p.attached("fiber 7 frame apply all -q -s p ctx"),
                   r"context\.background\.with_value\(\"user\", \"bob\"\)\.with_cancel$")


def case_unstarted():
    """A fiber that was started and has not run: it is listed, with who started it, and has no frames."""
    script = """python
for _ in range(40):
    gdb.execute("continue", to_string=True)
    text = gdb.execute("info fibers state=unstarted", to_string=True)
    if "unstarted" in text:
        print(text)
        number = text.splitlines()[-1].split()[0]
        try:
            gdb.execute(f"fiber {number} bt")
        except gdb.error as e:
            print("told:", e)
        break
end
"""
    with tempfile.NamedTemporaryFile("w", suffix=".gdb") as f:
        f.write(script)
        f.flush()
        text = gdb(["--args", PROGRAMS[0], "again"], "break just_started", "run", f"source {f.name}")
    expect(text, r"^ +\d+ +unstarted +start_again_and_again.* at parked\.cpp:\d+ in fiber 1$",
           r"^told: gossamer: fiber \d+ has no frames: it has not begun to run, and has no stack; created by start_ag")


def case_misuse():
    """What cannot be done is said."""
    expect(gdb([], "info fibers"), "there is no process")
    expect(gdb([PROGRAMS[0]], "fiber 1 bt"), "there is no process")
    sleeper = subprocess.Popen(["sleep", "300"])
    try:
        expect(gdb(["-p", str(sleeper.pid)], "info fibers"), "no libgossamer in it")
        expect(run([FIBERS, str(sleeper.pid)])[1], "^fibers: the program has no libgossamer in it")
        if os.geteuid() == 0:
            with tempfile.TemporaryDirectory() as tmp:
                # As somebody else: from a place that everybody may read.
                os.chmod(tmp, 0o755)
                for name in ("fibers", "gossamer_gdb.py", "gossamer_tables.py", "gossamer_printers.py"):
                    shutil.copy(os.path.join(SOURCE, "tools", name), tmp)
                expect(run([os.path.join(tmp, "fibers"), str(sleeper.pid)], user=65534, group=65534,
                           extra_groups=[])[1], "^fibers: no permission to look into the process")
    finally:
        sleeper.kill()
        sleeper.wait()
    expect(run([FIBERS, str(sleeper.pid)])[1], f"^fibers: there is no process {sleeper.pid}")
    expect(run([FIBERS, "/nowhere/core"])[1], "^fibers: /nowhere/core: No such file")
    expect(run([FIBERS])[1], "^fibers: usage")
    only = {"PATH": os.path.dirname(sys.executable) + "/nowhere"}
    expect(run([sys.executable, FIBERS, str(os.getpid())], env=only)[1], "^fibers: there is no gdb")
    with Parked(PROGRAMS[0]) as p:
        for command, answer in [
            ("fiber 99 bt", "there is no fiber 99"), ("fiber x", "`x` is no fiber"),
            ("fiber 2 next", "fiber 2 is parked"),
            ("fiber apply", "fiber apply needs"), ("fiber apply 98 bt", "there is no fiber 98"),
            ("fiber 2 nonsense", "Undefined command"), ("info fibers colour=red", "no filter `colour=`"),
            ("info fibers wait=long", "a duration is"), ("info fibers id=x", "is no fiber"),
        ]:
            expect(p.attached(command), re.escape(answer))
        expect(p.attached("python tables.VERSION = 2", "info fibers"), "describes its tables in version 1, this script")


def case_fibers():
    """tools/fibers, at processes."""
    sys.path.insert(0, os.path.join(SOURCE, "tools"))
    import gossamer_tables as tables
    for name in ("app::work(int) [clone .cold]", "void app::work(int) [clone .constprop.0] [clone .cold]",
                 "app::work.constprop.0", "app::work.part.0.cold", "app::work[abi:cxx11](int)"):
        expect(tables.short(name), r"\Aapp::work\Z")
    expect(tables.ranges_of([3, 5, 6, 7, 9]), r"\A3, 5-7, 9\Z")
    expect(tables.ranges_of(range(0, 100, 2)), r"\A0, 2, .* 38, \.\.\.\Z")
    for program in PROGRAMS:
        with Parked(program) as p:
            code, text = run([FIBERS, p.pid])
            expect(f"{code}\n{text}", r"\A0\n", *listing(KNOWN), "^Fiber 9 ", INNER, "^Fiber 10 ",
                   "computes")
            code, text = run([FIBERS, "--list", p.pid])
            expect(f"{code}\n{text}", r"\A0\n", *listing(KNOWN), absent=["^Fiber "])


def case_installed():
    """The installed library brings the commands with it."""
    with tempfile.TemporaryDirectory() as tmp:
        tmp = os.path.realpath(tmp)
        code, text = run(["meson", "install", "-C", BUILD, "--no-rebuild", "--quiet", "--destdir", tmp])
        assert code == 0, text
        libraries = [os.path.join(d, n) for d, _, names in os.walk(tmp) for n in names
                     if re.fullmatch(r"libgossamer\.so\.\d+\.\d+\.\d+", n)]
        scripts = [d for d, _, _ in os.walk(tmp) if d.endswith("/gdb/auto-load")]
        assert len(libraries) == 1 and len(scripts) == 1, (libraries, scripts)
        # gdb looks for SCRIPTS + the library's path, and this installation was moved below tmp.
        moved = os.path.join(tmp, "scripts")
        os.makedirs(moved + os.path.dirname(tmp))
        os.symlink(scripts[0], moved + tmp)
        env = dict(os.environ, LD_LIBRARY_PATH=os.path.dirname(libraries[0]))
        process = subprocess.Popen([PROGRAMS[1]], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=env)
        assert process.stdout.readline() == "ready\n"
        try:
            before = (f"add-auto-load-safe-path {tmp}", f"add-auto-load-scripts-directory {moved}")
            expect(gdb(["-p", str(process.pid)], "info sharedlibrary", "info fibers", "fiber 9 bt", before=before),
                   re.escape(os.path.dirname(libraries[0])), *listing(KNOWN), INNER)
            found = [os.path.join(d, "fibers") for d, _, names in os.walk(tmp) if "fibers" in names]
            assert found, "fibers is not installed"
            expect(run([found[0], "--list", str(process.pid)])[1], *listing(KNOWN))
        finally:
            process.communicate("\n", timeout=120)


def find_lldb():
    """Its path, of the newest; empty where there is none."""
    return run([os.path.join(SOURCE, "tools", "newest"), "lldb"])[1].strip()


def lldb(target, *commands):
    words = [find_lldb(), "--no-lldbinit", "--batch", *target]
    for c in [f"command script import {os.path.join(SOURCE, 'tools', 'gossamer_lldb.py')}", *commands]:
        words += ["-o", c]
    return run(words)[1]


def case_lldb():
    """The same commands in lldb."""
    if not find_lldb():
        skip("there is no lldb")
    asked = [find_lldb(), "--batch", "-o", "script print('python:', 1 + 1)"]
    if "python: 2" not in run(asked)[1]:
        skip("lldb was built without Python")
    frames = ("fiber 9 bt", "fiber apply 2-3 bt")
    found = (
        r"name = 'fiber 9', queue = 'chan receive'", r"frame #\d+: .*`receives\(", r"frame #\d+: .*`inner\(",
        r"`inner\(", r"`inner\(", r"`inner\(", r"frame #\d+: .*`gossamer::v0::sched::worker::fiber_main\(",
        r"^Fiber 2 \[chan receive, .*\], created by ", r"`receives\(", r"^Fiber 3 \[chan send, ", r"`sends\(",
    )
    origin = r"start<.*> at parked\.cpp:\d+"
    with tempfile.TemporaryDirectory() as tmp, Parked(PROGRAMS[1]) as p:
        text = lldb(["-p", p.pid], "fibers", *frames, "fiber 3 frame select 0", "fiber 10 bt", "fibers select",
                    "thread list")
        expect(text, *listing(origin, finds_callers=False), *found, r"frame #0: .*leave", r"frame #\d+: .*`computes\(", r"^ +6 +select",
               r"thread #1: tid = \d+,(?!.*'fiber)", absent=["Stack dump"])
        for command, answer in [("fiber 99 bt", "there is no fiber 99"), ("fiber 2 next", "fiber 2 is parked")]:
            expect(lldb(["-p", p.pid], command), answer)
        inner = (re.search(r"frame #(\d+): .*`inner\(", text) or [0, "0"])[1]
        shown = "fiber 9 frame variable kept"
        locals_ = (f"fiber 9 frame select {inner}", shown, "fiber 9 up", shown)
        expect(lldb(["-p", p.pid], *locals_), r"kept = 2000$", r"kept = 2001$")
        core = os.path.join(tmp, "core")
        p.attached(f"fiber core {core}")
        expect(lldb([PROGRAMS[1], "-c", core], "fibers wait=1us state=parked"), "ID", "^ +1 ", "^ +9 ")
        expect(lldb([PROGRAMS[1], "-c", core], "fibers", *frames, *locals_), *listing(origin, finds_callers=False), *found, r"kept = 2000$",
               r"kept = 2001$")
    expect(lldb([], "fibers"), "there is no process that stands still")


def may_attach():
    sleeper = subprocess.Popen(["sleep", "300"])
    try:
        text = run(["gdb", "-nx", "-q", "-batch", "-p", str(sleeper.pid)])[1]
        return not re.search(r"ptrace: |[Cc]ould not attach", text)
    finally:
        sleeper.kill()
        sleeper.wait()


def main():
    if shutil.which("gdb") is None:
        skip("there is no gdb")
    if "python" not in run(["gdb", "-nx", "-batch", "-ex", "python print('python')"])[1]:
        skip("gdb was built without Python")
    if not may_attach():
        skip("gdb may not attach to a process here (ptrace)")
    globals()["case_" + CASE]()
    sys.exit(1 if failures else 0)


main()
