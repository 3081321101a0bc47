#!/usr/bin/env python3
"""bench: gossamer beside Go, row by row. `tools/dev bench` builds the release and calls it.

    bench.py [--build DIR] [--only REGEX] [--rounds N] [--json FILE] [--smoke]

Each measurement is a process of its own, which warms itself. Ours and Go's run in turn (A B A B ...), and the median of
the rounds counts. $GO is the go command (or `go` on the PATH); without one ours are printed alone. Boost.Fiber stands
beside where its adapter was built. --smoke runs every row of ours once, very small, and judges nothing.
"""

import argparse
import json
import os
import platform
import re
import shutil
import statistics
import subprocess
import sys
from collections import defaultdict
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import database
import net

HERE = Path(__file__).resolve().parent
TIMEOUT_SECONDS = 300
# Rows that are no micro's.
FROM_OUTSIDE = set(net.SCENARIOS) | database.SCENARIOS


@dataclass
class Row:
    name: str
    workers: int
    unit: str
    floor: float
    target: float
    run: str = ""  # the micro row that measures it, if not its own name
    key: str = ""  # the figure is this one of the run's further figures
    go_run: str = ""  # Go's row, if not named as ours; "-": Go has nothing to compare with
    rival: str = "go"  # the side that ours is compared with
    ratio: bool = True  # floor and target are ratios to Go; otherwise they are for our figure itself
    higher_is_better: bool = False
    speedup: bool = False  # the figure is time with 1 worker / time with `workers`
    figures: dict = field(default_factory=lambda: defaultdict(list))  # of each side

    def __post_init__(self):
        self.run = self.run or self.name
        self.go_run = self.go_run or self.run


def ratios(name, unit, *limits, **more):
    """A row that is judged by its ratio to Go; a limit is (workers, floor, target)."""
    return [Row(name, workers, unit, floor, target, **more) for workers, floor, target in limits]


def absolute(name, workers, unit, floor, target, **more):
    return [Row(name, workers, unit, floor, target, ratio=False, **more)]


def all_rows():
    parked = {"run": "parked_256k", "go_run": "parked"}
    more = {"higher_is_better": True}
    return [
        *ratios("yield", "ns/switch", (1, 0.30, 0.17)),
        *ratios("spawn_batch", "ns/fiber", (1, 0.40, 0.17), (2, 0.70, 0.43)),
        *ratios("spawn_all", "ns/fiber", (1, 0.30, 0.10), (2, 0.60, 0.20)),
        *ratios("blocking_quick", "ns/call", (1, 1.0, 0.6)),
        *ratios("pingpong", "ns/trip", (1, 0.45, 0.30), (2, 0.50, 0.34)),
        *ratios("buffered11", "ns/value", (1, 0.70, 0.28), (2, 0.80, 0.40)),
        *ratios("buffered44", "ns/value", (1, 0.75, 0.28), (2, 0.90, 0.56)),
        *ratios("select_ready", "ns/select", (1, 0.35, 0.20)),
        *ratios("select_block", "ns/select", (1, 0.50, 0.16), (2, 0.60, 0.36)),
        *ratios("select_nonblock", "ns/select", (1, 1.0, 0.6)),
        *ratios("skynet", "ms", (1, 1.0, 0.43), (2, 1.0, 0.47)),
        *ratios("sieve", "ms", (1, 0.75, 0.53), (2, 0.80, 0.40)),
        *ratios("mutex_uncontended", "ns/pair", (1, 1.1, 1.0)),
        *ratios("mutex_100x10k", "ns/pair", (2, 1.0, 0.8)),
        *ratios("mutex_holder_yields", "ns/pair", (1, 0.8, 0.6), (2, 0.8, 0.6)),
        *ratios("rw_mutex_read", "ns/pair", (1, 1.1, 1.0)),
        *ratios("rw_mutex_read_together", "ns/pair", (2, 0.8, 0.3)),
        *ratios("rw_mutex_10pct_writes", "ns/pair", (2, 1.0, 0.7)),
        *ratios("cond_chain", "ns/signal", (1, 0.6, 0.4), (2, 0.8, 0.5)),
        *ratios("once_done", "ns/call", (1, 1.0, 0.8)),
        *ratios("pool_get_put", "ns/pair", (1, 1.0, 0.5), (2, 1.0, 0.5)),
        *ratios("map_load_hit", "ns/load", (1, 1.0, 0.5), (2, 1.0, 0.5)),
        *ratios("map_load_hot", "ns/load", (1, 1.0, 0.5), (2, 1.0, 0.5)),
        *ratios("map_range", "ns/key", (1, 1.0, 0.6), (2, 1.0, 0.6)),
        *ratios("map_store_mixed", "ns/call", (2, 1.0, 0.5)),
        *ratios("sleepers", "cpu-ms", (1, 0.9, 0.43), (2, 0.9, 0.33)),
        *ratios("timer_add_stop", "ns/timer", (1, 0.6, 0.3)),
        *ratios("after_func_1000", "ns/timer", (1, 1.0, 0.5), (2, 1.0, 0.5)),
        *ratios("ticker", "cpu-us/tick", (1, 1.0, 0.5)),
        *ratios("tickers_10k", "cpu-ms", (1, 1.0, 0.6)),
        *ratios("bubble_sleeps", "ns/sleep", (1, 1.0, 0.5), (2, 1.0, 0.5)),
        *ratios("context_with_cancel", "ns/context", (1, 1.0, 0.5)),
        *ratios("context_tree_cancel", "ns/child", (1, 1.0, 0.5)),
        *ratios("context_deep_value", "ns/lookup", (1, 1.0, 0.5)),
        *ratios("errgroup_1000", "ns/task", (1, 1.0, 0.5), (2, 1.0, 0.5)),
        *ratios("semaphore_uncontended", "ns/pair", (1, 1.0, 0.5)),
        *ratios("semaphore_contended", "ns/pair", (1, 1.0, 0.5), (2, 1.0, 0.5)),
        *ratios("singleflight_hot", "ns/call", (1, 1.0, 0.5), (2, 1.0, 0.5)),
        *absolute("rate_allow", 1, "ns/call", 120, 60, go_run="-"),
        *absolute("parked_256k", 1, "B/fiber", 4950, 4850, go_run="parked"),
        *absolute("parked_64k", 1, "B/fiber", 4600, 4480, go_run="parked"),
        *ratios("parked_create", "ms", (1, 2.4, 1.8), key="create_ms", **parked),
        *ratios("parked_wake", "ms", (1, 1.2, 0.8), key="wake_ms", **parked),
        *absolute("parfor", 2, "x", 1.8, 1.95, speedup=True, higher_is_better=True),
        *absolute("two_hogs_idle", 2, "%", 95, 99, higher_is_better=True),
        *absolute("two_hogs_pingpong", 2, "%", 95, 99, higher_is_better=True),
        *absolute("handoff_then_compute", 2, "ms", 1.2, 0.3),
        *absolute("thread_roundtrip", 1, "us", 20, 12),
        *absolute("thread_roundtrip", 2, "us", 20, 12),
        *absolute("snapshot_10k", 1, "ms", 50, 25, go_run="-"),
        *absolute("snapshot_10k_hold", 1, "us", 1000, 100, run="snapshot_10k", key="hold_us", go_run="-"),
        *ratios("set_deadline", "ns/call", (1, 0.6, 0.45)),
        *ratios("set_deadline_waiting", "ns/call", (1, 0.6, 0.45)),
        *ratios("close_unblock", "ns/close", (1, 1.1, 0.9)),
        *ratios("pass_descriptor", "trips/s", (1, 1.0, 1.3), **more),
        *ratios("http_mux_300", "ns/request", (1, 0.7, 0.3)),
        *ratios("http_hello_50", "cpu-us/req", (1, 0.60, 0.45), key="cpu_us"),
        *ratios("http_hello_50_rate", "req/s", (1, 1.4, 1.9), (2, 1.3, 1.7), run="http_hello_50", key="rate", **more),
        *ratios("http_hello_50_p99", "us (p99)", (2, 1.0, 0.7), run="http_hello_50", key="p99_us"),
        *ratios("http_hello_50/callbacks", "cpu-us/req", (1, 1.10, 1.0), run="http_hello_50", key="cpu_us",
                rival="callbacks"),
        *ratios("http_json_1k", "cpu-us/req", (1, 0.75, 0.5), key="cpu_us"),
        *ratios("http_file_64k", "cpu-us/req", (1, 0.9, 0.7), key="cpu_us"),
        *ratios("http_idle_10000", "B/conn", (1, 0.9, 0.6), key="connection_bytes"),
        *ratios("http_pipelined_16", "cpu-us/req", (1, 0.5, 0.35), key="cpu_us"),
        *ratios("https_hello_50", "cpu-us/req", (1, 0.8, 0.6), key="cpu_us"),
        *ratios("https_handshakes", "cpu-us/shake", (1, 1.0, 0.7), key="cpu_us"),
        *ratios("http_proxy_50", "cpu-us/req", (1, 0.75, 0.5), key="cpu_us"),
        *ratios("http_client_100", "cpu-us/req", (1, 0.75, 0.5), key="cpu_us"),
        *ratios("http_client_100_rate", "req/s", (2, 1.2, 1.6), run="http_client_100", key="rate", **more),
        *ratios("ws_echo_50", "cpu-us/msg", (1, 0.8, 0.55), key="cpu_us"),
        *ratios("ws_idle_20000", "B/conn", (1, 0.9, 0.6), key="connection_bytes"),
        *ratios("http_busy_handler", "req/s", (2, 1.2, 1.5), key="rate", **more),
        *ratios("scan_lines", "MB/s", (1, 1.2, 2.0), **more),
        *absolute("idle_cpu", 2, "%", 0.1, 0.01),
        *ratios("net_echo_50", "cpu-us/req", (1, 0.82, 0.76), (2, 0.80, 0.70), key="cpu_us"),
        *ratios("net_echo_500", "cpu-us/req", (1, 0.82, 0.75), key="cpu_us"),
        *ratios("net_echo_5000", "cpu-us/req", (1, 0.90, 0.78), key="cpu_us"),
        *ratios("net_deadlines_50", "cpu-us/req", (1, 0.82, 0.76), key="cpu_us"),
        *ratios("net_echo_50_rate", "req/s", (2, 1.2, 1.6), run="net_echo_50", key="rate", **more),
        *ratios("net_echo_1", "us (p50)", (1, 0.6, 0.4), key="p50_us"),
        *ratios("net_echo_1_free", "req/s", (2, 1.0, 1.6), key="rate", **more),
        *ratios("net_echo_50/callbacks", "cpu-us/req", (1, 1.05, 1.0), run="net_echo_50", key="cpu_us",
                rival="callbacks"),
        *ratios("net_echo_500/callbacks", "cpu-us/req", (1, 1.05, 1.0), run="net_echo_500", key="cpu_us",
                rival="callbacks"),
        *ratios("net_echo_50/coroutines", "cpu-us/req", (1, 1.05, 1.0), run="net_echo_50", key="cpu_us",
                rival="coroutines"),
        *(counted_rows() if net.can_count() else []),
        *ratios("net_accept", "cpu-us/conn", (1, 0.85, 0.75), key="cpu_us"),
        *ratios("net_accept_rate", "conn/s", (1, 0.95, 1.1), run="net_accept", key="rate", **more),
        *ratios("net_send", "MB/s", (1, 1.0, 1.15), key="mb_s", **more),
        *ratios("net_receive", "MB/s", (1, 1.0, 1.2), key="mb_s", **more),
        *ratios("net_copy_file", "cpu-us/MB", (1, 1.0, 0.9), key="cpu_us_mb"),
        *ratios("net_udp_50", "cpu-us/msg", (1, 0.8, 0.4), key="cpu_us"),
        *ratios("net_hog", "us (p99.9)", (2, 1.2, 1.0), key="p999_us"),
        *ratios("net_idle", "B/conn", (1, 1.2, 1.0), key="connection_bytes"),
        *ratios("pq_100/threads", "cpu-us/query", (1, 0.8, 0.5), run="pq_100", key="cpu_us", rival="threads"),
        *absolute("net_idle_cpu", 1, "%", 0.1, 0.02, run="net_idle", key="idle_cpu_pct"),
    ]


def counted_rows():
    return [
        *absolute("net_calls_50", 1, "calls/req", 2.2, 2.1, key="calls"),
        *absolute("net_calls_1", 1, "calls/req", 5, 4, key="calls"),
        *absolute("http_calls_50", 1, "calls/req", 2.2, 2.1, key="calls"),
    ]


class Side:
    """One of the programs that measure."""

    def __init__(self, name, program, rows=None, network=None, queries=None, without=frozenset()):
        self.name = name
        self.program = program
        self.network = network  # measures a network row, if this side has such
        self.queries = queries  # the same for those of a database
        self.rows = rows  # None: all of them
        self.without = without  # but these
        self.steps = None  # of 200 us of work, in this side's code

    def can(self, run):
        if run in FROM_OUTSIDE and self.from_outside(run) is None:
            return False
        return run not in self.without and (self.rows is None or run in self.rows)

    def from_outside(self, run):
        return self.queries if run in database.SCENARIOS else self.network

    def measure(self, run, workers, size=None):
        """The figures of one process: {"": the row's own, KEY: a further one}. None if it failed; that is printed."""
        if run in FROM_OUTSIDE:
            try:
                return self.from_outside(run)(run, workers)
            except (OSError, RuntimeError) as error:
                print(f"# {run}: {error}", file=sys.stderr)
                return None
        command = [str(self.program), run, str(workers)] + ([str(size)] if size else [])
        try:
            done = subprocess.run(command, capture_output=True, text=True, timeout=TIMEOUT_SECONDS, check=False)
            words = done.stdout.split()
            if done.returncode == 0 and words[:2] == [run, str(workers)]:
                further = dict(word.split("=", 1) for word in words[4:])
                return {"": float(words[2])} | {key: float(value) for key, value in further.items()}
            why = f"exit code {done.returncode}: {done.stderr.strip() or done.stdout.strip()}"
        except subprocess.TimeoutExpired:
            why = f"no end after {TIMEOUT_SECONDS} s"
        print(f"# {' '.join(command)}: {why}", file=sys.stderr)
        return None

    def size_of(self, run):
        if run == "parfor":
            if self.steps is None:
                found = self.measure("calibrate", 1)
                self.steps = int(found[""]) if found else None
            return self.steps
        if run.startswith("parked"):
            return parked_fibers()
        return None

    def figures(self, run, workers, speedup):
        size = self.size_of(run)
        found = self.measure(run, workers, size)
        if speedup and found:
            alone = self.measure(run, 1, size)
            return {"": alone[""] / found[""]} if alone else None
        return found


def parked_fibers():
    """A million, or what fits into three quarters of the free memory."""
    with open("/proc/meminfo", encoding="ascii") as lines:
        free_kib = next(int(line.split()[1]) for line in lines if line.startswith("MemAvailable"))
    return min(1_000_000, free_kib * 1024 * 3 // 4 // 5500)


def build_go(build):
    """Go's side, or None with a line that says why not."""
    go = os.environ.get("GO") or shutil.which("go")
    if not go:
        print("# no Go here (set GO=/path/to/go to compare): ours alone")
        return None
    program = build / "test" / "bench" / "micro-go"
    server = build / "test" / "bench" / "net_server-go"
    env = os.environ | {
        "GOTOOLCHAIN": "local",
        "GOPROXY": "off",
        "GOFLAGS": "-mod=mod",
        "GOCACHE": os.environ.get("GOCACHE") or str(build / "go-cache"),
        "GOPATH": os.environ.get("GOPATH") or str(build / "go-path"),
    }
    try:
        subprocess.run([go, "build", "-o", program, "."], cwd=HERE / "go", env=env, check=True)
        subprocess.run([go, "build", "-o", server, "."], cwd=HERE / "go_net", env=env, check=True)
    except (OSError, subprocess.CalledProcessError) as error:
        print(f"# Go's side could not be built ({error}): ours alone")
        return None
    version = subprocess.run([go, "version"], env=env, capture_output=True, text=True, check=False).stdout
    print("# " + version.strip())
    ws = build / "test" / "bench" / "ws_server-go"
    built = subprocess.run([go, "build", "-o", ws, "."], cwd=HERE / "go_ws", env=env, capture_output=True, check=False)
    if built.returncode != 0:
        print("# no gorilla/websocket here: ours alone by WebSocket")
    return Side("go", program, network=network_of(server, build, ws=ws),
                without=frozenset() if built.returncode == 0 else net.OF_WS)


def network_of(server, build, **more):
    folder = build / "test" / "bench"
    return partial(net.measure, server, folder / "net_driver", behind=folder / "http_server", **more)


def queries_of(build, way):
    """None where they cannot be asked."""
    if not database.can_measure(build):
        return None
    return partial(database.measure, build / "test" / "bench" / "database", way)


def names_of(program):
    return subprocess.run([program, "list"], capture_output=True, text=True, check=True).stdout.split()


def describe_machine():
    with open("/proc/cpuinfo", encoding="ascii", errors="replace") as lines:
        model = next((line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")), "unknown CPU")
    print(f"# {model}, {len(os.sched_getaffinity(0))} CPUs, Linux {platform.release()}")


def cpu_seconds():
    """Of the whole machine: all, what the host stole, and what processes other than ours and our children used."""
    with open("/proc/stat", encoding="ascii") as stat:
        user, nice, system, idle, wait, irq, softirq, stolen = (int(t) / os.sysconf("SC_CLK_TCK")
                                                                for t in stat.readline().split()[1:9])
    busy = user + nice + system + irq + softirq
    return busy + idle + wait + stolen, stolen, busy - sum(os.times()[:4])


def measure_all(rows, sides, rounds):
    """Fills in the figures of the rows. Rows of the same run share its processes."""
    runs = {}
    for row in rows:
        runs.setdefault((row.run, row.workers), []).append(row)
    for (run, workers), of_run in runs.items():
        for turn in range(rounds):
            for side in sides:
                judged = side.name == "ours" or any(row.ratio for row in of_run)
                if not judged and turn > 0:  # where nothing hangs on it, one figure is enough
                    continue
                name = of_run[0].go_run if side.name == "go" else run
                found = None
                if side.can(name) and name != "-":
                    found = side.figures(name, workers, of_run[0].speedup)
                for row in of_run:
                    if found and row.key in found:
                        row.figures[side.name].append(found[row.key])
            if sys.stderr.isatty():
                print(f"\r\033[K{run} ({workers}): round {turn + 1} of {rounds}", end="", file=sys.stderr)
        if sys.stderr.isatty():
            print("\r\033[K", end="", file=sys.stderr)
        for row in of_run:
            print_row(row, sides)


def median(row, side):
    values = row.figures[side]
    return statistics.median(values) if values else None


def ratio_to_rival(row):
    """None where the row is not judged by it, too."""
    ours, its = median(row, "ours"), median(row, row.rival)
    return ours / its if row.ratio and ours is not None and its else None


def verdict(row):
    value = ratio_to_rival(row) if row.ratio else median(row, "ours")
    if median(row, "ours") is None:
        return "FAILED"
    if value is None:
        return ""
    if row.higher_is_better:
        reached = lambda limit: value >= limit
    else:
        reached = lambda limit: value <= limit
    return "target reached" if reached(row.target) else "floor reached" if reached(row.floor) else "MISSED"


def show(value):
    return "-" if value is None else f"{value:.4g}" if abs(value) < 1000 else f"{value:.0f}"


def table_line(name, workers, unit, ours, go, boost, ratio, floor, target, word):
    boost = "" if boost is None else f" {boost:>8}"
    line = f"{name:<23} {workers:>2} {unit:<10} {ours:>8} {go:>8}{boost} {ratio:>6} {floor:>6} {target:>6}  {word}"
    return line.rstrip()


def print_row(row, sides):
    with_boost = any(side.name == "boost" for side in sides)
    boost = show(median(row, "boost")) if with_boost else None
    ratio = ratio_to_rival(row)
    print(table_line(row.name, row.workers, row.unit, show(median(row, "ours")), show(median(row, row.rival)), boost,
                     "-" if ratio is None else f"{ratio:.2f}", f"{row.floor:g}", f"{row.target:g}", verdict(row)))


def write_json(rows, path):
    content = [{
        "row": row.name, "workers": row.workers, "unit": row.unit,
        "ours": median(row, "ours"), "rival": row.rival, "its": median(row, row.rival), "ratio": ratio_to_rival(row),
        "floor": row.floor, "target": row.target, "higher_is_better": row.higher_is_better,
    } for row in rows]
    Path(path).write_text(json.dumps(content, indent=1) + "\n", encoding="ascii")


def smoke(ours):
    """Every row of micro, small: does it run, and print one figure?"""
    small = {"idle_cpu": 1, "two_hogs_idle": 2, "two_hogs_pingpong": 2, "handoff_then_compute": 2, "sieve": 20}
    names = names_of(ours.program)
    wanted = {row.run for row in all_rows()} - FROM_OUTSIDE | {"calibrate"}
    failed = sorted(wanted ^ set(names))
    if failed:
        print("only on one side: " + " ".join(failed))
    for name in names:
        for workers in (1, 2):
            found = ours.measure(name, workers, small.get(name, 1000))
            if found is None:
                failed.append(name)
    for run in ("net_echo_50", "net_accept", "net_send", "net_receive", "http_hello_50", "http_json_1k",
                "http_file_64k", "http_pipelined_16"):
        # On a loaded machine it may have had no CPU in so short a time, or less than the clock's step.
        if not any(ours.network(run, 1, seconds=s).get("cpu_us", 1) > 0 for s in (0.05, 0.5, 5)):
            failed.append(run)
    if ours.can("pq_100") and ours.queries("pq_100", 1, queries=2)["cpu_us"] <= 0:
        failed.append("pq_100")
    print(f"{len(names)} rows, {len(failed)} failures {' '.join(failed)}".rstrip())
    return 1 if failed else 0


def arguments():
    parser = argparse.ArgumentParser(prog="tools/dev bench", description="Measures gossamer beside Go.")
    release = HERE.parents[1] / "build" / "release"
    parser.add_argument("--build", type=Path, metavar="DIR", default=release, help="the build (default build/release)")
    parser.add_argument("--only", type=re.compile, metavar="REGEX", help="only rows in whose name this is found")
    parser.add_argument("--rounds", type=int, default=5, metavar="N", help="runs of each side (default 5)")
    parser.add_argument("--json", metavar="FILE", help="write the figures there, too")
    parser.add_argument("--smoke", action="store_true", help="only try whether every row of ours runs")
    return parser.parse_args()


def main():
    args = arguments()
    build = args.build.resolve()
    folder = build / "test" / "bench"
    ours = Side("ours", folder / "micro", network=network_of(folder / "net_server", build, http=folder / "http_server"),
                queries=queries_of(build, "fibers"))
    if not ours.program.exists():
        sys.exit(f"bench: there is no {ours.program}: build first, with -Dbenchmarks=true")
    if args.smoke:
        sys.exit(smoke(ours))
    rows = [row for row in all_rows()
            if (row.run not in FROM_OUTSIDE or ours.can(row.run)) and net.can_measure(row.run, build)
            and (not args.only or args.only.search(row.name))]
    if not rows or args.rounds < 1:
        sys.exit("bench: nothing to measure")
    describe_machine()
    sides = [ours]
    go = build_go(build)
    if go:
        sides.append(go)
    neighbour = build / "test" / "bench" / "boost_fiber"
    if neighbour.exists():
        sides.append(Side("boost", neighbour, names_of(neighbour)))
    for mode in ("callbacks", "coroutines"):
        of_asio = network_of(folder / "net_asio", build, options=("-m", mode), http=folder / "http_beast")
        sides.append(Side(mode, folder / "net_asio", {row.run for row in rows if row.rival == mode}, of_asio))
    sides.append(Side("threads", folder / "database", database.SCENARIOS, queries=queries_of(build, "threads")))
    if not ours.can("pq_100"):
        print("# no PostgreSQL here, or no libpq: queries are not measured")
    if not net.can_count():
        print("# no perf here, or it may not: system calls are not counted")
    print(f"# medians of {args.rounds} rounds; where there is a ratio (ours / Go's) floor and target are for it; a row"
          " NAME/RIVAL has that rival, plain Asio or threads, in Go's place")
    boost = "B.Fiber" if neighbour.exists() else None
    print(table_line("row", "w", "unit", "ours", "Go", boost, "ratio", "floor", "target", ""))
    before = cpu_seconds()
    measure_all(rows, sides, args.rounds)
    total, stolen, others = (now - then for now, then in zip(cpu_seconds(), before))
    missed = [f"{row.name}({row.workers})" for row in rows if verdict(row) in ("MISSED", "FAILED")]
    print(f"# {len(rows)} rows, missed: {' '.join(missed) or 'none'}")
    advice = ": measure again on a quiet machine" if stolen + others > 0.03 * total else ""
    stolen, others = (f"{max(0, 100 * part / total):.1f}%" for part in (stolen, others))
    print(f"# of the CPU time the host stole {stolen}, other processes used {others}{advice}")
    if args.json:
        write_json(rows, args.json)
    sys.exit(1 if any(verdict(row) == "FAILED" for row in rows) else 0)


if __name__ == "__main__":
    main()
