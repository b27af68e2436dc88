"""What one of each costs Redis: the figures that docs/scale.md computes with."""

import json
import math
import re
import socket
import subprocess
import time

from growth import Connection, Growth
from processes import OTHERS, free_port, say

SECONDS = 10


class Scale(Growth):
    def run(self):
        self.setup.start_app()
        self.found = {}
        for name, start in (("one server", self.one), ("a cluster of three", self.cluster)):
            say(name)
            store, nodes = start(name.split()[-1])
            self.found[name] = self.measure(store, nodes)
        return self.found

    def measure(self, store, nodes):
        count, found = 20_000 // self.less, {}
        gateway = self.gateway(f"scale-{len(nodes)}", STORE=store)

        # A session in use lets the gateway poll, at the same rate until the end.
        idle = self.watch(nodes, lambda: self.use(gateway, SECONDS))
        found["polls of a gateway in use, a second"] = idle.calls("xrange") / SECONDS
        found["bytes to Redis for each poll"] = idle.received / idle.calls("xrange")
        found["bytes from Redis for each poll, when there are no logouts"] = idle.sent / idle.calls("xrange")

        def per(what, many, action, *names):
            """The costs of one of many, without those of polling."""
            start = time.perf_counter()
            spent = self.watch(nodes, action)
            share = (time.perf_counter() - start) / SECONDS
            found[f"commands for {what}"] = spent.calls(*names) / many
            found[f"bytes to Redis for {what}"] = (spent.received - idle.received * share) / many
            found[f"bytes from Redis for {what}"] = (spent.sent - idle.sent * share) / many
            found[f"memory of Redis for {what}"] = spent.memory / many

        scripts = ("evalsha", "eval", "lrange", "hmget") if len(nodes) > 1 else ("evalsha", "eval")
        per("a login that is pending", count, lambda: self.start_logins(gateway, count), *scripts)
        per("a login, its callback, its state and its logout", count, lambda: self.log_in_and_out(gateway, count), *scripts)
        # The gateway has read the last logouts by then.
        time.sleep(2)
        idle = self.watch(nodes, lambda: self.use(gateway, SECONDS))
        found["bytes from Redis for each poll without news, when there are logouts"] = idle.sent / idle.calls("xrange")
        found["memory of Redis for a logout alone"] = self.memory_of_logout(nodes)
        found["bytes from Redis for a logout, to each gateway"] = self.page(nodes)

        waiting = 1000 // min(self.less, 2)
        ready = self.wait_in_crowd(gateway, waiting)
        crowd = self.watch(nodes, lambda: self.use(gateway, SECONDS))
        found["commands for each browser that waits, a second"] = crowd.calls(*scripts) / waiting / SECONDS
        found["bytes to Redis for each browser that waits, a second"] = (crowd.received - idle.received) / waiting / SECONDS
        found["bytes from Redis for each browser that waits, a second"] = (crowd.sent - idle.sent) / waiting / SECONDS
        for connection in ready:
            connection.socket.close()
        self.setup.processes.stop(gateway.process)
        return found

    def use(self, gateway, seconds):
        for _ in range(seconds):
            Connection(gateway.port).ask("GET", "/account/orders", f"Cookie: {gateway.cookie}\r\n", b"", None)
            time.sleep(1)

    def wait_in_crowd(self, gateway, count):
        """Browsers that wait for their logins, each on a connection of its own."""
        connections = []
        for _ in range(count):
            connection = Connection(gateway.port)
            _, cookie, body = connection.ask("POST", "/.truegate/login", f"Origin: http://127.0.0.1:{gateway.port}\r\n", b"", 201)
            name = json.loads(body)["request_id"]
            connection.send("GET", f"/.truegate/status?request_id={name}&since=pending&wait=30", f"Cookie: {cookie}\r\n", b"")
            connections.append(connection)
        return connections

    def memory_of_logout(self, nodes):
        stream = "{truegate}:revocations"
        lengths = [(node, int(node.command("XLEN", stream) or 0)) for node in nodes if node.has(stream)]
        [(node, length)] = lengths
        return int(node.command("MEMORY", "USAGE", stream, "SAMPLES", "0")) / length

    def page(self, nodes):
        """The bytes of a revocation in an answer."""
        [node] = [node for node in nodes if node.has("{truegate}:revocations")]
        before = node.figures()
        node.command("XRANGE", "{truegate}:revocations", "-", "+", "COUNT", "1000")
        return (node.figures().sent - before.sent) / 1000

    def watch(self, nodes, action):
        before = [node.figures() for node in nodes]
        action()
        return sum_of([node.figures() - old for node, old in zip(nodes, before)])

    # Redis.

    def one(self, name):
        node = self.redis(name)
        return f"redis://127.0.0.1:{node.port}", [node]

    def cluster(self, name):
        nodes = [self.redis(f"{name}-{number}", "--cluster-enabled", "yes", "--cluster-port", free_port(),
                            "--cluster-config-file", f"{name}-{number}.conf") for number in range(3)]
        addresses = [f"127.0.0.1:{node.port}" for node in nodes]
        for node, first, last in zip(nodes, (0, 5461, 10923), (5460, 10922, 16383)):
            node.command("CLUSTER", "ADDSLOTSRANGE", str(first), str(last))
            node.command("CLUSTER", "MEET", "127.0.0.1", str(nodes[0].port), str(nodes[0].bus))
        while not all("cluster_state:ok" in node.command("CLUSTER", "INFO") for node in nodes):
            time.sleep(0.1)
        return f"{{ cluster: [{', '.join(f'redis://{address}' for address in addresses)}] }}", nodes

    def redis(self, name, *more):
        port = free_port()
        command = ["redis-server", "--port", port, "--bind", "127.0.0.1", "--save", "", "--appendonly", "no",
                   "--dir", self.setup.folder, *more]
        self.setup.processes.start(f"redis-{name}", command, OTHERS)
        for _ in range(100):
            try:
                socket.create_connection(("127.0.0.1", port), 1).close()
                break
            except OSError:
                time.sleep(0.05)
        return Node(port, more[3] if more else None)


class Node:
    def __init__(self, port, bus):
        self.port, self.bus, self.asked, self.answered = port, bus, 0, 0

    def command(self, *words):
        run = subprocess.run(["redis-cli", "-p", str(self.port), *words], capture_output=True, check=True)
        return run.stdout.decode(errors="replace")

    def has(self, key):
        return self.command("EXISTS", key).strip() == "1"

    def figures(self):
        info = self.command("INFO", "everything")
        number = lambda name: int(re.search(rf"^{name}:(\d+)", info, re.MULTILINE)[1])
        commands = {name: int(calls) for name, calls in re.findall(r"^cmdstat_(\w+):calls=(\d+)", info, re.MULTILINE)}
        # The questions and their answers belong to no gateway. This question has been counted by now, and its answer has not.
        self.asked += len("*2\r\n$4\r\nINFO\r\n$10\r\neverything\r\n")
        received, sent = number("total_net_input_bytes") - self.asked, number("total_net_output_bytes") - self.answered
        self.answered += len(info.rstrip("\n").encode()) + len("$9999\r\n\r\n")
        return Figures(number("used_memory"), received, sent, commands)


class Figures:
    def __init__(self, memory, received, sent, commands):
        self.memory, self.received, self.sent, self.commands = memory, received, sent, commands

    def __sub__(self, other):
        commands = {name: calls - other.commands.get(name, 0) for name, calls in self.commands.items()}
        return Figures(self.memory - other.memory, self.received - other.received, self.sent - other.sent, commands)

    def calls(self, *names):
        return sum(self.commands.get(name, 0) for name in names)


def sum_of(parts):
    total = Figures(0, 0, 0, {})
    for part in parts:
        commands = {name: total.commands.get(name, 0) + part.commands.get(name, 0) for name in {*total.commands, *part.commands}}
        total = Figures(total.memory + part.memory, total.received + part.received, total.sent + part.sent, commands)
    return total


# What docs/scale.md assumes of users and gateways.
LOGINS_A_DAY, PEAK, WAITING_SECONDS, LOGOUTS, KEPT_DAYS, LOGIN_SECONDS = 1, 3, 15, 0.1, 0.5, 180
# What a gateway keeps of each logout, in bytes: scripts/bench growth measures it.
LOGOUT_IN_GATEWAY = 131
SITES = ((1_000_000, 1), (10_000_000, 10), (100_000_000, 100))


def needs(costs, users, gateways, in_cluster):
    """What a site needs, from the costs of one of each."""
    login, logins = "a login, its callback, its state and its logout", users * LOGINS_A_DAY * PEAK / 86400
    waiting, logouts, kept = logins * WAITING_SECONDS, logins * LOGOUTS, users * LOGINS_A_DAY * LOGOUTS * KEPT_DAYS
    rate = costs["polls of a gateway in use, a second"]
    # One question is about 2,000 browsers. In a cluster it is a command for each of them.
    questions = waiting * rate if in_cluster else gateways * math.ceil(waiting / gateways / 2000) * rate
    polled = gateways * rate * costs["bytes from Redis for each poll without news, when there are logouts"]
    news = gateways * logouts * costs["bytes from Redis for a logout, to each gateway"]
    each = lambda what, unit: logins * costs[f"{what} for {login}"] + waiting * costs[f"{what} for each browser that waits, a second"] * unit
    memory = costs[f"memory of Redis for {login}"] - costs["memory of Redis for a logout alone"]
    return {
        "logins a second": logins, "browsers that wait": waiting,
        "commands a second for logins": logins * costs[f"commands for {login}"],
        "commands a second of gateways that poll for logouts": gateways * rate,
        "commands a second for browsers that wait": questions,
        "MB a second to Redis": (each("bytes to Redis", 1) + gateways * rate * costs["bytes to Redis for each poll"]) / 1e6,
        "MB a second from Redis": (each("bytes from Redis", in_cluster) + polled + news) / 1e6,
        "of these, from the slot of the logouts": (polled + news) / 1e6,
        "logins that Redis keeps": logins * LOGIN_SECONDS, "MiB for them": logins * LOGIN_SECONDS * memory / 2**20,
        "logouts that Redis keeps": kept, "MiB for them, in one slot": kept * costs["memory of Redis for a logout alone"] / 2**20,
        "MiB for them in each gateway": kept * LOGOUT_IN_GATEWAY / 2**20,
    }


def site_table(found):
    sites = [(form, costs, users, gateways) for form, costs in found.items() for users, gateways in SITES]
    columns = [needs(costs, users, gateways, form != "one server") for form, costs, users, gateways in sites]
    heads = [f"{form}: {gateways} gateway{'s'[:gateways > 1]}, {users:,} users" for form, _, users, gateways in sites]
    lines = [f"| what | {' | '.join(heads)} |", f"|---|{'---|' * len(heads)}"]
    lines += [f"| {name} | {' | '.join(figure(column[name]) for column in columns)} |" for name in columns[0]]
    return "\n".join(lines)


def table(found):
    names = list(next(iter(found.values())))
    lines = [f"| what | {' | '.join(found)} |", f"|---|{'---|' * len(found)}"]
    lines += [f"| {name} | {' | '.join(figure(costs[name]) for costs in found.values())} |" for name in names]
    return "\n".join(lines)


def figure(value):
    return f"{value:,.0f}" if value >= 20 else f"{value:.1f}" if value >= 0.1 else f"{value:.4f}" if value > 0 else "0"
