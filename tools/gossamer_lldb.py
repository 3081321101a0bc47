"""gossamer's fibers in lldb (tested with 19), in live processes and cores, stripped executables included.

    fibers [FILTER]            all fibers: what each does, since when, where, and who started it
    fiber N COMMAND            any command of lldb, for fiber N: fiber 7 bt, fiber 7 up, fiber 7 frame variable
    fiber apply all COMMAND    the same for each of them; or: fiber apply 3 5-9 COMMAND

Load it with: command script import tools/gossamer_lldb.py (share/gossamer of an installation)

lldb has no unwinders in Python, but operating-system plug-ins, which add threads to those that it knows: while a
command for a parked fiber is executed, the fiber is such a thread, with the registers that it was parked with. So
frames and variables are lldb's own. Nothing is written to the process, and it works in cores. There are no printers, and
`fiber N` alone chooses nothing. lldb before 20 mistakes the extent of a function that g++ has split into a hot and a
cold part, and loses the frames behind it, on threads as on fibers: -fno-reorder-blocks-and-partition helps.
"""

import os
import re
import shlex
import sys
import time

import lldb

sys.path.insert(0, os.path.dirname(os.path.realpath(__file__)))
import gossamer_tables as tables  # noqa: E402

sys.path.pop(0)

Problem = tables.Problem

# Threads that we add are numbered from here on: no kernel has so many.
FIRST_TID = 1 << 40

# What the plug-in shows, if anything.
seated = []
# Which frame each fiber was left at, until the process has run again: {(stop, fiber): frame}
levels = {}


class Memory:
    """The program's."""

    def __init__(self, process):
        self.process = process

    def read(self, address, n):
        problem = lldb.SBError()
        found = self.process.ReadMemory(address, n, problem) if n else b""
        if problem.Fail() or found is None or len(found) != n:
            # What a core leaves out, since it is in the program's file. The error is not asked: lldb 22 says that the
            # core has not got it, and delivers it.
            target = self.process.target
            found = target.ReadMemory(target.ResolveLoadAddress(address), n, lldb.SBError())
        if found is None or len(found) != n:
            raise tables.Unreadable(f"gossamer: cannot read memory at {address:#x}")
        return found

    def place_of(self, address):
        target = self.process.target
        at = target.ResolveLoadAddress(address)
        context = target.ResolveSymbolContextForAddress(
            at, lldb.eSymbolContextFunction | lldb.eSymbolContextBlock | lldb.eSymbolContextLineEntry
            | lldb.eSymbolContextSymbol)
        # go() and its like are inlined in the user's function.
        frame = context.block.GetContainingInlinedBlock() if context.block.IsValid() else lldb.SBBlock()
        line = context.line_entry
        name = None
        while frame.IsValid():
            if not tables.short(frame.GetInlinedName()).startswith("gossamer::"):
                name = frame.GetInlinedName()
                break
            file, number = frame.GetInlinedCallSiteFile(), frame.GetInlinedCallSiteLine()
            line = (file.GetFilename(), number)
            parent = frame.GetParent()
            frame = parent.GetContainingInlinedBlock() if parent.IsValid() else parent
        name = name or context.function.GetDisplayName() or context.symbol.GetDisplayName()
        if name is None:
            return f"{address:#x}"
        if not isinstance(line, tuple):
            line = (line.GetFileSpec().GetFilename(), line.GetLine())
        return tables.short(name) + (f" at {line[0]}:{line[1]}" if line[0] and line[1] else "")

    def now(self):
        local = self.process.GetPluginName() == "gdb-remote" and not core_of(self.process)
        return time.clock_gettime_ns(time.CLOCK_MONOTONIC) if local else None


def core_of(process):
    return "core" in (process.GetPluginName() or "").lower()


def layout(debugger):
    """The description by the copy of the library whose fibers these are."""
    process = debugger.GetSelectedTarget().GetProcess()
    if not process.IsValid() or process.GetState() != lldb.eStateStopped:
        raise Problem("gossamer: there is no process that stands still: use run, attach or target create --core first")
    memory = Memory(process)
    found = []
    for module in process.target.modules:
        section = module.FindSection(".note.gossamer")
        if section.IsValid():
            start = section.GetLoadAddress(process.target)
            if start != lldb.LLDB_INVALID_ADDRESS:
                found.append(tables.description_of_note(memory, start, start + section.GetByteSize()))
    for symbol in process.target.FindSymbols("gossamer_layout") if not any(found) else ():
        found.append(symbol.symbol.GetStartAddress().GetLoadAddress(process.target))
    candidates = [tables.Layout(memory, a) for a in found if a]
    if not candidates:
        raise Problem("gossamer: the program has no libgossamer in it, or one that does not describe its tables")
    return next((c for c in candidates if c.workers()), candidates[0])


def now_for(fibers):
    if not fibers:
        return None
    now = fibers[0].layout.memory.now()
    return now if now is not None else tables.latest_sight(fibers[0].layout, fibers)


def thread_of(fiber):
    """The thread whose stack is the fiber's, if there is one."""
    if fiber.state != "running":
        return None
    process = fiber.layout.memory.process
    own = fiber.layout.field(fiber.worker, "worker.thread") if fiber.worker is not None else None
    for thread in sorted(process.threads, key=lambda t: t.GetThreadID() != own):
        depth = 8 if thread.GetThreadID() == own else 1  # a signal handler's own stack first
        if any(fiber.owns(thread.GetFrameAtIndex(i).GetSP()) for i in range(min(depth, thread.GetNumFrames()))):
            return thread
    return None


def show(debugger, fibers):
    """Makes them threads, and those before them none."""
    seated[:] = fibers
    if fibers:
        path = os.path.join(os.path.dirname(os.path.realpath(__file__)), "gossamer_lldb_threads.py")
        debugger.HandleCommand(f'settings set target.process.python-os-plugin-path "{path}"')
    else:
        debugger.HandleCommand("settings clear target.process.python-os-plugin-path")


# ---- commands -------------------------------------------------------------------------------------------------------

RESUMING = re.compile(r"(c|continue|n|next|ni|nexti|s|step|si|stepi|fin|finish|r|run|j|jump|thread (step|until|continue"
                      r"|jump|return)|process (continue|kill|detach))\b")


def execute_in(debugger, fiber, command, result):
    if fiber.stack is None or not fiber.context:
        raise Problem(f"gossamer: fiber {fiber.id} has no frames: it has not begun to run, and has no stack; created "
                      f"by {fiber.origin}")
    process = debugger.GetSelectedTarget().GetProcess()
    stop = process.GetStopID()
    before = process.GetSelectedThread()
    before_id, before_frame = before.GetThreadID(), before.GetSelectedFrame().GetFrameID()
    thread = thread_of(fiber)
    if thread is None and RESUMING.match(command):
        raise Problem(f"gossamer: fiber {fiber.id} is parked: only what runs can be continued or stepped")
    try:
        if thread is None:
            if fiber.registers["rip"] == 0:
                raise Problem(f"gossamer: the stack of fiber {fiber.id} is not in this core")
            show(debugger, [fiber])
            thread = process.GetThreadByID(FIRST_TID + fiber.id)
        process.SetSelectedThreadByID(thread.GetThreadID())
        thread.SetSelectedFrame(levels.get((stop, fiber.id), 0))
        answer = lldb.SBCommandReturnObject()
        # Not the context of the command that we are in: its thread is gone.
        context = lldb.SBExecutionContext(thread.GetSelectedFrame())
        debugger.GetCommandInterpreter().HandleCommand(command, context, answer, False)
        result.AppendMessage((answer.GetOutput() or "").rstrip("\n"))
        levels[stop, fiber.id] = thread.GetSelectedFrame().GetFrameID()
        if not answer.Succeeded():
            raise Problem((answer.GetError() or "").strip())
    finally:
        if seated:
            show(debugger, [])
        process.SetSelectedThreadByID(before_id)
        if before_frame < 1 << 31:
            process.GetSelectedThread().SetSelectedFrame(before_frame)


def told(command):
    """A command whose problems are told as lldb tells its own."""

    def call(debugger, argument, result, _):
        try:
            command(debugger, argument.strip(), result)
        except Problem as e:
            result.SetError(str(e))

    call.__doc__ = command.__doc__
    return call


def list_fibers(debugger, argument, result):
    """All fibers of gossamer: fibers [FILTER]...
    A filter is a word that must occur in the line, or one of state=, reason=, name=, where=, created=, object= with a
    part of the text, id=3,5-9, wait=5s (for at least so long)."""
    fibers = layout(debugger).fibers()
    now = now_for(fibers)
    wanted = tables.filter_of(shlex.split(argument), now)
    shown = [f for f in fibers if wanted(f)]
    if not shown:
        result.AppendMessage("No fibers match." if fibers else "No fibers.")
        return

    def note(fiber):
        thread = thread_of(fiber)
        return f" (thread {thread.GetIndexID()})" if thread is not None else " (being switched)"

    result.AppendMessage("\n".join(tables.table(shown, now, None, note)))


def fiber_command(debugger, argument, result):
    """A command for one fiber or several: fiber N COMMAND, fiber apply all COMMAND, fiber apply 3 5-9 COMMAND"""
    fibers = layout(debugger).fibers()
    m = re.match(r"(\d+)\s+(\S.*)$", argument)
    if m is not None:
        execute_in(debugger, tables.chosen_of(fibers, m[1])[0], m[2], result)
        return
    m = re.match(r"apply\s+(all|[\d,\s-]*\d)\s+(\S.*)$", argument)
    if m is None:
        raise Problem("fiber needs an id, or `apply` and ids, and a command: fiber 7 bt, fiber apply all bt")
    now = now_for(fibers)
    for f in tables.chosen_of(fibers, m[1]):
        result.AppendMessage("\n" + tables.heading(f, now))
        try:
            execute_in(debugger, f, m[2], result)
        except Problem as e:
            result.AppendMessage(str(e))


list_fibers_command = told(list_fibers)
one_fiber_command = told(fiber_command)


def __lldb_init_module(debugger, _):
    debugger.HandleCommand(f"command script add -o -f {__name__}.list_fibers_command fibers")
    debugger.HandleCommand(f"command script add -o -f {__name__}.one_fiber_command fiber")
