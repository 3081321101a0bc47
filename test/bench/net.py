"""net: the network rows of the benchmarks. A server, ours or Go's, is driven by net_driver, and looked at from outside.

A server of one worker has one core, and the driver the other; one of two workers shares both with the driver.
"""

import os
import socket
import subprocess
from dataclasses import dataclass

SECONDS = 1.0
PATIENCE = 60


@dataclass
class Scenario:
    mode: str
    connections: int
    server: tuple = ()
    pinned: bool = True
    seconds: float = SECONDS


SCENARIOS = {
    "net_echo_1": Scenario("pp", 1),
    "net_echo_1_free": Scenario("pp", 1, pinned=False),
    "net_echo_50": Scenario("pp", 50),
    "net_echo_500": Scenario("pp", 500),
    "net_echo_5000": Scenario("pp", 5000),
    "net_deadlines_50": Scenario("pp", 50, ("-dl", "1")),
    "net_accept": Scenario("accept", 16),
    "net_receive": Scenario("sink", 1, ("-m", "sink")),
    "net_send": Scenario("source", 1, ("-m", "source")),
    "net_idle": Scenario("idle", 10_000, ("-b", "1024"), seconds=2),
    "net_hog": Scenario("pp", 20, ("-hog", "10000"), pinned=False, seconds=2),
}


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def on_core(core):
    """What a child does before it begins; None where it may run anywhere."""
    return None if core is None else lambda: os.sched_setaffinity(0, {core})


def measure(program, driver, run, workers, seconds=None):
    """The figures of one run: KEY: value. Raises RuntimeError where one of the two has failed."""
    scenario = SCENARIOS[run]
    cores = sorted(os.sched_getaffinity(0))
    pinned = scenario.pinned and workers == 1 and len(cores) > 1
    port = free_port()
    server = subprocess.Popen([str(program), "-p", str(port), "-w", str(workers), *scenario.server],
                              stderr=subprocess.PIPE, text=True, preexec_fn=on_core(cores[0] if pinned else None))
    try:
        said = server.stderr.readline().strip()
        if said != "ready":
            raise RuntimeError(f"{program}: {said or 'it has not begun'}")
        command = [str(driver), scenario.mode, "-p", str(port), "-c", str(scenario.connections),
                   "-t", str(seconds or scenario.seconds), "-P", str(server.pid)]
        done = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE, check=False,
                              preexec_fn=on_core(cores[1] if pinned else None))
        if done.returncode != 0:
            raise RuntimeError(f"{' '.join(command)}: {done.stderr.strip()}")
        return {key: float(value) for key, value in (word.split("=", 1) for word in done.stdout.split())}
    except subprocess.TimeoutExpired:
        raise RuntimeError(f"{' '.join(command)}: no end after {PATIENCE} s") from None
    finally:
        server.kill()
        server.wait()
        server.stderr.close()
