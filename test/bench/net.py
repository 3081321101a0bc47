"""net: the network rows of the benchmarks. A server, ours or Go's, is driven by net_driver, and looked at from outside.

A server of one worker has one core, and the driver the other; one of two workers shares both with the driver.
System calls are counted by perf, where it is installed and may do so.
"""

import atexit
import os
import re
import resource
import shutil
import socket
import subprocess
import tempfile
import time
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path

SECONDS = 1.0
HTTP = ("-m", "http")
HTTPS = ("-m", "https")
PROXY = ("-m", "proxy")
CLIENT = ("-m", "client")
WS = ("-m", "ws")
PATIENCE = 60


@dataclass
class Scenario:
    mode: str
    connections: int
    server: tuple = ()
    pinned: bool = True
    seconds: float = SECONDS
    counted: bool = False  # its system calls
    depth: int = 1  # of requests that are sent at once

    @property
    def is_http(self):
        return not {"http", "https", "proxy", "ws"}.isdisjoint(self.server)

    @property
    def is_tls(self):
        return "https" in self.server


SCENARIOS = {
    "net_echo_1": Scenario("pp", 1),
    "net_echo_1_free": Scenario("pp", 1, pinned=False),
    "net_echo_50": Scenario("pp", 50),
    "net_echo_500": Scenario("pp", 500),
    "net_echo_5000": Scenario("pp", 5000),
    "net_deadlines_50": Scenario("pp", 50, ("-dl", "1")),
    "net_calls_1": Scenario("pp", 1, counted=True),
    "net_calls_50": Scenario("pp", 50, counted=True),
    "net_accept": Scenario("accept", 16),
    "net_receive": Scenario("sink", 1, ("-m", "sink")),
    "net_send": Scenario("source", 1, ("-m", "source")),
    "net_copy_file": Scenario("source", 1, ("-m", "file"), seconds=2),
    "net_udp_50": Scenario("udp", 50, ("-m", "udp")),
    "net_idle": Scenario("idle", 10_000, ("-b", "1024"), seconds=2),
    "net_hog": Scenario("pp", 20, ("-hog", "10000"), pinned=False, seconds=2),
    "http_hello_50": Scenario("hello", 50, HTTP),
    "http_json_1k": Scenario("json", 50, HTTP),
    "http_file_64k": Scenario("file", 50, HTTP),
    "http_idle_10000": Scenario("http-idle", 10_000, HTTP),
    "http_pipelined_16": Scenario("hello", 50, HTTP, depth=16),
    "http_busy_handler": Scenario("hello", 50, (*HTTP, "-hog", "10000"), pinned=False, seconds=2),
    "https_hello_50": Scenario("hello", 50, HTTPS),
    "https_handshakes": Scenario("shake", 16, HTTPS),
    "http_proxy_50": Scenario("kilobyte", 50, PROXY),
    "http_client_100": Scenario("", 100, CLIENT),
    "ws_echo_50": Scenario("ws", 50, WS),
    "ws_idle_20000": Scenario("ws-idle", 20_000, WS),
    "http_calls_50": Scenario("hello", 50, HTTP, counted=True),
}

OF_WS = frozenset(name for name, scenario in SCENARIOS.items() if scenario.server == WS)


@cache
def certificate():
    """A file with a certificate of P-256 and its key, which lives as long as this process."""
    folder = tempfile.mkdtemp(prefix="bench-tls-")
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    key, cert = Path(folder, "key.pem"), Path(folder, "cert.pem")
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj",
                    "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1", "-keyout", key, "-out", cert],
                   check=True, capture_output=True)
    both = Path(folder, "both.pem")
    both.write_text(cert.read_text() + key.read_text())
    return str(both)


def can_measure(run, build):
    """Whether what the row needs is here."""
    scenario = SCENARIOS.get(run)
    if scenario is None:
        return True
    if scenario.server == CLIENT:
        return shutil.which("nginx") is not None
    return not scenario.is_tls or (shutil.which("openssl") is not None and (build / "test/bench/tls_driver").exists())


def allow_descriptors():
    """For children, who have one for each connection; returns how many of those there may be."""
    most = 65_536
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, max(most, hard)))
    except (ValueError, OSError):
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    return resource.getrlimit(resource.RLIMIT_NOFILE)[0] - 100


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def on_core(core):
    """What a child does before it begins; None where it may run anywhere."""
    return None if core is None else lambda: os.sched_setaffinity(0, {core})


@cache
def can_count():
    """Whether perf counts system calls here."""
    perf = shutil.which("perf")
    return perf is not None and subprocess.run([perf, "stat", "-e", "raw_syscalls:sys_enter", "true"],
                                               capture_output=True, check=False).returncode == 0


def calls_a_second(pid, seconds):
    """The system calls of a process that has warmed up meanwhile. None where perf does not say."""
    time.sleep(0.4)
    done = subprocess.run(["perf", "stat", "-e", "raw_syscalls:sys_enter", "-p", str(pid),
                           "--timeout", str(int(seconds * 1000))], capture_output=True, text=True, check=False,
                          env=os.environ | {"LC_ALL": "C"})
    count = re.search(r"([\d,]+) +raw_syscalls", done.stderr)
    elapsed = re.search(r"([\d.]+) seconds time elapsed", done.stderr)
    return float(count[1].replace(",", "")) / float(elapsed[1]) if count and elapsed else None


def pinning(scenario, workers):
    """The cores of what is measured, and of what measures it; None where they may run anywhere."""
    cores = sorted(os.sched_getaffinity(0))
    pinned = scenario.pinned and workers == 1 and len(cores) > 1
    return (cores[0], cores[1]) if pinned else (None, None)


@contextmanager
def started(command, core, is_ready=lambda child: child.stderr.readline().strip()):
    """A server that has said that it is ready, until the end of the block."""
    child = subprocess.Popen([str(word) for word in command], stderr=subprocess.PIPE, text=True,
                             preexec_fn=on_core(core))
    try:
        said = is_ready(child)
        if said != "ready":
            raise RuntimeError(f"{command[0]}: {said or 'it has not begun'}")
        yield child
    finally:
        child.kill()
        child.wait()
        child.stderr.close()


def figures_of(said):
    return {key: float(value) for key, value in (word.split("=", 1) for word in said.split())}


def answers(port):
    """Waits until somebody listens there."""
    for _ in range(500):
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return "ready"
        time.sleep(0.01)
    return "nobody listens"


NGINX = """daemon off; master_process off; pid {folder}/pid; error_log {folder}/error.log;
events {{ worker_connections 4096; }}
http {{
  access_log off; keepalive_requests 100000000; tcp_nodelay on;
  client_body_temp_path {folder}/a; proxy_temp_path {folder}/b; fastcgi_temp_path {folder}/c; uwsgi_temp_path {folder}/d;
  scgi_temp_path {folder}/e;
  server {{ listen 127.0.0.1:{port} backlog=1024; location / {{ default_type text/plain; return 200 "Hello, world!\\n"; }} }}
}}
"""


def measure_client(program, scenario, workers, requests):
    """A client of nginx, which says by itself what it has used."""
    own, others = pinning(scenario, workers)
    port = free_port()
    with tempfile.TemporaryDirectory(prefix="bench-nginx-") as folder:
        config = Path(folder, "nginx.conf")
        config.write_text(NGINX.format(folder=folder, port=port))
        command = ["nginx", "-p", folder, "-c", config, "-e", Path(folder, "error.log")]
        with started(command, others, lambda _: answers(port)):
            command = [str(program), "-p", str(port), "-w", str(workers), "-n", str(requests), *scenario.server]
            done = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE, check=False,
                                  preexec_fn=on_core(own))
    if done.returncode != 0:
        raise RuntimeError(f"{' '.join(command)}: {done.stderr.strip()}")
    return figures_of(done.stdout)


def measure(program, driver, run, workers, seconds=None, options=(), http=None, ws=None, behind=None):
    """The figures of one run: KEY: value. Raises RuntimeError where one of the two has failed. `http`: the program for
    what is by HTTP, if it is another one; `ws`: by WebSocket; `behind`: the one that proxies pass requests on to, the same for all."""
    scenario = SCENARIOS[run]
    connections = min(scenario.connections, allow_descriptors())
    if scenario.server == CLIENT:
        return measure_client(http.with_name("http_client") if http else program, scenario, workers,
                              int(100_000 * (seconds or scenario.seconds)))
    if scenario.is_http and http is not None:
        program = http
    if scenario.server == WS and ws is not None:
        program = ws
    if scenario.is_tls:
        options = (*options, "-cert", certificate())
        driver = Path(driver).with_name("tls_driver")
    own, others = pinning(scenario, workers)
    with ExitStack() as running:
        if scenario.server == PROXY:
            up = free_port()
            running.enter_context(started([behind, *HTTP, "-p", up, "-w", 1], others))
            options = (*options, "-up", str(up))
        port = free_port()
        server = running.enter_context(started([program, "-p", port, "-w", workers, *options, *scenario.server], own))
        command = [str(driver), scenario.mode, "-p", str(port), "-c", str(connections),
                   "-t", str(seconds or scenario.seconds), "-P", str(server.pid), "-d", str(scenario.depth)]
        with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                              preexec_fn=on_core(others)) as clients:
            counted = calls_a_second(server.pid, scenario.seconds / 2) if scenario.counted else None
            try:
                said, complaints = clients.communicate(timeout=PATIENCE)
            except subprocess.TimeoutExpired:
                raise RuntimeError(f"{' '.join(command)}: no end after {PATIENCE} s") from None
            finally:
                clients.kill()
        if clients.returncode != 0:
            raise RuntimeError(f"{' '.join(command)}: {complaints.strip()}")
        figures = figures_of(said)
        return figures | ({"calls": counted / figures["rate"]} if counted else {})
