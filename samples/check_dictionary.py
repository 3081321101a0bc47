#!/usr/bin/env python3
"""Compiles the dictionary: what README.md says a Go line is in C++ must be C++.

    check_dictionary.py README INCLUDE_DIRECTORY -- COMPILER [ARGS]

What is read, and how it is compiled:

- Tables headed `Go | gossamer | what differs` (or `C++` in the second place): every code span of the second cell. A
  span is a few statements or an expression, in a scope of its own; one that starts with a type, a template, a function
  definition and the like stands at namespace scope, also alone. An … in it is left out.
- Tables headed `wrong | right | why`: the spans of the first two cells. Where the wrong one is wrong because it does
  not compile the row ends in `<!-- does not compile: REGEX -->`.
- Fenced blocks of ```cpp: statements; of ```cpp file: at namespace scope; of ```cpp sample=NAME: not compiled here, but
  word for word a part of NAME.cpp, which the tests run.
- Elsewhere (what differs, prose): a name like `sync::mutex` or std::vector must exist.
- `<!-- given … -->` and `<!-- given file … -->` declare what the pieces that follow in the same section use, in a
  function and at namespace scope. `<!-- prose -->` at a row's end: there is nothing to compile in it.
- Links to headings must lead somewhere.

Whatever is none of this fails: a table with other headings, a row with too few cells, brackets that do not match.
break_dictionary.py proves that what is broken is found.
"""

import re
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

HEADERS = """algorithm any array atomic bit cctype charconv chrono cmath compare concepts condition_variable csignal cstdint cstdio cstdlib
    ctime deque exception filesystem fstream functional initializer_list iostream iterator limits list map memory mutex
    numeric optional queue random ranges regex set shared_mutex source_location span sstream stack stdexcept string
    string_view system_error thread tuple type_traits typeinfo unordered_map unordered_set utility variant vector
    errno.h netdb.h pwd.h signal.h time.h unistd.h gossamer/gossamer.hpp gossamer/conc.hpp gossamer/fmt.hpp gossamer/synctest.hpp""".split()

PACKAGES = "conc context debug errgroup errors fmt http io leak net os rate runtime semaphore signal singleflight sync synctest time tls"
# No names of something that could be declared by a using.
NAMESPACES = {f"std::{name}" for name in ("chrono", "ranges", "views", "this_thread", "filesystem", "execution")} | {
    f"http::{name}" for name in ("mime", "multipart", "pprof", "test")}
NAME = re.compile(rf"(?<![\w:])(?:(?:{PACKAGES.replace(' ', '|')}|std)::\w+)")

# What stands at namespace scope: definitions of types, templates, functions and variables of static storage.
AT_FILE_SCOPE = re.compile(
    r"(?:template|inline|namespace|using namespace|extern|concept|struct|class|enum|union|fiber_local|constinit)\b|"
    r"(?!(?:if|for|while|do|switch|return|else|go|throw|try|delete|new|case)\b)"
    r"(?:[\w:]|<[^()]*>)+[ &*]+\w+\([^()]*(?:\([^()]*\)[^()]*)*\)[^;={]*\{")

DICTIONARY = {("Go", "gossamer", "what differs"): (1,), ("Go", "C++", "what differs"): (1,),
              ("wrong", "right", "why"): (0, 1)}
OTHER_TABLES = {("sample", "shows")}


@dataclass
class Piece:
    line: int
    code: str
    at_file_scope: bool
    fails: str = ""  # the regex of the error that it must cause


@dataclass
class Section:
    title: str
    given: list = field(default_factory=list)  # Pieces
    pieces: list = field(default_factory=list)  # Pieces; a given one stands before those that it is given to
    names: list = field(default_factory=list)  # (line, name)


class Document:
    """The pieces of a README, and what is wrong with its form: findings of (line, message)."""

    def __init__(self, text, folder):
        self.folder = folder
        self.lines = text.split("\n")
        self.sections = [Section("(start)")]
        self.findings = []
        self.tables = []  # the lines of their first rows
        self.blocks = []  # the lines after their fences
        self.rows = 0
        self.read()

    def wrong(self, line, message):
        self.findings.append((line, message))

    def read(self):
        at = 0
        while at < len(self.lines):
            text = self.lines[at]
            if text.startswith("```"):
                at = self.read_block(at)
            elif text.startswith("#"):
                self.sections.append(Section(text))
                at += 1
            elif re.match(r"<!-- given\b", text):
                at = self.read_given(at)
            elif text.startswith("|"):
                at = self.read_table(at)
            else:
                self.take_names(at + 1, text)
                at += 1
        self.check_anchors()

    def read_block(self, at):
        info = self.lines[at][3:].split()
        end = next((i for i in range(at + 1, len(self.lines)) if self.lines[i].startswith("```")), None)
        if end is None:
            self.wrong(at + 1, "a block without an end")
            return len(self.lines)
        code = "\n".join(self.lines[at + 1:end])
        if info[:1] == ["cpp"]:
            self.blocks.append(at + 2)
            sample = next((word[7:] for word in info if word.startswith("sample=")), None)
            if sample is None:
                self.add(at + 2, code, "file" in info)
            elif code not in (self.folder / f"{sample}.cpp").read_text(encoding="utf-8"):
                self.wrong(at + 2, f"is not what stands in {sample}.cpp")
        elif info[:1] not in (["go"], ["text"], ["sh"]):
            self.wrong(at + 1, "a block of no known kind")
        return end + 1

    def read_given(self, at):
        end = next((i for i in range(at, len(self.lines)) if self.lines[i].rstrip().endswith("-->")), None)
        if end is None:
            self.wrong(at + 1, "a comment without an end")
            return len(self.lines)
        text = "\n".join(self.lines[at:end + 1])
        head = re.match(r"<!-- given( file)?\b", text)
        code = re.sub(r"-->\s*$", "", text[head.end():])
        if self.well_formed(at + 1, code):
            self.sections[-1].pieces.append(("given", Piece(at + 1, code, head[1] is not None)))
        return end + 1

    def read_table(self, at):
        header = tuple(cells_of(self.lines[at]))
        end = at
        while end < len(self.lines) and self.lines[end].startswith("|"):
            end += 1
        if header in OTHER_TABLES:
            return end
        if header not in DICTIONARY:
            self.wrong(at + 1, f"a table of no known kind: {' | '.join(header)}")
            return end
        if end <= at + 2 or not re.fullmatch(r"[|\s:-]+", self.lines[at + 1]):
            self.wrong(at + 1, "a table without rows")
            return end
        self.tables.append(at + 3)
        for i in range(at + 2, end):
            self.read_row(i + 1, self.lines[i], len(header), DICTIONARY[header])
        return end

    def read_row(self, line, text, width, code_cells):
        cells = cells_of(text)
        fails = re.search(r"<!-- does not compile: (.+?) -->", cells[-1])
        prose = any("<!-- prose -->" in cell for cell in cells)
        cells = [re.sub(r"<!--.*?-->", "", cell) for cell in cells]
        self.rows += 1
        if len(cells) != width:
            self.wrong(line, f"{len(cells)} cells instead of {width} (a | in code is written \\|)")
            return
        for i, cell in enumerate(cells):
            if cell.count("`") % 2:
                self.wrong(line, "a code span without an end")
                return
            if i not in code_cells or prose:
                if i > 0 or 0 in code_cells:  # what Go says is Go's
                    self.take_names(line, cell)
                continue
            spans = re.findall(r"`([^`]+)`", cell)
            if not spans:
                self.wrong(line, "nothing to compile, and no <!-- prose -->")
            for span in spans:
                code = span.replace("…", " ")
                self.add(line, code, AT_FILE_SCOPE.match(code) is not None, fails[1] if fails and i == 0 else "")

    def add(self, line, code, at_file_scope, fails=""):
        if self.well_formed(line, code):
            self.sections[-1].pieces.append(("piece", Piece(line, code, at_file_scope, fails)))

    def well_formed(self, line, code):
        """Whether the code cannot reach beyond its end: brackets match, and no directive hides anything."""
        if re.search(r"^\s*#(?!include <)", code, re.M):
            self.wrong(line, "a directive other than #include")
            return False
        bare = re.sub(r'//[^\n]*|/\*.*?\*/|"(?:\\.|[^"\\\n])*"|(?<!\w)\'(?:\\.|[^\'\\\n])+\'', " ", code, flags=re.S)
        if "/*" in bare or '"' in bare or code.rstrip().endswith("\\"):
            self.wrong(line, "a comment, string or line without an end")
            return False
        open_ones = []
        for c in bare:
            if c in "([{":
                open_ones.append(c)
            elif c in ")]}" and (not open_ones or open_ones.pop() + c not in ("()", "[]", "{}")):
                self.wrong(line, f"'{c}' closes nothing")
                return False
        if open_ones:
            self.wrong(line, f"'{open_ones[-1]}' is not closed")
        return not open_ones

    def take_names(self, line, text):
        for span in re.findall(r"`([^`]+)`", text):
            for name in NAME.findall(span):
                if name not in NAMESPACES:
                    self.sections[-1].names.append((line, name))

    def check_anchors(self):
        anchors = {re.sub(r"[^\w -]", "", s.title.lstrip("# ").lower()).replace(" ", "-") for s in self.sections}
        for number, text in enumerate(self.lines, 1):
            for anchor in re.findall(r"\]\(#([^)]+)\)", text):
                if anchor not in anchors:
                    self.wrong(number, f"there is no heading #{anchor}")


def cells_of(row):
    return [cell.strip().replace("\\|", "|") for cell in re.split(r"(?<!\\)\|", row.strip().removeprefix("|"))[:-1]]


class Unit:
    """A translation unit: sections with what must compile in them, or with what must not."""

    def __init__(self, file):
        self.file = file
        self.includes = [f"#include <{name}>" for name in HEADERS]
        self.body = []

    def source(self):
        return "\n".join([*self.includes, "using namespace gossamer;", *self.body, ""])

    def put(self, line, code):
        own = []
        for text in code.split("\n"):
            if text.lstrip().startswith("#include"):
                self.includes.append(text.strip())
                text = ""
            own.append(text)
        place = f'#line {line} "{self.file}"'
        self.body += [place, *own, place, ";"]

    def section(self, number, section, failing):
        self.body.append(f"namespace section_{number} {{")
        statements = []
        for n, (kind, piece) in enumerate(section.pieces):
            if kind == "piece" and bool(piece.fails) != failing:
                continue
            if not piece.at_file_scope:
                statements.append((kind, piece))
                continue
            if kind == "given":
                self.put(piece.line, piece.code)
            else:
                self.body.append(f"namespace piece_{n} {{")
                self.put(piece.line, piece.code)
                self.body.append("}")
        self.body.append("void all() {")
        for kind, piece in statements:
            if kind == "given":
                self.put(piece.line, piece.code)
            else:
                self.body.append("[&] {")
                self.put(piece.line, piece.code)
                self.body.append("};")
        self.body.append("}")
        for n, (line, name) in enumerate([] if failing else section.names):
            package = "std" if name.startswith("std::") else "gossamer"
            full = name if package == "std" else f"gossamer::{name}"
            self.body.append(f"namespace name_{n} {{")
            self.put(line, f"using ::{full};")
            self.body.append("}")
        self.body.append("}")


def units_of(document, file):
    """Units of what must compile, and units of what must not: of sections that include the same, beside HEADERS."""
    compiling, failing = {}, {}
    for number, section in enumerate(document.sections):
        code = "\n".join(piece.code for _, piece in section.pieces)
        includes = tuple(re.findall(r"^\s*#include .*", code, re.M))
        compiling.setdefault(includes, Unit(file)).section(number, section, False)
        if any(piece.fails for _, piece in section.pieces):
            failing.setdefault(includes, Unit(file)).section(number, section, True)
    return list(compiling.values()), list(failing.values())


def compiled(command, unit):
    # Not -fsyntax-only: g++ leaves out the bodies of templates then, in which the library refuses misuse.
    result = subprocess.run([*command, "-w", "-S", "-o", "/dev/null", "-x", "c++", "-"], input=unit.source(),
                            capture_output=True, text=True, check=False)
    return result.returncode, result.stderr


def errors_in(output, readme):
    """(line, message) for each error at a line of the document, or in a template that a line of it has instantiated:
    g++ names that line before the error, clang after it."""
    found = []
    asked_by = elsewhere = None
    for text in output.splitlines():
        at = re.match(rf"{re.escape(str(readme))}:(\d+):", text)
        error = re.search(r": (?:fatal )?error: (.*)$", text)
        if error:
            line = int(at[1]) if at else asked_by
            if line is not None:
                found.append((line, error[1]))
            elsewhere = error[1] if line is None else None
            asked_by = None
        elif at and "required from here" in text:
            asked_by = int(at[1])
        elif at and elsewhere and "requested here" in text:
            found.append((int(at[1]), elsewhere))
            elsewhere = None
    return found


def check(text, readme, command):
    """All findings of the document, as (line, message), and the document. Line 0: it cannot be told where."""
    document = Document(text, readme.parent)
    units, failing = units_of(document, readme)
    findings = document.findings
    with ThreadPoolExecutor(2) as pool:
        results = list(pool.map(lambda unit: compiled(command, unit), units + failing))
    found = [errors_in(output, readme) for _, output in results]
    for (code, output), mine in zip(results[:len(units)], found):
        findings += mine or ([(0, output)] if code != 0 else [])
    # What is given is compiled above: an error in it here is what follows from a piece's.
    must_fail = {piece.line: piece.fails for s in document.sections for _, piece in s.pieces if piece.fails}
    for line, pattern in must_fail.items():
        messages = [message for mine in found[len(units):] for at, message in mine if at == line]
        if not messages:
            findings.append((line, "compiles, and must not"))
        elif not any(re.search(pattern, message) for message in messages):
            findings.append((line, f"fails for another reason than /{pattern}/: {messages[0]}"))
    return sorted(findings), document


def from_arguments(arguments):
    """The README, and the command that compiles."""
    readme, include = (Path(a).resolve() for a in arguments[:2])
    command = [*arguments[arguments.index("--") + 1:], f"-I{include}"]
    version = subprocess.run([*command, "--version"], capture_output=True, text=True, check=True).stdout
    command.append("-ferror-limit=0" if "clang" in version else "-fmax-errors=0")
    return readme, command


def main():
    readme, command = from_arguments(sys.argv[1:])
    findings, document = check(readme.read_text(encoding="utf-8"), readme, command)
    for line, message in findings:
        print(f"{readme}:{line}: {message}")
    pieces = sum(kind == "piece" for s in document.sections for kind, _ in s.pieces)
    names = sum(len(s.names) for s in document.sections)
    print(f"{pieces} pieces of {document.rows} rows and {len(document.blocks)} blocks, {names} names: "
          f"{len(findings)} findings")
    return 1 if findings else 0


if __name__ == "__main__":
    sys.exit(main())
