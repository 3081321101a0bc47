#!/usr/bin/env python3
"""Builds a fuzz target by clang, with the part of the library that it is about, and runs it on its corpus for a while.

usage: run.py SOURCE_FOLDER WORK_FOLDER TARGET SECONDS ARCHIVE...   (SECONDS 0: only the corpus itself)

The target names the library's files that are built with it, behind `Instrumented:`; all else comes from the archives. Exit code 77 where there is no clang that can do it. New inputs
stay in WORK_FOLDER; what has made the target fail is named, and lies there too.
"""

import os
import shutil
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

SANITIZERS = "-fsanitize=fuzzer,address"
OPTIONS = ["-std=c++20", "-O1", "-g1", "-fno-omit-frame-pointer", "-w"]


def find_clang(source, work):
    """The newest clang++ that links the fuzzer's runtime."""
    found = subprocess.run([source / "tools/newest", "clang++"], capture_output=True, text=True, check=False)
    clang = found.stdout.strip()
    if not clang:
        return None
    probe = work / "probe.cpp"
    probe.write_text('#include <string>\n#include <cstdint>\n'
                     'extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t*, std::size_t) { return 0; }\n')
    tried = subprocess.run([clang, SANITIZERS, probe, "-o", work / "probe"], capture_output=True, check=False)
    return clang if tried.returncode == 0 else None


def compile_all(compiler, source, work, files):
    """The objects of these files."""
    def one(file):
        made = work / (str(file.relative_to(source)).replace("/", "_") + ".o")
        subprocess.run([*compiler, *OPTIONS, SANITIZERS.replace("fuzzer,", "fuzzer-no-link,"), "-DGOSSAMER_OPENSSL=1",
                        f"-I{source}/include", f"-I{source}/lib", "-c", file, "-o", made], check=True)
        return made
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        return list(pool.map(one, files))


def build(clang, source, work, target, archives):
    """The program."""
    ccache = [shutil.which("ccache")] if shutil.which("ccache") else []
    text = source / "test/fuzz" / f"{target}.cpp"
    named = [line.split(":")[1].split() for line in text.read_text(encoding="utf-8").splitlines()
             if line.startswith("// Instrumented:")]
    files = [text, *(source / "lib" / f"{name}.cpp" for names in named for name in names)]
    objects = compile_all([*ccache, clang], source, work, files)
    libraries = ["-lboost_context", "-lpthread", "-ldl"]
    for package in ("libssl", "libcrypto", "zlib"):
        asked = subprocess.run(["pkg-config", "--libs", package], capture_output=True, text=True, check=False)
        libraries += asked.stdout.split() if asked.returncode == 0 else []
    if Path(subprocess.run([clang, "-print-file-name=libbacktrace.a"], capture_output=True, text=True,
                           check=True).stdout.strip()).is_absolute():
        libraries.append("-lbacktrace")
    program = work / target
    subprocess.run([clang, SANITIZERS, *objects, "-Wl,--start-group", *archives, "-Wl,--end-group", *libraries, "-o",
                    program], check=True)
    return program


def main():
    source, work, target, seconds = Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3], int(sys.argv[4])
    work.mkdir(parents=True, exist_ok=True)
    clang = find_clang(source, work)
    if clang is None:
        print("skipped: there is no clang++ with libFuzzer's runtime (package libclang-rt-N-dev)")
        return 77
    program = build(clang, source, work, target, sys.argv[5:])
    corpus = source / "test/fuzz/corpus" / target
    with tempfile.TemporaryDirectory() as fresh:
        found = work / "found" if os.environ.get("GOSSAMER_FUZZ_KEEP") else Path(fresh)
        found.mkdir(exist_ok=True)
        command = [program, f"-artifact_prefix={work}/failed-", f"-dict={source}/test/fuzz/{target}.dict",
                   "-max_len=8192", "-timeout=10", "-rss_limit_mb=2048", "-print_final_stats=1", "-verbosity=1"]
        if seconds == 0:
            command += ["-runs=0", corpus]
        else:
            command += [f"-max_total_time={seconds}", found, corpus]
        done = subprocess.run(command, stderr=subprocess.PIPE, text=True, errors="replace", check=False)
    said = done.stderr.splitlines()
    print("\n".join(said[-200:] if done.returncode != 0 else said[-12:]))
    return done.returncode


if __name__ == "__main__":
    sys.exit(main())
