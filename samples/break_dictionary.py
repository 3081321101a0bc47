#!/usr/bin/env python3
"""Breaks the dictionary, and expects check_dictionary.py to find every break by its line and nothing else: those of a
small document, and in the given one a broken row planted in each table and a broken line in each block.

    break_dictionary.py README INCLUDE_DIRECTORY -- COMPILER [ARGS]
"""

import sys

sys.dont_write_bytecode = True
from check_dictionary import Document, check, from_arguments

# A line with BROKEN in it is one.
SMALL = """# One
[here](#one) and `sync::mutex`, `std::vector`
[nowhere](#two)  BROKEN
`sync::no_such` BROKEN
<!-- given
int n = 0;
chan<int> ch; -->
<!-- given file
struct point { int x = 0; }; -->

| Go | gossamer | what differs |
|---|---|---|
| `x` | `ch << n;`, `point{.x = 1}` | fine |
| `x` | `for (int v : ch)`, `return n;` | fine |
| `x` | `template <class T> T same(T v) { return v; }`, `error f(int x) { …; return nil; }` | fine |
| `x` | `n \\|\\| 1` | fine |
| `x` | `ch << missing;` | BROKEN |
| `x` | `point p{.y = 1};` | BROKEN |
| `x` | `error f() { return 3.5; }` | BROKEN |
| `x` | `n +` | BROKEN |
| `x` | `}; if (n) {` | BROKEN |
| `x` | `if (n) {` | BROKEN |
| `x` | `n; /*` | BROKEN |
| `x` | `ch << missing; // */` | BROKEN |
| `x` | in words | BROKEN |
| `x` | in words | fine <!-- prose --> |
| `x` | in words <!-- prose --> | `time::no_such` BROKEN |
| `x` | `n` | too many | BROKEN |
| `x` | `n || 1` | BROKEN |
| `x` | `n | BROKEN |
| `x` | `ch << n;`, `ch >> nothing;` | BROKEN |

| Go | gosamer | BROKEN |
|---|---|---|
| `x` | `missing` | - |

```cpp
ch << n;
ch << n + missing;  // BROKEN
```
```cpp file
point origin() { return {}; }
point other() { return missing; }  // BROKEN
```
```cpp
#if 0 // BROKEN BEFORE
#endif
```
```cpp sample=hello
not there BROKEN
```
```php BROKEN
```

## Other
| wrong | right | why |
|---|---|---|
| `int v = "x";` | `int v = 0;` | fine <!-- does not compile: invalid conversion\\|cannot initialize --> |
| `int v = "x";` | `int v = 0;` | BROKEN <!-- does not compile: another reason --> |
| `int v = 1;` | `int v = 0;` | BROKEN <!-- does not compile: . --> |
| `n;` | `int v = 0;` | BROKEN: n was given to another section |
"""


def missed(text, broken, what, readme, command):
    """How many lines are broken and not found, or found and not broken."""
    found = {line for line, _ in check(text, readme, command)[0]}
    for line in sorted(found ^ broken):
        print(f"{what}, line {line}: {'broken, and not found' if line in broken else 'found, and not broken'}")
    return len(found ^ broken)


def planted(text, folder):
    """The text with a break in each table and block, and how many they are."""
    document = Document(text, folder)
    places = [(line, "table") for line in document.tables] + [(line, "block") for line in document.blocks]
    lines = text.split("\n")
    for line, kind in sorted(places, reverse=True):  # bottom up: the lines above stay where they are
        cells = lines[line - 3].count("|") - 1
        lines.insert(line - 1, "int planted = nowhere;" if kind == "block" else "| `nowhere;` " * cells + "|")
    return "\n".join(lines), len(places)


def lines_with(word, text):
    return {number for number, line in enumerate(text.split("\n"), 1) if word in line}


def main():
    readme, command = from_arguments(sys.argv[1:])
    small = lines_with("BROKEN", SMALL)
    text, places = planted(readme.read_text(encoding="utf-8"), readme.parent)
    plants = lines_with("nowhere;", text)
    if len(plants) != places or places < 10:
        sys.exit("nothing, or too little, is planted")
    failures = missed(SMALL, small, "the small document", readme, command)
    failures += missed(text, plants, "the planted one", readme, command)
    print(f"{len(small)} breaks of a small document and {places} planted ones: {failures} not as they should")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
