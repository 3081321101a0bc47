# Installed as share/gdb/auto-load/…/libgossamer.so.VERSION-gdb.py, which gdb loads with the library: loads the commands
# from share/gossamer of the same installation, wherever that has been moved to.
import os
import sys

_share = os.path.realpath(__file__).split(os.path.join(os.sep, "gdb", "auto-load", ""))[0]
sys.path.insert(0, os.path.join(_share, "gossamer"))
import gossamer_gdb  # noqa: E402, F401

sys.path.pop(0)
