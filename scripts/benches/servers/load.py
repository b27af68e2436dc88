"""The load: wrk where the next request follows the last answer, oha at a fixed rate, and connections that are only open."""

import json
import os
import resource
import selectors
import socket
import subprocess
from pathlib import Path

from processes import OTHERS, raise_file_limit, raise_priority

HERE = Path(__file__).parent

# What a browser's script sends, and two headers of an identity that it does not have.
HEADERS = {
    "Host": "app.example",
    "User-Agent": "Mozilla/5.0 (Linux; Android 16; Pixel 9) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Mobile Safari/537.36",
    "Accept": "application/json, text/plain, */*",
    "Accept-Language": "hi-IN,hi;q=0.9,en;q=0.8",
    "Accept-Encoding": "gzip, deflate",
    "Referer": "http://app.example/orders",
    "Cache-Control": "no-cache",
    "X-Truecaller-Phone": "+910000000000",
    "X-Truecaller-Name": "Somebody Else",
}
IDS = iter(range(1, 1 << 30))


class Target:
    """What is asked for: a URL, the cookie of a session if there is one, and for callbacks the profile's endpoint."""

    def __init__(self, port, path, cookie=None, endpoint=None):
        self.port, self.path, self.endpoint = port, path, endpoint
        self.headers = HEADERS | ({"Cookie": cookie} if cookie else {})
        if endpoint:
            self.headers["Content-Type"] = "application/json"

    def url(self):
        return f"http://127.0.0.1:{self.port}{self.path}"

    def body(self):
        if self.endpoint is None:
            return ""
        return json.dumps({"requestId": f"measured-{os.getpid()}-{next(IDS)}", "accessToken": "a-token", "endpoint": self.endpoint})

    def request(self, headers=None):
        """One request as bytes."""
        body = self.body()
        lines = [f"{'POST' if body else 'GET'} {self.path} HTTP/1.1"]
        lines += [f"{name}: {value}" for name, value in (self.headers if headers is None else headers).items()]
        lines += [f"Content-Length: {len(body)}"] if body else []
        return ("\r\n".join(lines) + "\r\n\r\n" + body).encode()


def run(command, environment=None):
    """Runs a load generator, and returns what it printed and the seconds of processor time that it used."""

    def prepare():
        os.sched_setaffinity(0, OTHERS)
        raise_file_limit()
        raise_priority()

    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    done = subprocess.run(
        command, capture_output=True, text=True, timeout=300, preexec_fn=prepare, start_new_session=True,
        env={**os.environ, **(environment or {})},
    )
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    if done.returncode:
        raise SystemExit(f"{command[0]}: {done.stdout}{done.stderr}")
    return done.stdout, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def closed(target, connections, seconds):
    """Each connection sends its next request when it has the answer. Latencies say how long the queue is, and little else."""
    command = ["wrk", "-t1", f"-c{connections}", f"-d{seconds}s", "--timeout", "10s", "-s", str(HERE / "wrk.lua")]
    for name, value in target.headers.items():
        command += ["-H", f"{name}: {value}"]
    environment = {"ENDPOINT": target.endpoint or "", "RUN": f"{os.getpid()}-{next(IDS)}"}
    output, cpu = run([*command, target.url()], environment)
    return json.loads(output[output.index("JSON ") + 5:]) | {"load_cpu": cpu}


def paced(oha, target, connections, rate, seconds):
    """Requests are due at fixed times, and the latency counts from the time at which a request was due."""
    command = [oha, "--no-tui", "--output-format", "json", "--latency-correction", "--disable-compression", "--redirect", "0"]
    command += ["-z", f"{seconds}s", "-q", str(rate), "-c", str(connections), "-w"]
    for name, value in target.headers.items():
        command += ["-H", f"{name}: {value}"]
    if target.endpoint:
        command += ["-m", "POST", "-d", target.body()]
    output, cpu = run([*command, target.url()])
    result = json.loads(output)
    codes = {int(code): count for code, count in result["statusCodeDistribution"].items()}
    percentiles = {name: (result["latencyPercentiles"][name] or 0) * 1e6 for name in ("p50", "p90", "p99", "p99.9")}
    failures = {cause: count for cause, count in result["errorDistribution"].items() if "deadline" not in cause}
    return {
        "requests": sum(codes.values()), "seconds": result["summary"]["total"], "microseconds": percentiles, "load_cpu": cpu,
        "refused": sum(count for code, count in codes.items() if code != 200), "failed": sum(failures.values()),
    }


class Idle:
    """Connections that were answered once, and are kept open without a further request."""

    def __init__(self, target):
        self.target, self.connections = target, []

    def open(self, count):
        """Opens connections until there are `count`, at most a hundred at a time."""
        while len(self.connections) < count:
            new = []
            for _ in range(min(100, count - len(self.connections))):
                connection = socket.create_connection(("127.0.0.1", self.target.port), 10)
                connection.sendall(self.target.request())
                new.append(connection)
            for connection in new:
                if not connection.recv(65536).startswith(b"HTTP/1.1 200"):
                    raise SystemExit(f"{self.target.url()} does not answer 200 on an idle connection")
            self.connections += new

    def still_open(self):
        """How many the other side has not closed."""
        with selectors.DefaultSelector() as selector:
            for connection in self.connections:
                selector.register(connection, selectors.EVENT_READ)
            return len(self.connections) - len(selector.select(0))

    def close(self):
        for connection in self.connections:
            connection.close()
        self.connections = []
