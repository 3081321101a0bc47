#!/usr/bin/env python3
"""Checks that what the tree says of itself resolves: links between its pages, pages that comments name, the codes of
docs/go-semantics.md that test titles and comments cite, and the table of docs/architecture.md by which a reader finds
the file to change. Holds README.md to its form: short, and a program of a few lines first; and the examples at the heads
of headers to the test that compiles them.

usage: check_docs.py [ROOT]      check the tree; exit code 1 names each fault
       check_docs.py --self-test prove that each rule can fail
"""

import re
import subprocess
import sys
import tempfile
from pathlib import Path

SEMANTICS = "docs/go-semantics.md"
CODE = re.compile(r"\b([A-Z]{2})\d{1,2}\b")  # where one of the same letters is defined
DEFINITION = re.compile(r"^\| ([A-Z]{2}\d{1,2}) \|", re.M)
# A target is a path: it has a dot or a slash (`[=](err)` is C++).
LINK = re.compile(r"\]\((?=[^)\s]*[./])([\w./-]+)(?:#[^)\s]*)?\)")
PAGE = re.compile(r"(?<![$\w/])(?:[\w-]+/)*[\w-]+\.md\b")
# A table's cell that names files: `sched/park.hpp` is below lib/ or include/.
FILE = re.compile(r"`((?:[\w-]+/)+[\w-]+\.(?:hpp|cpp|S|py|pml|build))`")
# Who has not seen the code finds the file for a task: | task | `file` | `a word in it` |
TASKS = "docs/architecture.md"
TASK = re.compile(r"^\| (?P<task>[^|]+) \| `(?P<file>[^`|]+)` \| `(?P<word>[^`|]+)` \|$")
TASKS_BEGIN = "| task | file | look for |"
LEAST_TASKS = 5
# What stands indented at the heads of these is code, and is compiled and run.
EXAMPLES = "test/unit/examples_test.cpp"
EXAMPLE_HEADERS = [f"{name}.hpp" for name in
                   ("chan", "select", "sync/mutex", "sync/cond", "sync/wait_group", "context", "errgroup", "net")]
# The same for each block of C++ of this page.
TESTING_PAGE = "samples/testing.md"
TESTING_TEST = "test/unit/testing_page_test.cpp"
README = "README.md"
README_LINES = 150  # less than so many
PROGRAM_LINES = 20
TEXT = {".hpp", ".cpp", ".h", ".S", ".py", ".pml", ".sh", ".md", ".build", ".go", ".txt", ".in", ""}


def tracked(root):
    """The tree's text files, those of git where there is one."""
    try:
        out = subprocess.run(["git", "-C", root, "ls-files", "-co", "--exclude-standard"], capture_output=True, text=True, check=True).stdout
        paths = [root / line for line in out.splitlines()]
    except (OSError, subprocess.CalledProcessError):
        paths = sorted(p for p in root.rglob("*"))
    return [p for p in paths if p.is_file() and p.suffix in TEXT and p.name != "LICENSE"]


def check_tasks(root):
    """Faults of the table of tasks, if there is the page."""
    page = root / TASKS
    if not page.exists():
        return []
    lines = page.read_text(encoding="utf-8").splitlines()
    if TASKS_BEGIN not in lines:
        return [f"{TASKS}: there is no table `{TASKS_BEGIN}`"]
    faults = []
    first = lines.index(TASKS_BEGIN) + 2
    number = first
    while number < len(lines) and lines[number].startswith("|"):
        where = f"{TASKS}:{number + 1}"
        row = TASK.match(lines[number])
        if row is None:
            faults.append(f"{where}: not of the form | task | `file` | `word` |")
        elif not (root / row["file"]).is_file():
            faults.append(f"{where}: there is no {row['file']}")
        elif row["word"] not in (root / row["file"]).read_text(encoding="utf-8"):
            faults.append(f"{where}: {row['word']} does not occur in {row['file']}")
        number += 1
    if number - first < LEAST_TASKS:
        faults.append(f"{TASKS}: the table has fewer than {LEAST_TASKS} tasks")
    return faults


def check_readme(root):
    """Faults of the form of README.md, if there is one."""
    page = root / README
    if not page.exists():
        return []
    lines = page.read_text(encoding="utf-8").splitlines()
    faults = []
    if len(lines) >= README_LINES:
        faults.append(f"{README}: {len(lines)} lines: move to docs/ what is for later, it has less than {README_LINES}")
    heading = next((i for i, line in enumerate(lines) if line.startswith("## ")), len(lines))
    fences = [i for i, line in enumerate(lines[:heading]) if line.startswith("```")]
    if len(fences) != 2 or lines[fences[0]] != "```cpp" or fences[1] - fences[0] - 1 >= PROGRAM_LINES:
        faults.append(f"{README}: above the first heading stands one program of less than {PROGRAM_LINES} lines")
    return faults


def missing_code(blocks, test):
    """The first lines of those blocks that the test does not have."""
    compiled = "\n".join(line.strip() for line in test.read_text(encoding="utf-8").splitlines())
    return [b.strip().splitlines()[0] for b in blocks
            if "\n".join(line.strip() for line in b.strip().splitlines()) not in compiled]


def check_examples(root):
    """Public headers whose example no test compiles, or that have none; and the page of tests."""
    if not (root / EXAMPLES).exists():
        return []
    faults = []
    for name in EXAMPLE_HEADERS:
        head = (root / "include/gossamer" / name).read_text(encoding="utf-8").split("#pragma once")[0]
        blocks = re.findall(r"(?:^//   .*\n)+", head, re.M)
        if not blocks:
            faults.append(f"include/gossamer/{name}: there is no example at its head")
        code = ["\n".join(line[2:] for line in block.splitlines()) for block in blocks]
        for first in missing_code(code, root / EXAMPLES):
            faults.append(f"include/gossamer/{name}: {EXAMPLES} does not have its example: {first}")
    if (root / TESTING_PAGE).exists():
        blocks = re.findall(r"^```cpp\n(.*?)^```$", (root / TESTING_PAGE).read_text(encoding="utf-8"), re.M | re.S)
        for first in missing_code(blocks, root / TESTING_TEST):
            faults.append(f"{TESTING_PAGE}: {TESTING_TEST} does not have the block: {first}")
    return faults


def check(root):
    root = Path(root).resolve()
    faults = check_tasks(root) + check_readme(root) + check_examples(root)
    semantics = root / SEMANTICS
    defined = set(DEFINITION.findall(semantics.read_text(encoding="utf-8"))) if semantics.exists() else set()
    families = {code[:2] for code in defined}
    for path in tracked(root):
        name = path.relative_to(root)
        try:
            text = path.read_text(encoding="utf-8")
        except UnicodeDecodeError:
            continue
        for number, line in enumerate(text.splitlines(), 1):
            where = f"{name}:{number}"
            if path.suffix in (".cpp", ".hpp", ".md") and str(name) != SEMANTICS:
                for code in (m[0] for m in CODE.finditer(line) if m[1] in families):
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
    table = TASKS_BEGIN + "\n|---|---|---|\n" + "| x | `lib/ok.cpp` | `CH1` |\n" * LEAST_TASKS
    readme = "# x\n\n```cpp\nint main() {}\n```\n\n## y\n"
    cases = {
        "a table of tasks without a word": (TASKS, table + "| x | `lib/ok.cpp` |\n", "not of the form"),
        "a task whose file is gone": (TASKS, table + "| x | `lib/gone.cpp` | `CH1` |\n", "no lib/gone.cpp"),
        "a task whose word is gone": (TASKS, table + "| x | `lib/ok.cpp` | `nothing` |\n", "nothing does not occur"),
        "a table of too few tasks": (TASKS, table.rsplit("| x", 1)[0], "fewer than"),
        "no table of tasks": (TASKS, "# x\n", "there is no table"),
        "a README that is long": (README, readme + "x\n" * README_LINES, "lines: move"),
        "a README without a program": (README, "# x\n\n## y\n", "stands one program"),
        "a README with a long program": (README, readme.replace("int", "\n" * PROGRAM_LINES), "stands one program"),
        "a code that is not defined": ("test/unit/x_test.cpp", 'TEST("CH99: x") {}\n', "CH99"),
        "a link that leads nowhere": ("docs/a.md", "[x](gone.md)\n", "gone.md leads nowhere"),
        "a page outside the tree": ("lib/a.cpp", "// see PLAN.md\n", "PLAN.md is not in the tree"),
        "a file that is gone": ("docs/a.md", "| x | `sched/gone.hpp` |\n", "no sched/gone.hpp"),
        "a header without an example": ("include/gossamer/chan.hpp", "// x\n#pragma once\n", "there is no example"),
        "a block of the page of tests that nobody compiles": (TESTING_PAGE, "```cpp\nx();\n```\n", "does not have"),
        "an example that nobody compiles": ("include/gossamer/chan.hpp", "//   x();\n#pragma once\n", "does not have"),
    }
    failed = False
    for what, (name, text, expected) in cases.items():
        with tempfile.TemporaryDirectory() as folder:
            root = Path(folder)
            sound = {SEMANTICS: "| CH1 | x |\n", "lib/ok.cpp": "// CH1; docs/go-semantics.md\n", TASKS: table, README: readme,
                     EXAMPLES: "  y();\n", TESTING_PAGE: "```cpp\ny();\n```\n", TESTING_TEST: "y();\n", **{f"include/gossamer/{h}": "//   y();\n#pragma once\n" for h in EXAMPLE_HEADERS}}
            for n, t in {**sound, name: text}.items():
                (root / n).parent.mkdir(parents=True, exist_ok=True)
                (root / n).write_text(t, encoding="utf-8")
            found = check(root)
            if len(found) == 0 or not all(expected in f or "gone" in f for f in found):
                print(f"self-test: {what} is not found: {found}", file=sys.stderr)
                failed = True
            (root / name).unlink()
            if name in sound:
                (root / name).write_text(sound[name], encoding="utf-8")
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
