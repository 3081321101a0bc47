"""What a debugger finds of a program's fibers: read from memory, by the description that the library carries of its own
tables (lib/debug/layout.hpp), so that release builds and stripped ones are as good as any.

Knows no debugger. gossamer_gdb.py and gossamer_lldb.py give it the program's memory as an object with

    read(address, n)     n bytes; raises Unreadable where there are none
    place_of(address)    what the code address stands for: "function() at file:line", or less
    now()                nanoseconds of the monotonic clock, or None where it cannot be known (a core file)
"""

import functools
import os
import re
import struct
import time

MAGIC = b"gossamer layout\0"
VERSION = 1  # of the description; see layout_version
NOTE = struct.pack("<III12s", 9, 4, 2, b"gossamer")
MANY = 50  # fibers: of more, alike ones are shown once where all stacks are asked for
SOUND_LIMIT = 1 << 16  # of slabs, and of whatever is linked in a list: beyond it the memory is not what we think


class Problem(Exception):
    """What the user is told instead of a result."""


class Unreadable(Problem):
    """There is no such memory."""


def text_at(memory, address, most=4096):
    """The C string; empty where there is none."""
    found = b""
    while address and len(found) < most:
        piece = b""
        # Less, where what follows is not there.
        for n in (256, 16, 1):
            try:
                piece = memory.read(address + len(found), n)
                break
            except Unreadable:
                pass
        end = piece.find(b"\0")
        if end >= 0 or not piece:
            return (found + piece[:max(end, 0)]).decode("utf-8", "replace")
        found += piece
    return found.decode("utf-8", "replace")


def string_at(memory, address):
    """A std::string of libstdc++'s."""
    start, size = struct.unpack("<QQ", memory.read(address, 16))
    if size > 1 << 20:
        raise Unreadable(f"there is no string at {address:#x}")
    return memory.read(start, min(size, 1000)).decode("utf-8", "replace") + ("…" if size > 1000 else "")


def description_of_note(memory, start, end):
    """The address of the description that the notes in [start, end) tell of; None if they do not."""
    notes = memory.read(start, end - start)
    at = notes.find(NOTE)
    if at < 0 or at + len(NOTE) + 4 > len(notes):
        return None
    at += len(NOTE)
    return start + at + struct.unpack_from("<i", notes, at)[0]


def segments_of(core):
    """[(address, bytes, place in the file)] of an ELF core's memory."""
    core.seek(0)
    head = core.read(64)
    table, = struct.unpack_from("<Q", head, 32)
    size, count = struct.unpack_from("<HH", head, 54)
    found = []
    for i in range(count):
        core.seek(table + i * size)
        kind, _, offset, address, _, length = struct.unpack("<IIQQQQ", core.read(40))
        if kind == 1:
            found.append((address, length, offset))
    return found


class Layout:
    """One description."""

    def __init__(self, memory, address):
        self.memory = memory
        self.address = address
        head = memory.read(address, 48)
        magic, version, header_bytes, count, entry_bytes, self.records, self.runtime = struct.unpack("<16sIIIIQQ", head)
        if magic != MAGIC:
            raise Problem(f"gossamer: there is no description of its tables at {address:#x}")
        if version != VERSION:
            raise Problem(
                f"gossamer: the program's library describes its tables in version {version}, this script knows version "
                f"{VERSION}: use the script that belongs to the library (share/gossamer of its installation)"
            )
        if not 0 < count < 4096 or not 48 <= entry_bytes < 4096 or not 48 <= header_bytes < 4096:
            raise Problem(f"gossamer: the description of its tables at {address:#x} is damaged")
        self.places, self.origins = {}, {}  # what has been looked up already
        self.entries = {}
        self.pairs = []  # (name, value); two wait reasons may have one name
        table = memory.read(address + header_bytes, count * entry_bytes)
        for i in range(count):
            name, value, size = struct.unpack_from("<40sQQ", table, i * entry_bytes)
            name = name.split(b"\0")[0].decode()
            self.entries[name] = (value, size)
            self.pairs.append((name, value))
        self.of_fiber = {name[6:]: entry for name, entry in self.entries.items() if name.startswith("fiber.")}
        self.states = self.named("state=")
        self.reasons = self.named("reason=")
        self.marks = self.named("mark=")

    def named(self, prefix):
        """{value: name} of the values that have the prefix."""
        return {v: name[len(prefix):] for name, v in self.pairs if name.startswith(prefix)}

    def has(self, name):
        return name in self.entries

    def value(self, name):
        try:
            return self.entries[name][0]
        except KeyError:
            raise Problem(f"gossamer: the program's library does not describe `{name}`") from None

    def size(self, name):
        self.value(name)
        return self.entries[name][1]

    def field_of(self, content, name, at=0):
        """The number in the field, of the structure that lies at content[at]."""
        offset, size = self.value(name), self.entries[name][1]
        return int.from_bytes(content[at + offset:at + offset + size], "little")

    def field(self, address, name):
        """The number in the field, of the structure at the address."""
        return int.from_bytes(self.memory.read(address + self.value(name), self.size(name)), "little")

    def place(self, address):
        """(function, file, line) of a std::source_location's content; None where it says nothing."""
        try:
            file, function, line, _ = struct.unpack("<QQII", self.memory.read(address, 24))
        except Unreadable:
            return None
        return (text_at(self.memory, function), text_at(self.memory, file), line) if line else None

    # ---- workers ----------------------------------------------------------------------------------------------------

    def workers(self):
        count = min(self.field(self.runtime, "runtime.threads"), self.size("runtime.workers") // 8)
        if count == 0:
            return []
        table = self.memory.read(self.runtime + self.value("runtime.workers"), 8 * count)
        return [w for w in struct.unpack(f"<{count}Q", table) if w != 0]

    # ---- fibers -----------------------------------------------------------------------------------------------------

    def records_of(self, slab):
        """The bytes of the slab's records: read in one piece, or in pages where some are missing."""
        first, total = slab + self.value("slab.first"), self.value("slab.count") * self.size("fiber")
        try:
            return self.memory.read(first, total)
        except Unreadable:
            content = b""
            while len(content) < total:
                n = min(total - len(content), 4096 - (first + len(content)) % 4096)
                try:
                    content += self.memory.read(first + len(content), n)
                except Unreadable:
                    content += bytes(n)
            return content

    def fibers(self):
        """All that are alive, by id."""
        running = {self.field(w, "worker.current"): w for w in self.workers()}
        found = []
        slab = self.field(self.records, "records.slabs")
        stride, id_offset = self.size("fiber"), self.value("fiber.id")
        number = struct.Struct("<Q")
        for _ in range(SOUND_LIMIT):
            if slab == 0:
                break
            content = self.records_of(slab)
            for at in range(0, len(content), stride):
                if number.unpack_from(content, at + id_offset)[0] != 0:
                    address = slab + self.value("slab.first") + at
                    found.append(Fiber(self, address, content[at:at + stride], running.get(address)))
            slab = self.field(slab, "slab.next")
        return sorted((f for f in found if not f.abandoned), key=lambda f: f.id)

    def waiting_at(self, list_address, most=SOUND_LIMIT):
        """The addresses of the records of those that wait in a wait_list, at most so many."""
        owners = []
        waiter = self.field(list_address, "list.head")
        while waiter != 0 and len(owners) < most:
            owners.append(self.field(self.field(waiter, "waiter.ticket"), "ticket.owner"))
            waiter = self.field(waiter, "waiter.next")
        return owners

    def name_of(self, record):
        """How one that waits is called, given its record: a fiber by its id, or a plain thread."""
        number = self.field(record, "fiber.id")
        return f"fiber {number}" if number != 0 else "a plain thread"


class Fiber:
    def __init__(self, layout, address, content, worker):
        self.layout, self.address, self.content, self.worker = layout, address, content, worker
        self.id = self.field("id")
        self.parent = self.field("parent")
        self.state = layout.states.get(self.field("state"), "?")
        self.context = self.field("context")
        marks = self.field("marks")
        self.marks = [name for bit, name in layout.marks.items() if marks & bit]
        self.abandoned = "abandoned" in self.marks
        stack = self.field("stack")
        self.stack = (stack, stack + (layout.value("stack.reserve") << self.field("size_class"))) if stack else None

    def field(self, name):
        entry = self.layout.of_fiber.get(name)
        if entry is None:
            return self.layout.field_of(self.content, "fiber." + name)  # says what is missing
        offset, size = entry
        return int.from_bytes(self.content[offset:offset + size], "little")

    @property
    def reason(self):
        return self.layout.reasons.get(self.field("reason"), "") if self.state == "parked" else ""

    def kept(self, what):
        """The pointer of that name in what few fibers have (lib/fiber/locals.hpp); 0 where it or its description is
        missing."""
        if not self.layout.has("fiber.locals") or not self.layout.has("locals." + what) or self.field("locals") == 0:
            return 0
        return self.layout.field(self.field("locals"), "locals." + what)

    @property
    def name(self):
        """The name that the program gave it, and its labels."""
        memory, parts = self.layout.memory, []
        try:
            if self.kept("name"):
                parts.append(f'"{string_at(memory, self.kept("name"))}"')
            if self.kept("labels"):
                pairs = self.kept("labels") + self.layout.value("labels.all")
                first, last = struct.unpack("<QQ", memory.read(pairs, 16))
                size = self.layout.size("string")
                for at in range(first, min(last, first + 64 * 2 * size), 2 * size):
                    parts.append(f"{string_at(memory, at)}={string_at(memory, at + size)}")
        except Unreadable:
            pass  # it was being changed
        return " ".join(parts)

    @property
    def where(self):
        """(function, file, line) of the blocking call; None if it is not in one."""
        at = self.field("where") if self.state == "parked" else 0
        known = self.layout.places
        if at not in known:
            known[at] = self.layout.place(at) if at else None
        return known[at]

    def waited(self, now):
        """Nanoseconds for which it has been parked; None if it is not, or nobody knows."""
        start = self.field("wait_start")
        return max(now - start, 0) if self.state == "parked" and start and now is not None else None

    @property
    def registers(self):
        """What a parked fiber goes on with: {"rip": …, "rsp": …}."""
        saved = self.layout.memory.read(self.context, self.layout.size("frame"))
        found = {
            name[len("frame."):]: self.layout.field_of(saved, name)
            for name in self.layout.entries
            if name.startswith("frame.")
        }
        found["rsp"] = self.context + self.layout.size("frame")
        return found

    def owns(self, address):
        return self.stack is not None and self.stack[0] <= address < self.stack[1]

    @property
    def status(self):
        """What it does, in Go's words: `chan receive`, `running`."""
        extra = [m for m in self.marks if m in ("exiting", "locked", "leaked")]
        return ", ".join([self.reason or self.state] + [{"locked": "locked to thread"}.get(m, m) for m in extra])

    @property
    def place(self):
        if self.where is None:
            return ""
        function, file, line = self.where
        if "/c++/" in file and hasattr(self.layout.memory, "caller_in"):
            found = self.layout.memory.caller_in(self)  # scoped_lock and its like: who has called them
            if found:
                return found
        return f"{short(function)} at {file.rsplit('/', 1)[-1]}:{line}"

    @property
    def origin(self):
        """Who started it, and where."""
        if "main" in self.marks:
            return "the main fiber"
        by = f"fiber {self.parent}" if self.parent else "a plain thread"
        site, known = self.field("spawn_site"), self.layout.origins
        if site not in known:
            known[site] = self.layout.memory.place_of(site - 1)  # a return address: the call is before it
        return f"{known[site]} in {by}"

    @property
    def object(self):
        return self.field("object") if self.state == "parked" else 0

    def details(self):
        """What there is to say of the object that it waits on."""
        if self.reason not in ("chan receive", "chan send") or self.object == 0:
            return f"{self.object:#x}" if self.object else ""
        of, at = self.layout, self.object
        length, capacity, closed = (of.field(at, "chan." + k) for k in ("count", "capacity", "closed"))
        receivers, senders = (len(of.waiting_at(at + of.value("chan." + k))) for k in ("receivers", "senders"))
        return (f"{at:#x} (len {length}, cap {capacity}{', closed' if closed else ''}, receivers {receivers}, "
                f"senders {senders})")


@functools.lru_cache(maxsize=4096)
def short(function):
    """A function's name, without arguments, result type and what compilers add to it."""
    name = re.sub(r"(\s*\[clone [^\]]*\])+$|(\.(cold|part|constprop|isra|lto_priv)(\.\d+)?)+$", "", function)
    name = re.sub(r"\s*\[with .*\]$", "", name).replace("gossamer::v0::", "gossamer::")
    name = name.replace("[abi:cxx11]", "").replace("std::__cxx11::", "std::")
    name = re.sub(r"( const| noexcept| &)+$", "", name)
    name = re.sub(r"<lambda\([^()]*\)>|\{lambda\(.*?\)#\d+\}", "<lambda>", name)
    name = re.sub(r"\((?!anonymous)[^()]*\)(?=::)", "", name)
    name = re.sub(r"::operator\(\)(?=\(|$)", "", name) if "<lambda>" in name else name
    depth = 0
    for i in range(len(name) - 1, -1, -1):  # its arguments: what the last parenthesis closes
        depth += {")": 1, "(": -1}.get(name[i], 0)
        if depth == 0:
            if name[i] == "(" and not name[:i].endswith("operator"):
                name = name[:i]
            break
    depth = 0
    for i in range(len(name) - 1, -1, -1):  # its result: before a space that is in no bracket
        depth += {">": 1, ")": 1, "<": -1, "(": -1}.get(name[i], 0)
        if depth == 0 and name[i] == " ":
            name = name[i + 1:]
            break
    return name.lstrip("*&") or function


def for_people(ns):
    """A duration as Go writes it, to two places: 1.5s, 3m20s."""
    if ns is None:
        return ""
    if ns < 1_000_000:
        return f"{ns // 1000}us"
    if ns < 1_000_000_000:
        return f"{ns // 1_000_000}ms"
    seconds = ns / 1e9
    if seconds < 60:
        return f"{seconds:.1f}s"
    minutes, hours = int(seconds // 60), int(seconds // 3600)
    return f"{minutes}m{int(seconds % 60)}s" if hours == 0 else f"{hours}h{minutes % 60}m"


UNITS = {"ns": 1, "us": 1_000, "ms": 1_000_000, "s": 1_000_000_000, "m": 60_000_000_000, "h": 3_600_000_000_000}


def filter_of(words, now):
    """What `info fibers FILTER` asks for, as a function of the fiber. All words must hold:
    state=, reason=, name=, where=, created=, object=, id= (a list), wait= (at least so long); any other word must occur
    somewhere in what is printed of the fiber. Letters of either case."""
    tests = []
    texts = {
        "state": lambda f: f.state,
        "reason": lambda f: f.reason,
        "name": lambda f: f.name,
        "where": lambda f: " ".join(map(str, f.where or ())),
        "created": lambda f: f.origin,
        "object": lambda f: f"{f.object:#x}",
    }
    for word in words:
        key, equals, wanted = word.partition("=")
        if not equals:
            tests.append(lambda f, w=word.lower(): w in " ".join(columns(f, now)).lower())
        elif key in texts:
            tests.append(lambda f, k=key, w=wanted.lower(): w in texts[k](f).lower())
        elif key == "id":
            tests.append(lambda f, ids=frozenset(ids_of([wanted])): f.id in ids)
        elif key == "wait":
            m = re.fullmatch(r"(\d+(?:\.\d+)?)(ns|us|ms|s|m|h)", wanted)
            if m is None:
                raise Problem(f"wait={wanted}: a duration is a number and one of {' '.join(UNITS)}: wait=5s")
            least = float(m[1]) * UNITS[m[2]]
            tests.append(lambda f, n=least: (f.waited(now) or -1) >= n)
        else:
            raise Problem(f"no filter `{key}=`; there are: {'= '.join(sorted([*texts, 'id', 'wait']))}=")
    return lambda f: all(t(f) for t in tests)


class IdSet:
    def __init__(self):
        self.ranges = []

    def __iter__(self):
        for a, b in self.ranges:
            yield from range(a, b + 1)


def ranges_of(ids):
    """`3, 5-9` for ids in rising order; the first of them, where there are many."""
    ranges = []
    for n in ids:
        if ranges and ranges[-1][1] == n - 1:
            ranges[-1][1] = n
        else:
            ranges.append([n, n])
    shown = ", ".join(str(a) if a == b else f"{a}-{b}" for a, b in ranges[:20])
    return shown + (", ..." if len(ranges) > 20 else "")


def ids_of(words):
    """The ids in `3 5-9,12`."""
    found = IdSet()
    for part in re.split(r"[,\s]+", " ".join(words).strip()):
        m = re.fullmatch(r"(\d+)(?:-(\d+))?", part)
        if m is None:
            raise Problem(f"`{part}` is no fiber: ids are numbers, or ranges as 3-9")
        a, b = int(m[1]), int(m[2] or m[1])
        if b - a > 1_000_000:
            raise Problem(f"`{part}` names too many")
        found.ranges.append((a, b))
    return found


def chosen_of(fibers, words):
    """The fibers that `all`, or `3 5-9`, means. Ranges may have gaps; what is named alone must be there."""
    if words == "all":
        return fibers
    by_id = {f.id: f for f in fibers}
    wanted = ids_of([words])
    found = [by_id[n] for n in wanted if n in by_id]
    alone = [a for a, b in wanted.ranges if a == b and a not in by_id]
    if alone or not found:
        raise Problem(f"gossamer: there is no fiber {alone[0] if alone else words} (in the list of all)")
    return found


def heading(f, now):
    """What stands above a fiber's stack."""
    since = for_people(f.waited(now))
    return f"Fiber {f.id} [{f.status}{', ' + since if since else ''}], created by {f.origin}:"


def columns(f, now):
    """What is printed of a fiber, in a line."""
    name = " " + f.name if f.name else ""
    return str(f.id), f.status + name, for_people(f.waited(now)), f.place, f.origin


def table(fibers, now, chosen=None, running=None):
    """The lines of `info fibers`. running(f): what to add to the status of one that runs."""
    rows = [("", "ID", "STATUS", "SINCE", "WHERE", "CREATED BY")]
    for f in fibers:
        number, status, since, place, origin = columns(f, now)
        if running is not None and f.state == "running":
            status += running(f)
        rows.append(("*" if chosen is not None and f.id == chosen else "", number, status, since, place, origin))
    widths = [max(len(row[i]) for row in rows) for i in range(5)]
    return ["  ".join([c.ljust(w) for c, w in zip(row, widths)] + [row[5]]).rstrip() for row in rows]


def latest_sight(layout, fibers, core=None):
    """The time of a core, where nobody can read the clock any more. The file tells when it was written, if that was on
    this machine since it was started; else it is the latest time that is on record, which may be long before."""
    seen = [layout.field(w, "worker.now") for w in layout.workers()] + [f.field("wait_start") for f in fibers]
    latest = max(seen, default=None)
    try:
        now = time.clock_gettime_ns(time.CLOCK_MONOTONIC)
        written = os.stat(core).st_mtime_ns - (time.time_ns() - now)
    except (OSError, TypeError):
        return latest
    return written if latest is not None and latest <= written <= now else latest
