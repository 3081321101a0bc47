"""gossamer's fibers in gdb (13 or later), in live processes and cores, stripped executables included.

    info fibers [FILTER]       all fibers: what each does, since when, where, and who started it
    fiber N                    from here on bt, up, frame, info locals, print … mean fiber N
    fiber N COMMAND            any command of gdb, for fiber N: fiber 7 bt, fiber 7 up, fiber 7 info locals
    fiber apply all COMMAND    the same for each of them; or: fiber apply 3 5-9 COMMAND
    fiber core FILE            a core with the fibers' stacks: gdb's own gcore leaves them out
    fiber                      which fiber is chosen
    fiber off                  back to the threads

and printers for chan, mutex, rw_mutex, wait_group, context, error.

It comes with the installed library (see its directory share/gdb/auto-load); otherwise: source tools/gossamer_gdb.py

A parked fiber's frames stand behind frame 0, which is the chosen thread's: gdb knows only threads, and an unwinder here
tells it that the caller of that thread's innermost frame is the parked fiber. Nothing is written to the process, so it
works in cores too. Frame 0 is shown as what the fiber waits for.
"""

import os
import re
import sys
import time

import gdb
import gdb.unwinder
from gdb.FrameDecorator import FrameDecorator

sys.path.insert(0, os.path.dirname(os.path.realpath(__file__)))
import gossamer_tables as tables  # noqa: E402
from gossamer_printers import Printers  # noqa: E402

sys.path.pop(0)

Problem = tables.Problem


class Memory:
    """The selected program's."""

    def read(self, address, n):
        try:
            return bytes(gdb.selected_inferior().read_memory(address, n))
        except (gdb.MemoryError, OverflowError) as e:
            raise tables.Unreadable(f"gossamer: cannot read memory at {address:#x}") from e

    def place_of(self, address):
        block = self.user_function(address)
        if block is None:
            # `main + 12 in section .text of /a/b`
            symbol = gdb.execute(f"info symbol {address:#x}", to_string=True)
            m = re.match(r"(.*?)(?: \+ \d+)? in section", symbol)
            return tables.short(m[1]) if m else f"{address:#x}"
        name = block.function.print_name
        if name.startswith("operator()"):
            # A lambda: its symbol says whose.
            symbol = gdb.execute(f"info symbol {block.start:#x}", to_string=True).split(" in section")[0]
            main = re.search(r"gossamer::v0::run<([\w:]+::\{lambda\(.*?\)#\d+\})>", symbol)  # it is inlined there
            name = main[1] if main else symbol if "operator()" in symbol and not symbol.startswith("gossamer::") else name
        return f"{tables.short(name)} at {self.line_in(block, address)}"

    @staticmethod
    def user_function(address):
        """The function of the user's that the address is in: go() and its like are inlined there."""
        try:
            block = gdb.block_for_pc(address)
        except RuntimeError:
            return None
        found = None
        while block is not None and not block.is_static and not block.is_global:
            if block.function is not None:
                found = block
                if is_users(block.function.print_name):
                    break
            block = block.superblock
        return found

    @staticmethod
    def line_in(block, address):
        """`file:line`. In which line an inlined call stands gdb does not tell: it is the last one before that is in the
        function's own file, or else where the function begins."""
        while block.start <= address:
            line = gdb.find_pc_line(address)
            if line.symtab is None:
                break
            if line.line and line.symtab.fullname() == block.function.symtab.fullname():
                return f"{os.path.basename(line.symtab.filename)}:{line.line}"
            address = line.pc - 1
        return f"{os.path.basename(block.function.symtab.filename)}:{block.function.line}"

    looked_for_callers = 0

    def caller_in(self, fiber):
        """The innermost frame of a parked fiber that is neither ours nor the standard library's; None where there is
        none, or where so many have been looked for already that it would take too long."""
        if self.looked_for_callers >= 100 or not fiber.context or fiber.stack is None:
            return None
        self.looked_for_callers += 1
        before = Before()
        try:
            enter(fiber)
            frame = gdb.selected_frame()
            while frame is not None:
                sal = frame.find_sal()
                if sal.symtab is not None and is_users(frame.name()):
                    return f"{tables.short(frame.name())} at {os.path.basename(sal.symtab.filename)}:{sal.line}"
                frame = frame.older()
        except (Problem, gdb.error):
            pass
        finally:
            before.restore()
        return None

    def now(self):
        # Of a process of this machine; of another one's, or of a core, nobody knows.
        return time.clock_gettime_ns(time.CLOCK_MONOTONIC) if connection() == "native" else None


def is_users(function):
    """Whether the function, by its name, is neither the library's nor the standard one's. Not by its file: a user's
    folders may be called as ours are."""
    return function is not None and not re.match(r"gossamer(::|_)|(std|__gnu_cxx)::", function)


def connection():
    c = gdb.selected_inferior().connection
    return c.type if c is not None else ""


memory = Memory()


def addresses_of_descriptions():
    """By the notes of all that is loaded; by the symbol where a linker has merged sections."""
    found = []
    note = re.compile(r"^\s*(0x[0-9a-f]+) - (0x[0-9a-f]+) is \.note\.gossamer", re.M)
    for start, end in note.findall(gdb.execute("info files", to_string=True)):
        try:
            found.append(tables.description_of_note(memory, int(start, 16), int(end, 16)))
        except tables.Unreadable:
            pass
    if not any(found):
        try:
            found.append(int(gdb.parse_and_eval("(long) &gossamer_layout")))
        except gdb.error:
            pass
    return [a for a in found if a]


def layout():
    """The description by the copy of the library whose fibers these are."""
    if gdb.selected_inferior().pid == 0 or not gdb.selected_inferior().threads():
        raise Problem("gossamer: there is no process: use run, attach or core-file first")
    candidates = [tables.Layout(memory, a) for a in addresses_of_descriptions()]
    if not candidates:
        raise Problem(
            "gossamer: the program has no libgossamer in it, or one that does not describe its tables"
            + ("" if gdb.current_progspace().filename else " (a core needs its executable too: gdb PROGRAM CORE)")
        )
    return next((c for c in candidates if c.workers()), candidates[0])


def all_fibers():
    return layout().fibers()


def fiber_of(number):
    return tables.chosen_of(all_fibers(), str(number))[0]


def now_for(fibers):
    now = memory.now()
    return now if now is not None or not fibers else tables.latest_sight(fibers[0].layout, fibers, core_file())


def core_file():
    m = re.search(r"^Local core dump file:\n\s*`(.*)', file type", gdb.execute("info files", to_string=True), re.M)
    return m[1] if m else None


def threads():
    """{LWP: thread}"""
    return {t.ptid[1] or t.ptid[2]: t for t in gdb.selected_inferior().threads()}


def thread_of(fiber):
    """The thread whose stack is the fiber's, if there is one."""
    if fiber.state != "running":
        return None
    before = gdb.selected_thread()
    try:
        candidates = list(threads().items())
        if fiber.worker is not None:
            own = fiber.layout.field(fiber.worker, "worker.thread")
            candidates.sort(key=lambda item: item[0] != own)  # it first
        for lwp, t in candidates:
            t.switch()
            frame = gdb.newest_frame()
            for _ in range(8 if fiber.worker is not None and lwp == own else 1):  # a signal handler's own stack first
                if frame is None:
                    break
                if fiber.owns(int(frame.read_register("rsp")) & (1 << 64) - 1):
                    return t
                frame = frame.older()
    finally:
        if before is not None and before.is_valid():
            before.switch()
    return None


# ---- the frames of a parked fiber -----------------------------------------------------------------------------------


class FrameId:
    def __init__(self, sp, pc):
        self.sp, self.pc = sp, pc


class Seat:
    """What the unwinder goes by: which fiber sits behind which thread's innermost frame."""

    fiber = None
    thread = None
    sp = pc = 0
    registers = {}
    level = 0  # of the frame that it sits behind; those before it are inlined in it

    def take(self, fiber):
        self.leave()
        registers = fiber.registers
        if registers["rip"] == 0:
            raise Problem(f"gossamer: the stack of fiber {fiber.id} is not in this core (gdb's own gcore stops at the "
                          "stacks' guards: use `fiber core FILE`, or the kernel's core)")
        frame = gdb.newest_frame()
        while frame.type() == gdb.INLINE_FRAME:
            frame = frame.older()
        self.level = frame.level()
        self.sp, self.pc = int(frame.read_register("rsp")), int(frame.read_register("rip"))
        self.registers = registers
        self.thread = gdb.selected_thread().ptid
        self.fiber = fiber
        gdb.invalidate_cached_frames()

    def leave(self):
        if self.fiber is not None:
            self.fiber = None
            gdb.invalidate_cached_frames()

    def is_here(self):
        thread = gdb.selected_thread()
        return self.fiber is not None and thread is not None and thread.ptid == self.thread

    def first_frame(self):
        frame = gdb.newest_frame()
        while frame is not None and frame.level() <= self.level:
            frame = frame.older()
        return frame


seat = Seat()


class ParkedUnwinder(gdb.unwinder.Unwinder):
    def __init__(self):
        super().__init__("gossamer fibers")
        gdb.unwinder.register_unwinder(None, self, replace=True)

    def __call__(self, pending):
        if not seat.is_here():
            return None
        if int(pending.read_register("rsp")) != seat.sp or int(pending.read_register("rip")) != seat.pc:
            return None
        # With the fiber's own stack pointer, or gdb would find that the next frame is inside of this one.
        found = pending.create_unwind_info(FrameId(gdb.Value(seat.fiber.context), gdb.Value(seat.pc)))
        for name, number in seat.registers.items():
            found.add_saved_register(name, gdb.Value(number).cast(pending.read_register(name).type))
        return found


class ParkedFrame(FrameDecorator):
    """Frame 0: in its place, what the fiber waits for."""

    def function(self):
        f = seat.fiber
        return f"(fiber {f.id}: {f.status})"

    def address(self):
        return None

    def filename(self):
        return None

    def line(self):
        return None

    def frame_args(self):
        return None

    def frame_locals(self):
        return None


class ParkedFilter:
    name = "gossamer fibers"
    enabled = True
    priority = 100

    def __init__(self):
        gdb.frame_filters[self.name] = self

    def filter(self, frames):
        return self.replaced(frames) if seat.is_here() else frames

    @staticmethod
    def replaced(frames):
        for f in frames:
            level = f.inferior_frame().level()
            if level == seat.level:
                yield ParkedFrame(f)
            elif level > seat.level:
                yield f


# ---- being in a fiber -----------------------------------------------------------------------------------------------

RESUMING = re.compile(
    r"(c|continue|fg|n|next|ni|nexti|s|step|si|stepi|fin|finish|u|until|adv\w*|j|jump|r|run|start|starti|rc|reverse-\w+"
    r"|kill|detach|signal|call)\b"
)
NO_STACK = {
    "unstarted": "it has not begun to run, and has no stack",
    "thread": "it is a plain thread",
}


class Chosen:
    """The fiber that `fiber N` has chosen, and which of its frames each fiber was left at."""

    number = None
    levels = {}

    def forget(self, *_):
        # The frames are gone anyhow.
        self.number, self.levels, seat.fiber = None, {}, None


chosen = Chosen()


def enter(fiber):
    """Makes the fiber's frames those that commands mean. True if they stand behind a thread's."""
    if fiber.stack is None or not fiber.context:
        raise Problem(f"gossamer: fiber {fiber.id} has no frames: {NO_STACK.get(fiber.state, fiber.state)}"
                      f"; created by {fiber.origin}")
    thread = thread_of(fiber)
    if thread is not None:
        seat.leave()
        thread.switch()
        gdb.newest_frame().select()
    else:
        seat.take(fiber)
        first = seat.first_frame()
        if first is None:
            seat.leave()
            raise Problem(f"gossamer: cannot unwind fiber {fiber.id}")
        first.select()
    frame, level = gdb.selected_frame(), chosen.levels.get(fiber.id)
    while level is not None and frame is not None and frame.level() < level:
        frame = frame.older()
    if frame is not None:
        frame.select()
    return thread is None


class Before:
    """Where the user is, to return to it."""

    def __init__(self):
        self.thread = gdb.selected_thread()
        self.level = gdb.selected_frame().level() if self.thread is not None and chosen.number is None else None
        self.number = chosen.number

    def restore(self):
        seat.leave()
        if self.number is not None:
            try:
                enter(fiber_of(self.number))
                return
            except Problem:
                chosen.number = None
        if self.thread is None or not self.thread.is_valid():
            return
        self.thread.switch()
        frame = gdb.newest_frame()
        while frame is not None and self.level is not None and frame.level() < self.level:
            frame = frame.older()
        (frame or gdb.newest_frame()).select()


def execute_in(fiber, command, from_tty, to_string=False):
    """What the command prints, if it is to be a string."""
    behind = enter(fiber)
    if behind and RESUMING.match(command):
        raise Problem(f"gossamer: fiber {fiber.id} is parked: only what runs can be continued or stepped")
    said = gdb.execute(command, from_tty, to_string)
    if gdb.selected_thread() is not None and (seat.is_here() or not behind):
        chosen.levels[fiber.id] = gdb.selected_frame().level()
    return said


def save_core(path):
    """gdb's core of the process, and then what that misses: it gives a mapping up at the first page that it cannot
    read, and between the fibers' stacks lie guards."""
    if connection() == "core":
        raise Problem("gossamer: this is a core already")
    fibers = [f for f in all_fibers() if f.stack is not None]
    chosen.number, chosen.levels = None, {}
    seat.leave()
    gdb.execute("generate-core-file " + path)
    with open(path, "r+b") as core:
        segments = tables.segments_of(core)
        for f in fibers:
            bottom = f.stack[0] if thread_of(f) is not None else max(f.context & -4096, f.stack[0])
            for page in range(f.stack[1] - 4096, bottom - 1, -4096):
                try:
                    content = memory.read(page, 4096)
                except tables.Unreadable:
                    break  # the guard
                offset = next((page - start + at for start, size, at in segments if start <= page < start + size), None)
                if offset is not None and any(content):
                    core.seek(offset)
                    core.write(content)


def stacks_once(out, all_of_them):
    """Writes the stack of each fiber; where there are many, once for those that do the same at the same place and have
    been started at the same."""
    fibers, alike = all_fibers(), {}
    now = now_for(fibers)
    for f in fibers:
        one = not all_of_them and len(fibers) > tables.MANY
        alike.setdefault((f.status, f.where, f.field("spawn_site")) if one else f.id, []).append(f)
    if len(alike) < len(fibers):
        out.write(f"\n{len(fibers)} fibers, of {len(alike)} kinds: the stack of one of each kind (--all: of each)\n")
    before = Before()
    try:
        for first, *others in alike.values():
            out.write(f"\n{tables.heading(first, now)}\n")
            try:
                out.write(execute_in(first, "bt", False, to_string=True))
            except (Problem, gdb.error) as e:
                out.write(f"{e}\n")
            if others:
                out.write(f"and {len(others)} like it: {tables.ranges_of([f.id for f in others])}\n")
            out.flush()
    finally:
        before.restore()


def told(method):
    """A command whose problems are told as gdb tells its own."""

    def invoke(self, argument, from_tty):
        try:
            method(self, argument.strip(), from_tty)
        except (Problem, gdb.error) as e:
            raise gdb.GdbError(str(e)) from None

    return invoke


def thread_note(fiber):
    thread = thread_of(fiber)
    return f" (thread {thread.num})" if thread is not None else " (being switched)"


class InfoFibers(gdb.Command):
    """All fibers of gossamer: id, what each does, since when, where, and who started it.
info fibers [FILTER]...
A filter is a word that must occur in the line, or one of state=, reason=, name=, where=, created=, object= with a part
of the text, id=3,5-9, wait=5s (for at least so long)."""

    def __init__(self):
        super().__init__("info fibers", gdb.COMMAND_STATUS)

    @told
    def invoke(self, argument, from_tty):
        fibers = all_fibers()
        memory.looked_for_callers = 0
        now = now_for(fibers)
        wanted = tables.filter_of(gdb.string_to_argv(argument), now)
        shown = [f for f in fibers if wanted(f)]
        if not shown:
            print("No fibers match." if fibers else "No fibers.")
            return
        print("\n".join(tables.table(shown, now, chosen.number, thread_note)))


class FiberCommand(gdb.Command):
    """Use a fiber's stack as gdb uses a thread's.
fiber              which fiber is chosen
fiber N            choose fiber N: bt, up, frame, info locals, print mean it from here on
fiber off          back to the threads; so does whatever lets the process run
fiber N COMMAND    the command for fiber N alone
fiber apply all COMMAND, fiber apply 3 5-9 COMMAND
fiber core FILE    saves a core, as gcore does, with the stacks of the fibers"""

    def __init__(self):
        super().__init__("fiber", gdb.COMMAND_STACK)

    @told
    def invoke(self, argument, from_tty):
        word, _, rest = argument.partition(" ")
        if word == "apply":
            self.apply(rest.strip(), from_tty)
        elif word in ("off", "none"):
            self.leave()
        elif word == "core":
            if not rest.strip():
                raise Problem("fiber core needs the name of a file")
            save_core(os.path.expanduser(rest.strip()))
        elif not word:
            self.tell()
        elif not word.isdigit():
            raise Problem(f"`{word}` is no fiber (see: help fiber)")
        elif rest.strip():
            before = Before()
            try:
                execute_in(fiber_of(int(word)), rest.strip(), from_tty)
            finally:
                before.restore()
        else:
            self.choose(int(word))

    @staticmethod
    def tell():
        if chosen.number is None:
            print("No fiber is chosen.")
            return
        f = fiber_of(chosen.number)
        on = f.details()
        print(f"[Current fiber is {f.id}: {f.status}{' on ' + on if on else ''}{' in ' + f.place if f.place else ''}"
              f", created by {f.origin}]")

    def choose(self, number):
        fiber = fiber_of(number)
        before = Before()
        try:
            enter(fiber)
        except Problem:
            before.restore()
            raise
        chosen.number = number
        self.tell()
        gdb.execute("frame")

    @staticmethod
    def leave():
        seat.leave()
        chosen.number = None
        if gdb.selected_thread() is not None:
            gdb.newest_frame().select()

    @staticmethod
    def apply(argument, from_tty):
        m = re.match(r"(all|[\d,\s-]*\d)\s+(\S.*)$", argument)
        if m is None:
            raise Problem("fiber apply needs `all` or ids, and a command: fiber apply all bt, fiber apply 3 5-9 bt")
        fibers = all_fibers()
        now = now_for(fibers)
        before = Before()
        try:
            for f in tables.chosen_of(fibers, m[1]):
                print("\n" + tables.heading(f, now))
                try:
                    execute_in(f, m[2], from_tty)
                except (Problem, gdb.error) as e:
                    print(e)
        finally:
            before.restore()


ParkedUnwinder()
ParkedFilter()
InfoFibers()
FiberCommand()
Printers(memory, layout).register()
for event in (gdb.events.cont, gdb.events.exited):
    event.connect(chosen.forget)
