"""What grows in a gateway: how much memory one of each takes, and whether requests notice."""

import json
import re
import resource
import shutil
import socket
import statistics
import time

import build
import load
from browser import CALLBACK
from callgrind import Callgrind
from gateway import GatewayCase, sessions
from processes import MEASURED, OTHERS, free_port, raise_file_limit, say, until_answered

# The app is an endpoint too: it answers faster than the simulator.
MORE = {
    "ENDPOINTS": ', "http://127.0.0.1:@APP@/v1/default"', "SESSION": "login_timeout: 10m\n  max_pending: 200000\n  store: @STORE@",
    "MORE": "limits: { logins_per_minute: off, callbacks_per_second: off }",
}


class Growth:
    def __init__(self, setup, less):
        self.setup, self.less, self.rows, self.rules_found, self.notes = setup, less, [], [], []
        raise_file_limit()

    def run(self, only):
        self.setup.start_app()
        for name in ("connections", "logins", "logouts", "phones", "store", "rules"):
            if only in name:
                say(name)
                getattr(self, name)()
        machine = build.machine(self.setup.truegate)
        return {"at": time.strftime("%Y-%m-%d", time.gmtime()), "machine": machine, "growth": self.rows, "rules": self.rules_found, "notes": self.notes}

    # What is measured.

    def connections(self):
        """Connections that are open and send nothing. Each is a descriptor here and a descriptor there."""
        gateway = self.gateway("connections")
        count = min(10_000 // self.less, resource.getrlimit(resource.RLIMIT_NOFILE)[0] - 500)
        self.request_cost(gateway)
        before = gateway.process.memory("RssAnon")
        idle = load.Idle(load.Target(gateway.port, "/orders"))
        idle.open(count)
        time.sleep(1)
        if idle.still_open() < count:
            raise SystemExit("the gateway has closed idle connections")
        self.add(gateway, "idle connections", count, before, None, None)
        idle.close()

    def logins(self):
        """Logins that were started and wait for their callback."""
        gateway, count = self.gateway("logins"), 100_000 // self.less
        cost, before = self.request_cost(gateway), gateway.process.memory("RssAnon")
        self.start_logins(gateway, count)
        self.add(gateway, "pending logins", count, before, cost, self.request_cost(gateway))

    def logouts(self):
        """Sessions that were logged out and could still be used without the memory of it."""
        gateway, count = self.gateway("logouts"), 100_000 // self.less
        cost, before = self.request_cost(gateway), gateway.process.memory("RssAnon")
        start = gateway.process.cpu()
        self.log_in_and_out(gateway, count)
        self.notes.append(f"a login and its logout take {(gateway.process.cpu() - start) / count * 1e6:.0f} µs of processor time")
        self.add(gateway, "logouts", count, before, cost, self.request_cost(gateway))

    def phones(self):
        """Numbers in a `phones_file`, of which the last one asks."""
        count, path = 1_000_000 // self.less, self.setup.folder / "phones.txt"
        found = []
        for numbers in (10, count):
            path.write_text("".join(f"+9188{number:08}\n" for number in range(numbers - 1)) + "+919999900001\n")
            start = time.perf_counter()
            gateway = self.gateway("phones", ALLOW=", allow: { phones_file: phones.txt }")
            started = time.perf_counter() - start
            before = gateway.process.memory("RssAnon")
            found.append((before, started, self.request_cost(gateway)))
            if numbers == count:
                self.rows.append(row("numbers in a phones_file", count, before - found[0][0], found[0][2], found[1][2]))
                peak = gateway.process.memory("VmHWM") / 1024
                self.notes.append(f"with {count:,} numbers the gateway starts in {started:.2f} s instead of {found[0][1]:.2f} s; its memory is {peak:.0f} MiB at most")
                used = gateway.process.cpu()
                path.touch()
                time.sleep(4)
                self.notes.append(f"a `touch` of this file costs {gateway.process.cpu() - used:.2f} s of processor time")
            self.setup.processes.stop(gateway.process)

    def store(self):
        """A gateway that starts when Redis has many logouts: when it is ready, it knows them."""
        port, count = free_port(), 100_000 // self.less
        redis = self.setup.processes.start("redis", ["redis-server", "--port", port, "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"], OTHERS)
        time.sleep(0.5)
        gateway = self.gateway("store", STORE=f"redis://127.0.0.1:{port}")
        before, theirs = gateway.process.memory("RssAnon"), redis.memory()
        self.log_in_and_out(gateway, count)
        self.rows.append(row("logouts in Redis, in the gateway", count, gateway.process.memory("RssAnon") - before, None, None))
        self.rows.append(row("logouts in Redis, in Redis", count, redis.memory() - theirs, None, None))
        cookie = gateway.cookie
        self.setup.processes.stop(gateway.process)
        start = time.perf_counter()
        fresh = self.gateway("store", STORE=f"redis://127.0.0.1:{port}", wait=False)
        while not is_ready(fresh.admin):
            time.sleep(0.002)
        ready = time.perf_counter() - start
        status = Connection(fresh.port).ask("GET", "/account/orders", f"Cookie: {cookie}\r\n", b"", None)[0]
        self.notes.append(f"a fresh gateway with {count:,} logouts in Redis is ready after {ready:.2f} s, and then answers {status} to a session")

    def rules(self):
        """The instructions of a request, which callgrind counts: time would not show so little."""
        if not shutil.which("callgrind_control"):
            self.notes.append("rules were not measured: valgrind is not installed")
            return
        callgrind = Callgrind(self.setup.folder / "callgrind")
        for count in (1, 10, 100, 1000):
            case = GatewayCase(sessions(count), browsers=1)
            self.rules_found.append({"rules": count, "instructions": case.count(callgrind, self.setup.truegate, f"rules-{count}")})

    def start_logins(self, gateway, count):
        """Starts logins that nobody ends, some of them side by side."""
        connections = [Connection(gateway.port) for _ in range(50)]
        for _ in range(count // len(connections)):
            for connection in connections:
                connection.send("POST", "/.truegate/login", f"Origin: http://127.0.0.1:{gateway.port}\r\n", b"")
            for connection in connections:
                connection.receive("a login", 201)

    def log_in_and_out(self, gateway, count, at_once=50):
        """Takes users through a login and a logout, some of them side by side."""
        connections = [Connection(gateway.port) for _ in range(at_once)]
        origin = f"Origin: http://127.0.0.1:{gateway.port}\r\n"
        endpoint = f"http://127.0.0.1:{self.setup.ports['app']}/v1/default"

        def step(method, path, headers, bodies, expected):
            for number, connection in enumerate(connections):
                connection.send(method, path(number), headers(number), bodies(number))
            return [connection.receive(f"{method} {path('…')}", expected) for connection in connections]

        nothing = lambda _: b""
        for _ in range(count // at_once):
            begun = step("POST", lambda _: "/.truegate/login", lambda _: origin, nothing, 201)
            names = {number: json.loads(body)["request_id"] for number, (_, _, body) in enumerate(begun)} | {"…": "…"}
            callback = lambda number: json.dumps({"requestId": names[number], "accessToken": "a-token", "endpoint": endpoint}).encode()
            step("POST", lambda _: CALLBACK, lambda _: "Content-Type: application/json\r\n", callback, 204)
            query = lambda number: f"/.truegate/status?request_id={names[number]}&since=pending&wait=25"
            ended = step("GET", query, lambda number: f"Cookie: {begun[number][1]}\r\n", nothing, 200)
            if any(json.loads(body)["state"] != "verified" for _, _, body in ended):
                raise SystemExit(f"a login ended as {ended!r}")
            step("POST", lambda _: "/.truegate/logout", lambda number: f"{origin}Cookie: {ended[number][1]}\r\n", nothing, 204)

    # How it is measured.

    def gateway(self, name, wait=True, **more):
        port, admin = free_port(), free_port()
        command = self.setup.gateway("session", port, **MORE, **{"STORE": "memory", "ADMIN": admin, **more})
        gateway = Gateway(port, admin, self.setup.processes.start(f"truegate-{name}", command, MEASURED, self.setup.environment))
        if wait:
            until_answered(port)
            simulator = self.setup.start_simulator(port)
            gateway.cookie = self.setup.log_in(port)
            self.setup.processes.stop(simulator)
        return gateway

    def request_cost(self, gateway):
        """The processor time of a request with a session, in µs: the median of three loads."""
        costs = []
        for _ in range(3):
            before = gateway.process.cpu()
            result = load.closed(load.Target(gateway.port, "/account/orders", gateway.cookie), 32, 2)
            if result["refused"] or result["failed"]:
                raise SystemExit(f"requests failed: {result}")
            costs.append((gateway.process.cpu() - before) / result["requests"] * 1e6)
        return statistics.median(costs)

    def add(self, gateway, what, count, before, cost, after):
        self.rows.append(row(what, count, gateway.process.memory("RssAnon") - before, cost, after))
        self.setup.processes.stop(gateway.process)


class Gateway:
    def __init__(self, port, admin, process):
        self.port, self.admin, self.process, self.cookie = port, admin, process, None


class Connection:
    """One HTTP connection that costs this program as little as it can."""

    def __init__(self, port):
        self.socket = socket.create_connection(("127.0.0.1", port), 30)

    def ask(self, method, path, headers, body, expected):
        """Sends a request, and returns the status, the cookies that were set, and the body."""
        self.send(method, path, headers, body)
        return self.receive(f"{method} {path.split('?')[0]}", expected)

    def send(self, method, path, headers, body):
        length = f"Content-Length: {len(body)}\r\n" if method == "POST" else ""
        self.socket.sendall(f"{method} {path} HTTP/1.1\r\nHost: app.example\r\nAccept: application/json\r\n{headers}{length}\r\n".encode() + body)

    def receive(self, what, expected):
        answer = b""
        while b"\r\n\r\n" not in answer:
            answer += self.more()
        head, body = answer.split(b"\r\n\r\n", 1)
        wanted = re.search(rb"\r\ncontent-length: (\d+)", head, re.IGNORECASE)
        while len(body) < (int(wanted[1]) if wanted else 0):
            body += self.more()
        status = int(head[9:12])
        if expected not in (None, status):
            raise SystemExit(f"{what} was answered {status}, not {expected}: {body[:200]!r}")
        cookies = "; ".join(found.decode() for found in re.findall(rb"\r\nset-cookie: ([^;]+)", head, re.IGNORECASE) if not found.endswith(b"="))
        return status, cookies, body

    def more(self):
        part = self.socket.recv(65536)
        if not part:
            raise SystemExit("the gateway has closed a connection")
        return part


def is_ready(admin):
    try:
        return Connection(admin).ask("GET", "/readyz", "", b"", None)[0] == 200
    except OSError:
        return False


def row(what, count, kib, before, after):
    return {"what": what, "count": count, "bytes": kib * 1024 / count, "before_us": before, "after_us": after}
