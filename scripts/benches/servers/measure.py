"""The measurement itself: what is done in which order, and what is kept of it."""

import time

import build
import load
from processes import busy, say, yardstick

# Requests in a second that every proxy here can answer, so that their latencies are those of one load.
RATES = {"pass": 1500, "session": 1500, "callback": 100}
IDLE = (500, 1000, 2000)


class Measurement:
    def __init__(self, setup, oha, repetitions, seconds, starts, only):
        self.setup, self.oha, self.repetitions, self.seconds, self.starts = setup, oha, repetitions, seconds, starts
        wanted = [text.strip() for text in only.split(",")] if only else [""]
        self.peers = [peer for peer in setup.peers() if any(text in peer.name for text in wanted)]
        self.result = {
            "at": time.strftime("%Y-%m-%d", time.gmtime()), "machine": build.machine(setup.truegate),
            "settings": {"repetitions": repetitions, "seconds": seconds, "rates": RATES},
            "peers": [{"name": peer.name, "job": peer.job} for peer in self.peers], "runs": [], "starts": {}, "idle": {},
        }

    def start(self):
        """Starts every proxy as often as their starts are measured, in turns. The last start stays."""
        self.setup.start_app()
        for repetition in range(self.starts):
            for peer in self.peers:
                if peer.process:
                    self.setup.processes.stop(peer.process)
                self.result["starts"].setdefault(peer.name, []).append(self.setup.start(peer))
            say(f"start {repetition + 1} of {self.starts}")
        for peer in self.peers:
            if peer.name == "truegate sessions":
                self.setup.start_simulator(peer.port)
                peer.target.headers["Cookie"] = self.setup.log_in(peer.port)

    def measure(self):
        for peer in self.peers:
            load.closed(peer.target, 8, 1)
        for repetition in range(self.repetitions):
            self.closed(repetition, 64, self.seconds)
            # docs/performance.md says why these take longer.
            if repetition % 2 == 0:
                self.closed(repetition, 1000, 4 * self.seconds)
            for peer in self.peers:
                rate = RATES[peer.job]
                self.run(peer, repetition, "paced", 64, lambda peer: load.paced(self.oha, peer.target, 64, rate, self.seconds))
            say(f"repetition {repetition + 1} of {self.repetitions}")
        for peer in self.peers:
            self.result["idle"][peer.name] = self.idle(peer)
        say("idle connections")

    def closed(self, repetition, connections, seconds):
        for peer in self.peers:
            self.run(peer, repetition, "closed", connections, lambda peer: load.closed(peer.target, connections, seconds))

    def run(self, peer, repetition, kind, connections, work):
        """One measurement of one proxy, with everything that tells later whether the machine was quiet."""
        before = yardstick()
        all_cores, own, ours = busy(), peer.process.cpu(), self.setup.processes.cpu()
        result = work(peer)
        all_cores, own, ours = busy() - all_cores, peer.process.cpu() - own, self.setup.processes.cpu() - ours
        foreign = max(0, all_cores - ours - result["load_cpu"]) / result["seconds"]
        if result["requests"] == 0 or result["failed"] + result["refused"] > result["requests"] / 1000:
            raise SystemExit(f"{peer.name} failed: {result}")
        self.result["runs"].append(result | {
            "peer": peer.name, "repetition": repetition, "kind": kind, "connections": connections,
            "cpu_us": own / result["requests"] * 1e6, "foreign_cores": foreign,
            "yardstick_ns": (before + yardstick()) / 2, "peak_kib": peer.process.memory("VmHWM"),
        })

    def idle(self, peer):
        """The memory of more and more connections that are only open, of a proxy that has just been started."""
        self.setup.processes.stop(peer.process)
        self.setup.start(peer)
        idle = load.Idle(peer.target)
        steps = [{"connections": 0, "kib": peer.process.memory("RssAnon"), "rss_kib": peer.process.memory()}]
        for count in IDLE:
            idle.open(count)
            time.sleep(0.5)
            if idle.still_open() < count:
                raise SystemExit(f"{peer.name} has closed idle connections")
            steps.append({"connections": count, "kib": peer.process.memory("RssAnon"), "rss_kib": peer.process.memory()})
        idle.close()
        return steps
