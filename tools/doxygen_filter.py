#!/usr/bin/env python3
"""Doxygen's INPUT_FILTER: prints a header with its comments in the form that doxygen reads. A comment right above a
declaration becomes `///`, one behind a member `///<`; what doxygen would take for a command or a tag is escaped.

usage: doxygen_filter.py HEADER
"""

import re
import sys
from pathlib import Path

COMMENT = re.compile(r"^(\s*)//(?!/) ?(.*)$")
BEHIND = re.compile(r"^(\s*[^\s/#].*[;,{)])\s+//(?!/) ?(.*)$")
SPECIAL = re.compile(r"[\\@<>#%&]")
STRING = re.compile(r'"(?:[^"\\]|\\.)*"')


def escaped(text):
    """As it is to be read; an example, which is indented, is code for Markdown."""
    if text.startswith("  "):
        return "    " + text
    return SPECIAL.sub(r"\\\g<0>", text)


def is_declaration(line):
    text = line.strip()
    return text != "" and not text.startswith(("//", "#", "}", ")", "namespace", "public:", "private:", "protected:"))


def ours(lines):
    """Without specialisations of std's and Boost's templates, which stand outside our namespace: empty lines instead."""
    inside = True
    out = []
    for line in lines:
        inside = inside or line.startswith("namespace gossamer")
        out.append(line if inside and not line.strip().startswith("friend std::hash") else "")
        inside = inside and not line.startswith("}  // namespace gossamer")
    return out


def convert(lines):
    lines = ours(line.replace("gossamer::inline v0", "gossamer") for line in lines)  # doxygen knows no nested inline
    out = []
    at = 0
    while at < len(lines):
        end = at
        while end < len(lines) and COMMENT.match(lines[end]):
            end += 1
        if end == at:
            behind = BEHIND.match(STRING.sub(lambda m: "_" * len(m[0]), lines[at]))
            if behind:
                code = lines[at][:len(behind[1])]
                out.append(f"{code}  ///< {escaped(behind[2])}")
            else:
                out.append(lines[at])
            at += 1
            continue
        documents = end < len(lines) and is_declaration(lines[end])
        for line in lines[at:end]:
            indent, text = COMMENT.match(line).groups()
            out.append(f"{indent}/// {escaped(text)}" if documents else line)
        at = end
    return out


if __name__ == "__main__":
    print("\n".join(convert(Path(sys.argv[1]).read_text(encoding="utf-8").splitlines())))
