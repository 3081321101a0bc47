"""database: what queries cost their client. A PostgreSQL server, with data of its own, is asked through libpq: by fibers,
and by as many threads that block in it.

The client has one core, the server all others.
"""

import atexit
import glob
import os
import shutil
import signal
import subprocess
import tempfile
import time
from functools import cache
from pathlib import Path

import net

CONNECTIONS = 100
QUERIES = 100  # of each
PATIENCE = 60

SCENARIOS = {"pq_100"}


def program(name):
    """Where it is; Debian has these in a folder for each version."""
    return shutil.which(name, path=os.pathsep.join([os.environ["PATH"], *glob.glob("/usr/lib/postgresql/*/bin")]))


def can_measure(build):
    return (build / "test" / "bench" / "database").exists() and program("postgres") is not None


def as_nobody(command):
    """The server refuses to be root's."""
    return (["setpriv", "--reuid=nobody", "--regid=nogroup", "--clear-groups"] if os.geteuid() == 0 else []) + command


@cache
def server():
    """Starts it, until this process ends: the environment by which libpq finds it."""
    folder = tempfile.mkdtemp(prefix="gossamer-database-")
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    data = str(Path(folder) / "data")
    if os.geteuid() == 0:
        shutil.chown(folder, "nobody")
    subprocess.run(as_nobody([program("initdb"), "-D", data, "-U", "test", "-A", "trust", "--no-sync"]),
                   check=True, stdout=subprocess.DEVNULL, cwd="/")
    port = str(net.free_port())
    others = sorted(os.sched_getaffinity(0))[1:]
    log = open(Path(folder) / "log", "w", encoding="utf-8")
    process = subprocess.Popen(
        as_nobody([program("postgres"), "-D", data, "-k", folder, "-p", port, "-c", "listen_addresses=", "-c",
                   f"max_connections={CONNECTIONS + 20}", "-c", "fsync=off"]),
        stdout=log, stderr=log, cwd="/", preexec_fn=lambda: os.sched_setaffinity(0, others) if others else None)
    atexit.register(end, process)
    where = {"PGHOST": folder, "PGPORT": port, "PGUSER": "test", "PGDATABASE": "postgres"}
    limit = time.monotonic() + PATIENCE
    ready = [program("pg_isready"), "-q", "-h", folder, "-p", port]
    while subprocess.run(ready, check=False).returncode != 0:
        if process.poll() is not None or time.monotonic() > limit:
            raise RuntimeError(f"postgres does not begin: {Path(log.name).read_text(encoding='utf-8')}")
        time.sleep(0.02)
    return where


def end(process):
    """In order: one that is killed leaves shared memory."""
    process.send_signal(signal.SIGINT)
    process.wait()


def measure(client, way, run, workers, queries=QUERIES):
    """The figures of one run, as net.measure()."""
    assert run in SCENARIOS
    core = sorted(os.sched_getaffinity(0))[0] if workers == 1 else None
    command = [str(client), way, str(CONNECTIONS), str(queries), str(workers)]
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=PATIENCE,
                              env=os.environ | server(), preexec_fn=net.on_core(core))
    except subprocess.TimeoutExpired:
        raise RuntimeError(f"{' '.join(command)}: no end after {PATIENCE} s") from None
    if done.returncode != 0:
        raise RuntimeError(f"{' '.join(command)}: {done.stderr.strip()}")
    return {key: float(value) for key, value in (word.split("=", 1) for word in done.stdout.split())}
