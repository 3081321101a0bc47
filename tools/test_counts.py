#!/usr/bin/env python3
"""Counts the tests of one `meson test` run: prints `N passed, N failed[, N skipped]` and, with a second argument, writes
it there, and what failed and why to COUNTS.failed. A doctest executable counts as the test cases that it ran, any other
test as one. Lines of a test's output that begin with `note: ` are repeated, and of a test that failed those that say
why; how many were not run again because they had passed on the same input (test/once/once.py) is said. Exit code 1 if a
test failed or if none ran.

usage: test_counts.py TESTLOG.json [COUNTS]
"""

import json
import re
import sys
from pathlib import Path

DOCTEST = re.compile(r"\[doctest\] test cases:\s*(\d+)\s*\|\s*(\d+) passed\s*\|\s*(\d+) failed")
WHY = re.compile(r"error|fatal|panic|fail|hung|not correct|values:|test case:|at \d+ workers?:|GOSSAMER=", re.IGNORECASE)
REMEMBERED = re.compile(r"^passed before on the same input: ", re.MULTILINE)
MOST_LINES = 30


def why(record):
    """What is worth repeating of the output of a test that failed: the lines that say so, else its end."""
    lines = ((record.get("stdout") or "") + (record.get("stderr") or "")).splitlines()
    lines = [line for line in lines if line.strip()]
    return [line for line in lines if WHY.search(line)][:MOST_LINES] or lines[-MOST_LINES:]


def count(record):
    """(passed, failed, skipped) of one test."""
    result = record["result"]
    if result == "SKIP":
        return 0, 0, 1
    good = result in ("OK", "EXPECTEDFAIL")
    cases = DOCTEST.findall(record.get("stdout") or "")
    passed = sum(int(c[1]) for c in cases)
    failed = sum(int(c[2]) for c in cases)
    if not good:
        return passed, max(failed, 1), 0
    return passed if cases else 1, 0, 0


def main():
    log = Path(sys.argv[1])
    records = [json.loads(line) for line in log.read_text().splitlines() if line] if log.exists() else []
    totals = [0, 0, 0]
    failures = []
    for record in records:
        for line in (record.get("stdout") or "").splitlines():
            if line.startswith("note: "):
                print(f"{record['name']}: {line}")
        counts = count(record)
        if counts[1] > 0:
            failures.append("\n    ".join([f"{record['name']}: {record['result']}", *why(record)]))
            print(failures[-1])
        totals = [a + b for a, b in zip(totals, counts)]
    remembered = sum(1 for record in records if REMEMBERED.search(record.get("stdout") or ""))
    if remembered:
        print(f"{remembered} tests passed before on the same input, and were not run again (tools/dev test --again)")
    passed, failed, skipped = totals
    line = f"{passed} passed, {failed} failed" + (f", {skipped} skipped" if skipped else "")
    if len(sys.argv) > 2:
        Path(sys.argv[2]).write_text(line + "\n")
        Path(sys.argv[2] + ".failed").write_text("".join(text + "\n" for text in failures))
    print(line)
    return 1 if failed or passed == 0 else 0


if __name__ == "__main__":
    sys.exit(main())
