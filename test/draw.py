#!/usr/bin/env python3
"""Prints one in SHARE of the names, rounded up, as drawn by SEED, in their order, a line each: all of them for 1.

usage: draw.py SHARE SEED NAME...
"""

import random
import sys


def main():
    share, seed = int(sys.argv[1]), int(sys.argv[2])
    names = sys.argv[3:]
    drawn = set(random.Random(seed).sample(names, -(-len(names) // share)))
    for name in names:
        if name in drawn:
            print(name)


if __name__ == "__main__":
    main()
