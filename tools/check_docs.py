#!/usr/bin/env python3
"""Checks that what the tree says of itself resolves: links between its pages, pages that comments name, and the codes
of docs/go-semantics.md that test titles and comments cite.

usage: check_docs.py [ROOT]      check the tree; exit code 1 names each fault
       check_docs.py --self-test prove that each rule can fail
"""

import re
import subprocess
import sys
import tempfile
from pathlib import Path

SEMANTICS = "docs/go-semantics.md"
CODE = re.compile(r"\b(?:CH|SE|GO|MU|RW|WG|ON|CO|PO|MA|CX|TI|EG|SM|SF|RA|FR|NE|HT|SI)\d{1,2}\b")
DEFINITION = re.compile(r"^\| ([A-Z]{2}\d{1,2}) \|", re.M)
# A target is a path: it has a dot or a slash (`[=](err)` is C++).
LINK = re.compile(r"\]\((?=[^)\s]*[./])([\w./-]+)(?:#[^)\s]*)?\)")
PAGE = re.compile(r"(?<![$\w/])(?:[\w-]+/)*[\w-]+\.md\b")
# A table's cell that names files: `sched/park.hpp` is below lib/ or include/.
FILE = re.compile(r"`((?:[\w-]+/)+[\w-]+\.(?:hpp|cpp|S|py|pml|build))`")
TEXT = {".hpp", ".cpp", ".h", ".S", ".py", ".pml", ".sh", ".md", ".build", ".go", ".txt", ".in", ""}


def tracked(root):
    """The tree's text files, those of git where there is one."""
    try:
        out = subprocess.run(["git", "-C", root, "ls-files", "-co", "--exclude-standard"], capture_output=True, text=True, check=True).stdout
        paths = [root / line for line in out.splitlines()]
    except (OSError, subprocess.CalledProcessError):
        paths = sorted(p for p in root.rglob("*"))
    return [p for p in paths if p.is_file() and p.suffix in TEXT and p.name != "LICENSE"]


def check(root):
    root = Path(root).resolve()
    faults = []
    semantics = root / SEMANTICS
    defined = set(DEFINITION.findall(semantics.read_text(encoding="utf-8"))) if semantics.exists() else set()
    for path in tracked(root):
        name = path.relative_to(root)
        try:
            text = path.read_text(encoding="utf-8")
        except UnicodeDecodeError:
            continue
        for number, line in enumerate(text.splitlines(), 1):
            where = f"{name}:{number}"
            if path.suffix in (".cpp", ".hpp", ".md") and str(name) != SEMANTICS:
                for code in CODE.findall(line):
                    if code not in defined:
                        faults.append(f"{where}: {code} is not in {SEMANTICS}")
            if path.suffix == ".md":
                for target in LINK.findall(line):
                    if "://" not in target and not (path.parent / target).exists():
                        faults.append(f"{where}: the link to {target} leads nowhere")
                for target in FILE.findall(line):
                    bases = ("", "lib", "include", "include/gossamer")
                    if "NAME" not in target and not any((root / base / target).exists() for base in bases):
                        faults.append(f"{where}: there is no {target}")
            if name != Path("tools/check_docs.py"):
                for page in PAGE.findall(line):
                    if not any((base / page).exists() for base in (root, path.parent, root / "docs")):
                        faults.append(f"{where}: {page} is not in the tree")
    return faults


def self_test():
    cases = {
        "a code that is not defined": ("test/unit/x_test.cpp", 'TEST("CH99: x") {}\n', "CH99"),
        "a link that leads nowhere": ("docs/a.md", "[x](gone.md)\n", "gone.md leads nowhere"),
        "a page outside the tree": ("lib/a.cpp", "// see PLAN.md\n", "PLAN.md is not in the tree"),
        "a file that is gone": ("docs/a.md", "| x | `sched/gone.hpp` |\n", "no sched/gone.hpp"),
    }
    failed = False
    for what, (name, text, expected) in cases.items():
        with tempfile.TemporaryDirectory() as folder:
            root = Path(folder)
            for n, t in ((SEMANTICS, "| CH1 | x |\n"), ("lib/ok.cpp", "// CH1; docs/go-semantics.md\n"), (name, text)):
                (root / n).parent.mkdir(parents=True, exist_ok=True)
                (root / n).write_text(t, encoding="utf-8")
            found = check(root)
            if len(found) == 0 or not all(expected in f or "gone" in f for f in found):
                print(f"self-test: {what} is not found: {found}", file=sys.stderr)
                failed = True
            (root / name).unlink()
            if check(root):
                print(f"self-test: a sound tree is refused: {check(root)}", file=sys.stderr)
                failed = True
    return failed


def main():
    if sys.argv[1:] == ["--self-test"]:
        sys.exit(self_test())
    faults = check(Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).resolve().parent.parent)
    for fault in faults:
        print(fault, file=sys.stderr)
    sys.exit(1 if faults else 0)


if __name__ == "__main__":
    main()
