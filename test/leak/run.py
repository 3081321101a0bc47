#!/usr/bin/env python3
"""Runs every situation of the program at several numbers of workers, and prints who was told to be lost.

usage: run.py [--preload LIBRARIES [--floor]] PROGRAM WORKERS...

At every second number of them the program has so much memory that it is copied to be looked through.

Libraries that are preloaded bring an allocator whose blocks are not known: then nothing is promised of how much is told,
unless --floor says that one of them takes that back.

Wrong is: who is not lost and is told to be; fewer of the situations told than is promised. A situation that needs luck
and did not come about (fewer are alive than would be lost) counts for nothing.
"""

import argparse
import os
import re
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

PATTERNS = {"NoCloseRange", "MethodContractViolation", "DoubleSend", "EarlyReturn", "NCastLeak", "Timeout"}
# Of a hundred situations of a group, in how many all that is lost is told, at least. What is left of a handle on a
# stack, or in a register, may hide one.
FLOOR = 85


def group_of(name):
    if name.startswith("c_"):
        return "controls"
    if name.startswith("p_"):
        return "further ones"
    if re.fullmatch(r"[a-z]+_\d+", name):
        return "published bugs"
    return "patterns" if name in PATTERNS else "simple"


def run(options, name, workers, ballast):
    program = options.program
    env = dict(os.environ, GOSSAMER=f"procs={workers}", **({"BALLAST": "1"} if ballast else {}))
    if options.preload:
        env["LD_PRELOAD"] = options.preload
    # On a busy machine threads may not get a CPU in time to stand still: that says nothing of the search.
    for _ in range(10):
        done = subprocess.run([program, name], env=env, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, text=True, timeout=120)
        if "memory was not looked through" not in done.stdout:
            break
    found = re.search(r"^RESULT (\S+) leaked=(\d+) alive=(\d+) proven=(\d+)$", done.stdout, re.M)
    if not found:
        return name, workers, None, done.returncode, done.stdout
    return name, workers, tuple(int(n) for n in found.groups()[1:]), done.returncode, done.stdout


def main():
    options = argparse.ArgumentParser(usage=__doc__)
    options.add_argument("--preload", default="")
    options.add_argument("--floor", action="store_true")
    options.add_argument("program")
    options.add_argument("widths", nargs="+")
    options = options.parse_args()
    promised = options.floor or not options.preload
    names = subprocess.run([options.program, "--list"], check=True, stdout=subprocess.PIPE, text=True).stdout.split()
    with ThreadPoolExecutor(4) as pool:
        jobs = [(n, w, i % 2) for i, w in enumerate(options.widths) for n in names]
        results = list(pool.map(lambda job: run(options, *job), jobs))
    table, wrong = {}, []
    for name, workers, counts, code, output in results:
        group = table.setdefault(group_of(name), dict.fromkeys(("runs", "absent", "all", "some", "false", "lost", "told"), 0))
        group["runs"] += 1
        if code != 0 or "cannot be preloaded" in output:
            wrong.append(f"{name} with {workers} workers ended with {code}:\n{output}")
        if counts is None:
            wrong.append(f"{name} with {workers} workers said nothing:\n{output}")
            continue
        leaked, alive, proven = counts
        if proven > leaked:
            group["false"] += 1
            wrong.append(f"{name} with {workers} workers: {proven} told, {leaked} are lost\n{output}")
        elif alive < leaked:
            group["absent"] += 1
        else:
            group["lost"] += leaked
            group["told"] += proven
            group["all"] += proven == leaked
            group["some"] += proven > 0 or leaked == 0
            if proven < leaked:
                if promised:
                    print(f"less is told: {name} with {workers} workers: {proven} of {leaked}")
                if "memory was not looked through" in output:
                    print("   ", output[output.index("memory was not looked"):].splitlines()[0])
    print("| group | runs | did not come about | all told | some told | false | fibers lost | told |")
    print("|---|---|---|---|---|---|---|---|")
    for name, g in table.items():
        print(f"| {name} | {g['runs']} | {g['absent']} | {g['all']} | {g['some']} | {g['false']} | {g['lost']} | {g['told']} |")
        there = g["runs"] - g["absent"] - g["false"]
        if promised and g["all"] * 100 < there * FLOOR:
            wrong.append(f"{name}: all that is lost was told in {g['all']} of {there}")
    if not results or len(names) < 100:
        wrong.append(f"there are only {len(names)} situations")
    for w in wrong:
        print("WRONG:", w)
    sys.exit(1 if wrong else 0)


main()
