"""The soak: what happens to the gateway, who watches it, and the verdict."""

import http.client
import signal
import ssl
import statistics
import threading
import time

import build
import load
from browser import Browser
from processes import MEASURED, free_port, say, until_answered
from setup import make_certificate

UP, DOWN = 30, 3
SAMPLES, RENEWALS = 10, 30
# Until then memory grows: sessions and logouts are remembered for their lifetime, and the cache of opened sessions fills up.
WARM_UP = 6 * 60
# How much the line through the samples may rise in an hour. In a short soak it is mostly noise, which the second number allows.
MOST_GROWTH = {"rss_mib": (4, 2), "descriptors": (30, 16)}

# A logout is remembered for as long as its session could live, so that this is what memory grows by at first.
SHORT_SESSIONS = {"SESSION": "lifetime: 2m\n  idle: 2m", "MORE": "limits: { logins_per_minute: off, callbacks_per_second: off }"}


class Soak:
    def __init__(self, setup, oha, seconds):
        self.setup, self.oha, self.seconds = setup, oha, seconds
        self.plain, self.tls, self.over = free_port(), free_port(), threading.Event()
        self.loaded = threading.Event()
        self.lock, self.failures, self.samples = threading.Lock(), [], []
        self.ups, self.counts = [], {"bulk": 0, "probes": 0, "handshakes": 0, "logins": 0, "logouts": 0, "renewals": 0, "outages": 0}

    def run(self):
        """Runs for the time that was asked for, and returns the samples and the verdict."""
        self.start()
        capacity = load.closed(self.target(), 64, 3)
        rate = round(capacity["requests"] / capacity["seconds"] / 2)
        say(f"half load: {rate:,} requests a second")
        self.began = time.monotonic()
        workers = [threading.Thread(target=self.guarded, args=(work,), daemon=True) for work in (
            self.sample, self.renew, self.users, lambda: self.probe(self.plain_connection, 0.02),
            lambda: self.probe(self.tls_connection, 0.5), lambda: self.probe(self.tls_connection, 0.1, anew=True))]
        for worker in workers:
            worker.start()
        while time.monotonic() - self.began < self.seconds:
            self.cycle(rate)
        self.over.set()
        for worker in workers:
            worker.join(30)
        return self.verdict(rate)

    def start(self):
        setup = self.setup
        make_certificate(setup.folder, "listener")
        self.app = setup.start_app()
        command = setup.gateway("session", self.plain, **SHORT_SESSIONS, LISTEN=(
            f"[{{ address: 127.0.0.1:{self.plain} }}, {{ address: 127.0.0.1:{self.tls}, certificate: listener.pem, key: listener.key }}]"))
        self.gateway = setup.processes.start("truegate", command, MEASURED, setup.environment)
        until_answered(self.plain)
        setup.start_simulator(self.plain)

    def target(self):
        return load.Target(self.plain, "/account/orders", self.setup.log_in(self.plain))

    def cycle(self, rate):
        """Half a minute with the app, and a few seconds without."""
        since = time.monotonic()
        target = self.target()
        seconds = max(2, min(UP, round(self.seconds - (time.monotonic() - self.began))))
        self.loaded.set()
        result = load.paced(self.oha, target, 64, rate, seconds)
        self.loaded.clear()
        self.counts["bulk"] += result["requests"]
        if result["refused"] or result["failed"]:
            self.note(since, time.monotonic(), f"{result['refused']} refused and {result['failed']} failed of {result['requests']}")
        self.ups.append((since, time.monotonic()))
        if time.monotonic() - self.began >= self.seconds:
            return
        # By turns the app ends as it should, and as it should not.
        self.setup.processes.stop(self.app, at_once=self.counts["outages"] % 2 == 1)
        self.counts["outages"] += 1
        # The answers are 502 meanwhile, but there must be an answer.
        result = load.closed(target, 16, DOWN)
        if result["failed"]:
            self.note(since, since, f"{result['failed']} connections failed while the app was down", always=True)
        self.app = self.setup.start_app()

    def guarded(self, work):
        """A worker that breaks is a failure of the soak, and not silence."""
        try:
            work()
        except BaseException as error:
            now = time.monotonic()
            self.note(now, now, f"{getattr(work, '__name__', 'a probe')} broke: {error!r}", always=True)

    def note(self, since, until, what, always=False):
        with self.lock:
            self.failures.append((since, until, what, always))

    def sample(self):
        while not self.over.wait(SAMPLES):
            # Without the app there are no connections to it: only samples under load can be compared.
            if not self.loaded.is_set():
                self.loaded.wait(2 * DOWN)
                self.over.wait(2)
                if not self.loaded.is_set():
                    continue
            self.samples.append({
                "seconds": round(time.monotonic() - self.began), "rss_mib": self.gateway.memory() / 1024,
                "descriptors": self.gateway.descriptors(),
            })
            if not self.gateway.is_running():
                raise RuntimeError("the gateway has ended")

    def renew(self):
        """Writes a new certificate, and sees that new connections get it."""
        while not self.over.wait(RENEWALS):
            make_certificate(self.setup.folder, "listener")
            self.gateway.child.send_signal(signal.SIGHUP)
            written = (self.setup.folder / "listener.pem").read_text().strip()
            deadline = time.monotonic() + 5
            while ssl.get_server_certificate(("127.0.0.1", self.tls)).strip() != written:
                if time.monotonic() > deadline:
                    raise RuntimeError("a renewed certificate was not in use after five seconds")
                time.sleep(0.05)
            self.counts["renewals"] += 1

    def users(self):
        """Logs users in and out. What a session may see, it sees until the logout and not after it."""
        number = 0
        while not self.over.is_set():
            number += 1
            cookie = self.setup.log_in(self.plain, f"9198{number % 10**8:08}")
            self.counts["logins"] += 1
            browser = Browser(self.plain)
            browser.jar = dict(pair.split("=", 1) for pair in cookie.split("; "))
            browser.ask("POST", "/.truegate/logout", {"Origin": f"http://127.0.0.1:{self.plain}", "Accept": "application/json"}, 204)
            browser.jar = dict(pair.split("=", 1) for pair in cookie.split("; "))
            browser.ask("GET", "/account/orders", {"Accept": "application/json"}, 401)
            self.counts["logouts"] += 1
            self.over.wait(0.2)

    def probe(self, connect, pause, anew=False):
        """Sends a request now and then, and notes when it was sent and what was wrong with the answer."""
        connection = connect()
        while not self.over.wait(pause):
            if anew:
                connection.close()
                self.counts["handshakes"] += 1
            since = time.monotonic()
            try:
                connection.request("GET", "/orders", headers={"Accept": "application/json"})
                answer = connection.getresponse()
                answer.read()
                if answer.status != 200:
                    self.note(since, time.monotonic(), f"{answer.status}")
            except (OSError, http.client.HTTPException) as error:
                connection.close()
                self.note(since, time.monotonic(), repr(error), always=True)
            self.counts["probes"] += 1

    def plain_connection(self):
        return http.client.HTTPConnection("127.0.0.1", self.plain, timeout=20)

    def tls_connection(self):
        context = ssl.create_default_context()
        # The certificate changes all the time, and `renew` looks at it.
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        return http.client.HTTPSConnection("127.0.0.1", self.tls, timeout=20, context=context)

    def verdict(self, rate):
        """A failure counts if the app was up from its start to its end."""
        lost = [(round(since - self.began), what) for since, until, what, always in self.failures
                if always or any(up <= since and until <= down for up, down in self.ups)]
        elapsed = time.monotonic() - self.began
        warm_up = min(WARM_UP, elapsed / 3)
        steady = [sample for sample in self.samples if sample["seconds"] > warm_up]
        growth = {name: slope(steady, name) * 3600 for name in ("rss_mib", "descriptors")}
        hours = max(elapsed - warm_up, 60) / 3600
        flat = {name: growth[name] * hours <= max(most * hours, noise) for name, (most, noise) in MOST_GROWTH.items()}
        return {
            "at": time.strftime("%Y-%m-%d", time.gmtime()), "machine": build.machine(self.setup.truegate), "rate": rate,
            "minutes": elapsed / 60, "warm_up_minutes": warm_up / 60, "counts": self.counts, "samples": self.samples,
            "growth_per_hour": growth, "flat": flat, "lost": lost, "failures": len(self.failures),
            "steady": {name: [min(sample[name] for sample in steady), statistics.median(sample[name] for sample in steady),
                              max(sample[name] for sample in steady)] for name in growth},
            "passed": all(flat.values()) and not lost,
        }


def slope(samples, name):
    if len(samples) < 2:
        return 0.0
    return statistics.linear_regression([sample["seconds"] for sample in samples], [sample[name] for sample in samples]).slope
