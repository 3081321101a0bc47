"""Reads the public headers: what they declare with GOSSAMER_API, and which inline variables they define.

No parser of C++: it knows namespaces, classes, and where a declaration ends, which is enough for headers that
clang-format has laid out.
"""

import re

NAMESPACE = re.compile(r"^(?:inline )?namespace ([\w: ]+)$")
CLASS = re.compile(r"^(template <.*> ?(?:requires .*)?)?(?:class|struct|union) (GOSSAMER_API )?(?:\[\[[^]]*\]\] ?)?(\w+)\b")
NO_FUNCTION = re.compile(r"^(using|typedef|friend|static_assert|template|enum|class|struct|union)\b|\b(default|delete|0)$")


def plain(text):
    """Without comments, literals and directives; all white space is single spaces."""
    text = re.sub(r"\\\n", " ", text)
    text = re.sub(r'R"(\w*)\(.*?\)\1"|"(?:\\.|[^"\\\n])*"|(?<!\w)\'(?:\\.|[^\'\\])+\'|//[^\n]*|/\*.*?\*/',
                  lambda m: " " if m[0].startswith("/") else '""', text, flags=re.S)
    text = re.sub(r"^[ \t]*#[^\n]*$", " ", text, flags=re.M)
    return re.sub(r"\s+", " ", text)


def end_of(text, at, opening, closing):
    """The place behind what closes the parenthesis at `at`."""
    depth = 0
    for i in range(at, len(text)):
        depth += (text[i] == opening) - (text[i] == closing)
        if depth == 0:
            return i + 1
    raise ValueError(f"no {closing} for: {text[at:at + 60]}")


def without_templates(head):
    """Template arguments out, so that no comma or parenthesis within them is taken for the declaration's."""
    while True:
        shorter = re.sub(r"(?<!operator)(?<!operator<)<(?![<=])[^<>]*>", "", head)
        if shorter == head:
            return head
        head = shorter


def called(head):
    """The name that a function's declaration declares; None if it is none. Of a conversion: `operator` and the type's
    last name."""
    head = without_templates(re.sub(r"\[\[.*?\]\]", "", head)).split(" = ")[0]
    match = re.search(r"(operator ?\(\)|operator ?[^\w\s(]+|operator [\w:]+[&*]?|~?[\w:]+) ?\((?!\*)", head)
    return re.sub(r"operator (\w+::)*", "operator ", match[1]) if match else None


class scanner:
    def __init__(self, header):
        self.header = header
        self.functions = set()
        self.objects = set()
        self.variables = []
        self.defined = set()  # inline, outside of their classes

    def scan(self, text, scope, kind):
        """kind: None in a namespace; in a class whether it is exported, or "template"."""
        at = 0
        while at < len(text):
            stop = at
            while match := re.compile(r"[;{(]").search(text, stop):
                if match[0] != "(":
                    break
                stop = end_of(text, match.start(), "(", ")")  # a semicolon or brace in there ends nothing
            if match is None:
                return
            stop = match.start()
            head = re.sub(r"^(\s*(public|private|protected) ?:)+", "", text[at:stop]).strip()
            at = stop + 1
            if text[stop] == ";":
                self.declaration(head, scope, kind)
                continue
            end = end_of(text, stop, "{", "}")
            body = text[stop + 1:end - 1]
            at = end
            if match := NAMESPACE.match(head):
                self.scan(body, scope + match[1].replace("inline ", "").split("::"), None)
            elif head.startswith("extern \"\""):
                self.scan(body, scope, kind)
            elif match := CLASS.match(head):
                inner = "template" if match[1] or kind == "template" else bool(match[2] or kind is True)
                self.scan(body, [*scope, match[3]], inner)
            elif re.search(r"\binline\b", head) and "(" not in without_templates(head) and kind is None:
                self.declaration(head, scope, kind)
            elif kind is None and (name := called(head)) and "::" in name:
                self.defined.add("::".join([*scope, name]))

    def declaration(self, head, scope, kind):
        if kind is None and re.search(r"\binline\b", head) and not head.startswith("template"):
            name = re.split(r" ?=", without_templates(head))[0].split()[-1]
            if "(" not in re.split(r" ?=", without_templates(head))[0]:
                if not re.search(r"\bconstexpr\b", head):  # a value: it does not matter how often it is there
                    self.variables.append((self.header, "::".join([*scope, name])))
                return
        exported = "GOSSAMER_API" in head or kind is True
        if not exported or kind == "template" or NO_FUNCTION.search(head):
            return
        name = called(head)
        if name is not None:
            self.functions.add("::".join([*scope, name]))
        elif kind is None and re.search(r"\bextern\b", head):
            self.objects.add("::".join([*scope, without_templates(head).split()[-1]]))
            self.variables.append((self.header, "::".join([*scope, without_templates(head).split()[-1]])))


# Whose headers these are; all others are gossamer's.
HTTP = re.compile(r"gossamer/(?:http|tls|ws)[/.]")


def declarations(include, library="gossamer"):
    """The qualified names that this library must export (gossamer or gossamer-http), and (header, qualified name) of
    each variable of its headers that is no constexpr value."""
    names, defined, variables = set(), set(), []
    for path in sorted(include.glob("gossamer/**/*.hpp")):
        name = str(path.relative_to(include))
        if (HTTP.match(name) is not None) != (library == "gossamer-http"):
            continue
        found = scanner(name)
        found.scan(plain(path.read_text()), [], None)
        names |= found.functions | found.objects
        defined |= found.defined
        variables += found.variables
    return names - defined, variables
