#!/usr/bin/env python3
"""Checks a model exhaustively with spin: run.py MODEL.pml

The model itself must hold, at every size that is listed here, and each planted fault must be found. Without spin or a C
compiler the test is skipped (exit code 77).
"""
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import time

THREE = "WORKERS=3 FIBERS=2 TIMER_USES=0"
THREE_TIMED = "WORKERS=3 FIBERS=2 TIMER_USES=1 PUSHES=1"

# model -> [(definitions, must hold)]. With NP no endless run without progress may exist, if all are treated fairly;
# without it no state with a failed assertion, and no end in which somebody is stuck.
CHECKS = {
    "wait": [
        ("CALLS=2", True),
        ("CALLS=1 FAULT_CLAIM_ALWAYS_WINS", False),
        ("CALLS=1 FAULT_UNLOCK_BEFORE_SWITCH", False),
        ("CALLS=1 FAULT_LOSER_STAYS", False),
        ("CALLS=1 FAULT_NO_DISARM", False),
        ("CALLS=1 FAULT_READY_BEFORE_VALUE", False),
        ("CALLS=1 FAULT_LOOK_BEFORE_LOCK", False),
    ],
    "touch": [
        ("", True),
        ("FAULT_TOUCH_AFTER_LAST", False),
        ("FAULT_UNLOCK_THEN_WAKE", False),
        ("FAULT_WAKE_BEFORE_RELEASE", False),
        ("FAULT_NO_WITHDRAW", False),
        ("FAULT_WOKEN_KEPT", False),
        ("FAULT_FIRST_DESTROYS", False),
    ],
    "idle": [
        ("", True),
        ("NP SHORT_RUNS", True),
        ("SILENT_PUSH", True),
        (THREE, True),
        (THREE_TIMED, True),
        ("FAULT_NO_RECHECK", False),
        ("FAULT_NO_FENCE", False),
        ("FAULT_OUTSIDE_SILENT", False),
        ("FAULT_UNWATCHED", False),
        ("FAULT_NO_LOOKOUT", False),
        ("FAULT_NO_HAND_ON", False),
        ("FAULT_STAND_BY_BLIND", False),
        ("FAULT_STAND_BY_OUTSIDE", False),
        (THREE + " FAULT_DEEP_WATCH_LAST", False),
        (THREE + " FAULT_LATE_STOP", False),
        ("WORKERS=3 FIBERS=3 TIMER_USES=1 PUSHES=1 FAULT_GO_ON_OUTSIDE", False),
    ],
    "select": [
        ("", True),
        ("CLOSE", True),
        ("CAP1=1", True),
        ("RECEIVER", True),
        ("FAULT_NO_SECOND_LOOK", False),
        ("FAULT_CASE_ORDER", False),
        ("FAULT_UNLOCK_BEFORE_SWITCH", False),
        ("FAULT_CLAIM_ALWAYS_WINS", False),
        ("FAULT_TOUCH_AFTER_WAKE", False),
        ("FAULT_LOSER_STAYS", False),
        ("FAULT_NO_DISARM", False),
    ],
    "poller": [
        ("", True),
        ("EVENTS=2 PUSHES=0", True),
        ("WORKERS=3 PUSHES=0 HOGS=0", True),
        ("STOP PUSHES=0", True),
        ("STOP FIBERS=1 HOGS=0 TAKEOVERS=0", True),
        ("NP FIBERS=3 PUSHES=0", True),
        ("DRAIN_LAST", True),
        ("LATE_I7 EVENTS=2 PUSHES=0", True),
        ("FAULT_NO_INTERRUPT", False),
        ("FAULT_LOOK_THEN_MARK", False),
        ("FAULT_NO_RECHECK", False),
        ("FAULT_ROLE_KEPT", False),
        ("FAULT_RELEASE_UNCHECKED", False),
        ("FAULT_POLL_ON", False),
        ("EVENTS=2 FAULT_NO_EPOCH", False),
        ("FAULT_TAKEN_WHILE_POLLING", False),
        ("FAULT_NO_TAKEOVER", False),
        ("FAULT_DEEP_WITHOUT_ROLE", False),
        ("FAULT_BLIND_FOR_STUCK", False),
        ("FAULT_HANDLER_IN_SET", False),
        ("FAULT_SEARCHING_IN_HANDLER", False),
        ("FAULT_NO_I7", False),
        ("FAULT_TIMER_SILENT", False),
        ("LATE_I7 FAULT_TAKEOVER_SILENT", False),
        ("STOP PUSHES=0 FAULT_STOP_SILENT", False),
        ("NP FIBERS=3 PUSHES=0 FAULT_NO_BUSY_LOOK", False),
    ],
}
DEPTH = 2_000_000

# The compiler's optimiser takes 2 to 3 s for a model, and halves the time of a search: not worth it below some million
# states, which is where a planted fault is found, and where these end.
SMALL = {"select"}


def check(model, definitions, optimise):
    """(errors, states, complete) of one exhaustive search."""
    defines = [f"-D{d}" for d in definitions.split()]
    cycles = "NP" in definitions.split()
    kind = ["-DNP", "-DNFAIR=3"] if cycles else ["-DSAFETY"]
    how = ["-l", "-f"] if cycles else []
    with tempfile.TemporaryDirectory() as place:
        subprocess.run(["spin", *defines, "-a", model], cwd=place, check=True, stdout=subprocess.DEVNULL)
        subprocess.run(["gcc", "-O2" if optimise else "-O0", "-w", *kind, "-DCOLLAPSE", "-DMEMLIM=3500", "-o", "pan", "pan.c"],
                       cwd=place, check=True)
        text = subprocess.run([os.path.join(place, "pan"), f"-m{DEPTH}", *how], cwd=place, check=True, text=True,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT).stdout
    errors = re.search(r"errors: (\d+)", text)
    states = re.search(r"(\d+) states, stored", text)
    complete = "max search depth too small" not in text and "out of memory" not in text and "Search not completed" not in text
    return int(errors[1]) if errors else -1, int(states[1]) if states else 0, complete


def main():
    if not shutil.which("spin") or not shutil.which("gcc"):
        print("spin or gcc is not installed: not checked")
        return 77
    model = pathlib.Path(sys.argv[1]).resolve()
    bad = 0
    for definitions, must_hold in CHECKS[model.stem]:
        begin = time.monotonic()
        errors, states, complete = check(str(model), definitions, must_hold and model.stem not in SMALL)
        good = complete and errors == 0 if must_hold else errors > 0
        bad += not good
        found = "holds" if errors == 0 and complete else "an error is found" if errors > 0 else "was not searched to its end"
        print(f"{'ok  ' if good else 'FAIL'} {model.stem} {definitions or '(as it is)'}: {found}, {states:,} states, "
              f"{time.monotonic() - begin:.1f} s", flush=True)
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
