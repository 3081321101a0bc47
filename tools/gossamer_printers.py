"""How gdb prints gossamer's objects: handles by what they refer to, and whoever waits by fiber. See gossamer_gdb.py.

Nothing is called in the program, so they work in cores. What has no debug information is read by the description of the
tables, and errors by their run-time type.
"""

import os
import re

import gdb
import gdb.printing
import gossamer_tables as tables

NAMESPACE = r"^gossamer::(v\d+::)?"
NAMED, COUNTED = 8, 200  # of those that wait in a list


class Printers:
    """memory and layout() are gossamer_gdb's."""

    def __init__(self, memory, layout):
        self.memory, self.layout = memory, layout

    def register(self):
        all_of_them = gdb.printing.RegexpCollectionPrettyPrinter("gossamer")
        for name, pattern, make in [
            ("chan", NAMESPACE + r"(recv_|send_)?chan<.*>$", Chan),
            ("mutex", NAMESPACE + r"sync::mutex$", Mutex),
            ("rw_mutex", NAMESPACE + r"sync::rw_mutex$", RwMutex),
            ("wait_group", NAMESPACE + r"sync::wait_group$", WaitGroup),
            ("context", NAMESPACE + r"context::context$", Context),
            ("error", NAMESPACE + r"(error|errors::sentinel)$", Error),
            # Where libstdc++'s own printers are not loaded: they go first.
            ("optional", r"^std::optional<.*>$", Optional),
        ]:
            all_of_them.add_printer(name, pattern, lambda v, m=make: m(v, self))
        gdb.printing.register_pretty_printer(None, all_of_them, replace=True)

    def number(self, value):
        """An atomic, or whatever else holds one."""
        return int.from_bytes(self.memory.read(int(value.address), value.type.sizeof), "little")

    def waiting(self, wait_list):
        """`fiber 5, fiber 7`; of many the first. A backtrace prints this for each frame that has the channel, and the
        process stands still meanwhile: a long list is not gone through."""
        try:
            of = self.layout()
            records = of.waiting_at(int(wait_list.address), COUNTED + 1)
            names = [of.name_of(record) for record in records[:NAMED]]
        except tables.Problem:
            return ""
        many = f"more than {COUNTED}" if len(records) > COUNTED else f"{len(records)} in all"
        return ", ".join(names + [f"… {many}"] * (len(records) > NAMED))

    def holder(self, lock):
        """`fiber 5`; empty where it is a plain thread, or not known. It is found as debug::object_info::owner is."""
        try:
            mark = self.number(lock["holder_"])
            return next((f"fiber {f.id}" for f in self.layout().fibers() if f.owns(mark)), "")
        except (tables.Problem, gdb.error):
            return ""

    def also(self, what, wait_list):
        """`, WHAT: fiber 5` where anybody waits."""
        names = self.waiting(wait_list)
        return f", {what}: {names}" if names else ""


class Printer:
    def __init__(self, value, of):
        self.value, self.of = value, of

    def guarded(self, describe):
        try:
            return describe()
        except (tables.Problem, gdb.error) as e:
            return f"<{e}>"


def bit(value, name, otherwise):
    """A constant of the class's own."""
    try:
        return int(value[name])
    except (gdb.error, RuntimeError):
        return otherwise


class Chan(Printer):
    def __init__(self, value, of):
        super().__init__(value, of)
        end = value
        if not any(f.name == "reference_" for f in end.type.strip_typedefs().fields()):
            end = end.cast(end.type.strip_typedefs().fields()[0].type)  # a whole chan: its receiving end
        self.core = end["reference_"]["core_"]
        self.element = value.type.strip_typedefs().template_argument(0)
        self.name = re.sub(r"\b(class|struct|enum) ", "", str(self.element))

    def number(self, name):
        return self.of.number(self.core[name])

    def to_string(self):
        return self.guarded(self.describe)

    def describe(self):
        if int(self.core) == 0:
            return "nil"
        timer = self.number("end") != 0  # looks unbuffered
        length, capacity = (0, 0) if timer else (self.number("count"), self.number("capacity"))
        return (
            f"chan<{self.name}> len {length}, cap {capacity}"
            + (", closed" if self.number("closed") else "")
            + self.of.also("receiving", self.core["receivers"])
            + self.of.also("sending", self.core["senders"])
        )

    def children(self):
        try:
            yield from self.elements()
        except (tables.Problem, gdb.error):
            return

    def elements(self):
        if int(self.core) == 0 or self.element.code == gdb.TYPE_CODE_VOID or self.number("end") != 0:
            return
        size = int(self.core["type"]["size"])
        if size == 0:
            return
        kind, boxed = self.element, False
        try:
            kind = gdb.lookup_type(f"gossamer::v0::detail::boxed<{self.name}>")
            boxed = True
        except gdb.error:
            pass
        capacity, head = self.number("capacity"), self.number("head")
        for i in range(min(self.number("count"), capacity)):
            slot = int(self.core["slots"]) + (head + i) % capacity * size
            value = gdb.Value(slot).cast(kind.pointer()).dereference()
            yield f"[{i}]", value["value_"].dereference() if boxed else value

    def display_hint(self):
        return None


class Mutex(Printer):
    def to_string(self):
        return self.guarded(self.describe)

    def describe(self):
        held = "unlocked"
        if self.of.number(self.value["word_"]) & bit(self.value, "locked", 1):
            holder = self.of.holder(self.value)
            held = f"locked by {holder}" if holder else "locked"
        return held + self.of.also("waiting", self.value["waiters_"])


class RwMutex(Printer):
    def to_string(self):
        return self.guarded(self.describe)

    def describe(self):
        word = self.of.number(self.value["word_"])
        readers = word // bit(self.value, "reader", 1 << 32)
        held = "unlocked"
        if word & bit(self.value, "writer", 2):
            held = f"locked by {self.of.holder(self.value) or 'a writer'}"
        elif word & bit(self.value, "apart", 64):
            held = "open to readers, who are counted elsewhere"
        elif readers > 0:
            held = f"locked by {readers} reader{'s' if readers > 1 else ''}"
        return (
            held
            + self.of.also("readers waiting", self.value["readers_"])
            + self.of.also("writers waiting", self.value["writers_"])
        )


class WaitGroup(Printer):
    def to_string(self):
        return self.guarded(self.describe)

    def describe(self):
        count = self.of.number(self.value["word_"]) >> 32
        return f"count {count}" + self.of.also("waiting", self.value["waiters_"])


class Optional(Printer):
    def to_string(self):
        try:
            payload = self.value["_M_payload"]
            return str(payload["_M_payload"]["_M_value"]) if payload["_M_engaged"] else "empty"
        except gdb.error as e:
            return f"<{e}>"


def run_time_name(memory, address):
    """The mangled name of an object's type, from its virtual table: there in stripped programs too."""
    table = int.from_bytes(memory.read(address, 8), "little")
    info = int.from_bytes(memory.read(table - 8, 8), "little")
    return tables.text_at(memory, int.from_bytes(memory.read(info + 8, 8), "little")).lstrip("*")


def type_of(address, memory):
    """The type of the object, where it has debug information. By its virtual table's symbol: a class whose table is in
    the library has no base that gdb could start from."""
    symbol = gdb.execute(f"info symbol {int.from_bytes(memory.read(address, 8), 'little'):#x}", to_string=True)
    m = re.match(r"vtable for (.*) \+ 16 in section", symbol)
    try:
        return gdb.lookup_type(m[1]) if m else None
    except gdb.error:
        return None


def error_text(of, address):
    """The text of the error object, as far as it can be had without a call."""
    if address == 0:
        return "nil"
    memory = of.memory

    def word(at):
        return int.from_bytes(memory.read(at, 8), "little")

    kind = run_time_name(memory, address)
    own = address + of.layout().size("error")  # what the type adds to its base
    if kind.endswith("12_GLOBAL__N_15plainE"):
        return tables.string_at(memory, own)
    if kind.endswith("12_GLOBAL__N_17wrappedE"):
        return f"{tables.string_at(memory, own + 8)}: {error_text(of, word(own))}"
    if kind.endswith("12_GLOBAL__N_16joinedE"):
        return "; ".join(error_text(of, word(a)) for a in range(word(own), min(word(own + 8), word(own) + 512), 8))
    if kind.endswith("15sentinel_object7literalE"):
        return tables.text_at(memory, word(own))
    if kind.endswith("6errors4codeE"):
        code = int.from_bytes(memory.read(own, 4), "little", signed=True)
        category = run_time_name(memory, word(own + 8))
        known = re.search(r"(generic|system)_error_category", category)
        return os.strerror(code) if known else f"code {code} of {category}"
    whole = type_of(address, memory)
    if whole is not None:
        return f"{whole.name} {gdb.Value(address).cast(whole.pointer()).dereference()}"
    return f"({kind}) {address:#x}"


class Error(Printer):
    def to_string(self):
        return self.guarded(lambda: error_text(self.of, int(self.value["object_"])))


class Context(Printer):
    """How it came about, as its text(): context.background.with_value("user", "bob").with_cancel"""

    def to_string(self):
        return self.guarded(lambda: self.describe(int(self.value["object_"])))

    def describe(self, address):
        if address == 0:
            return "nil"
        of = self.of.layout()
        kinds = of.named("kind=")
        steps, ended = [], ""
        while address != 0 and len(steps) < 1000:
            kind = kinds.get(of.field(address, "context.kind"), "?")
            steps.append(self.step(of, address, kind))
            if kind == "with_cancel" and not ended and of.field(address, "context.phase") != of.value("phase=live"):
                ended = f", cancelled: {error_text(self.of, of.field(address, 'context.err'))}"
            address = of.field(address, "context.parent") if kind != "foreign" else 0
        return "".join(reversed(steps)) + ended

    def step(self, of, address, kind):
        if kind == "background":
            return "context.background"
        if kind == "foreign":
            return f"({run_time_name(self.of.memory, address)})"
        if kind == "with_cancel" and of.field(address, "context.timed"):
            return ".with_deadline"
        if kind != "with_value":
            return "." + kind
        whole = type_of(address, self.of.memory)
        if whole is None:
            return ".with_value(…)"
        value = gdb.Value(address).cast(whole.pointer()).dereference()
        return f".with_value({self.shown(value['key_object_'])}, {self.shown(value['value_object_'])})"

    def shown(self, value):
        """Strings as they are, whether or not libstdc++'s printers are loaded."""
        if value.type.strip_typedefs().name.startswith("std::__cxx11::basic_string<char"):
            return f'"{tables.string_at(self.of.memory, int(value.address))}"'
        return str(value)
