#!/usr/bin/env python3
"""What libgossamer.so and libgossamer-http.so export: every name that their headers declare with GOSSAMER_API, one copy
of every variable in library and program together, and nothing that is not in the list beside this file. Which of the two
LIBRARY is, its name says; libgossamer-http.so exports names of gossamer::http, tls and ws only.

usage: run.py [--update] INCLUDE_DIRECTORY LIBRARY LIST -- COMPILER [ARGS]
`tools/dev exports` rewrites the lists.
"""

import re
import subprocess
import sys
import tempfile
from pathlib import Path

from declared import declarations

# Of Boost.Asio: what library and program must have in common. Which of it there is depends on Boost's version.
SHARED_STATE = re.compile(
    r"^(guard variable for )?boost::asio::detail::(call_stack|keyword_tss_ptr)<.*>::(top_|value_)$"
    r"|^(guard variable for )?boost::asio::detail::(execution_context_)?service_base<.*>::id$"
    r"|^boost::asio::detail::get_signal_state\(\)::state$"
    r"|^boost::asio::execution::.*::\w*fns\w*$")
# Compilers differ in which of these they make; each of them belongs to a class or a function that is exported.
BY_THE_WAY = re.compile(r"^(typeinfo( name)?|vtable|VTT|construction vtable|guard variable|(non-)?virtual thunk) ")
OF_HTTP = re.compile(r"\bgossamer::v0::(http|tls|ws)::")
# How many declared names and used symbols there are at least: fewer, and the headers were not read as they should be.
LEAST = {"gossamer": (200, 20), "gossamer-http": (100, 5)}


def nm(*args):
    lines = subprocess.run(["nm", *args], capture_output=True, text=True, check=True).stdout.splitlines()
    for line in lines:
        fields = line.split(" ", 2)
        if len(fields) == 3:
            yield fields[1], fields[2]


def readable(name):
    name = re.sub(r"\[abi:\w+\]", "", name.split("@")[0])
    while "> >" in name:
        name = name.replace("> >", ">>")
    return re.sub(r"(library_built_with_boost)<\d+>", r"\1<BOOST_VERSION>", name)


def name_only(symbol):
    """gossamer::v0::net::ip::parse(std::…) -> gossamer::v0::net::ip::parse; a conversion as declared.called() has it."""
    if match := re.match(r"([\w:~]*::)?operator( [\w:]+|\(\)|[^\w\s(]+)", symbol):
        return (match[1] or "") + "operator" + re.sub(r"^ (\w+::)*", " ", match[2])
    return symbol.split("(")[0]


def name_of(library):
    return library.name.split(".")[0].removeprefix("lib")


def missing(declared, exported):
    names = {name_only(symbol) for symbol in exported}
    return sorted(name for name in declared if name not in names)


def two_copies(variables, include, library, command, work):
    """Symbols of which a program that uses every variable and the library have one each."""
    source, program = work / "all.cpp", work / "all"
    headers = sorted({header for header, _ in variables})
    source.write_text(
        "".join(f"#include <{header}>\n" for header in headers)
        + "const volatile void* volatile use;\nint main() {\n"
        + "".join(f"  use = static_cast<const volatile void*>(&{name});\n" for _, name in variables)
        + "}\n")
    links = []
    for each in [library] if name_of(library) == "gossamer" else [library, library.parent / "libgossamer.so"]:
        links.append(work / f"lib{name_of(each)}.so")
        links[-1].symlink_to(each)
    subprocess.run([*command, f"-I{include}", source, "-o", program, *links, f"-Wl,-rpath,{library.parent}"], check=True)
    ours = {name for kind, name in nm("--defined-only", program) if kind in "uVvBDRbdr" and "8gossamer2v0" in name}
    used = len(ours)
    hidden = {name for kind, name in nm("--defined-only", library) if kind in "bdr"}
    return used, sorted(ours & hidden)


def main():
    args = sys.argv[1:]
    update = args[0] == "--update"
    args = args[update:]
    include, library, listed = (Path(arg).resolve() for arg in args[:3])
    command = args[args.index("--") + 1:]
    which = name_of(library)
    declared, variables = declarations(include, which)
    symbols = {(kind, readable(name)) for kind, name in nm("-D", "-C", "--defined-only", library)}
    if which == "gossamer-http":
        # Of gossamer's inline functions the compiler makes copies, which are one with those of the others.
        symbols = {(kind, name) for kind, name in symbols if kind not in "WVu" or OF_HTTP.search(name)}
    exported = {name for _, name in symbols}
    # The dynamic table names each symbol with its version, of which there is none here.
    found = sorted(name for name in exported if not BY_THE_WAY.match(name) and not SHARED_STATE.match(name))

    if update:
        listed.write_text("\n".join(found) + "\n")
        return 0

    failures = 0
    for name in missing(declared, exported):
        print(f"declared with GOSSAMER_API, and not exported: {name}")
        failures += 1

    strangers = [name for name in found if "gossamer" not in name]
    strangers += [name for name in exported if BY_THE_WAY.match(name) and "gossamer::" not in name
                  and not SHARED_STATE.match(name)]
    if which == "gossamer-http":
        strangers += [name for name in found if not OF_HTTP.search(name)]
    for name in strangers:
        print(f"exported, and not {which}'s: {name}")
        failures += 1

    expected = set(listed.read_text().splitlines())
    for sign, names in ("-", expected - set(found)), ("+", set(found) - expected):
        for name in sorted(names):
            print(f"{sign} {name}")
            failures += 1
    if expected != set(found):
        print("the exported names are not those of the list; on purpose? then: tools/dev exports")

    with tempfile.TemporaryDirectory() as work:
        used, copies = two_copies(variables, include, library, command, Path(work))
    for name in copies:
        print(f"program and library have a copy each: {name}")
        failures += 1

    print(f"{len(declared)} declared names, {len(found)} exported, {len(variables)} variables, {used} symbols")
    if len(declared) < LEAST[which][0] or used < LEAST[which][1]:
        print("that is too few: the headers are not read as they should be")
        failures += 1
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
