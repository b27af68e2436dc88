"""The gateway program before an app that answers at once, on real sockets, with a simulated Truecaller."""

import http.client
import itertools
import json
import socket
import subprocess
import sys
import tempfile
import threading
import time
from contextlib import ExitStack
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import urlsplit

from browser import CALLBACK, TIMEOUT, log_in
from processes import free_port

WARM_UP = 30
REQUESTS = 300
# Those that are counted, and the warm-up before and after callgrind starts to look.
ALL_REQUESTS = 2 * WARM_UP + REQUESTS

SITE = "http://127.0.0.1:8080"
# The token that Truecaller documents: the simulator answers it with the documented profile.
GRANT = {"requestId": "a-request-id", "accessToken": "a1asX--8_yw-OF--E6Gj_DPyKelJIGUUeYB9U9MJhyeu4hOCbrl"}
# What a browser sends, and two headers that only truegate may send.
HEADERS = {
    "Host": urlsplit(SITE).netloc,
    "User-Agent": "Mozilla/5.0 (Linux; Android 16) AppleWebKit/537.36",
    "Accept": "text/html,application/xhtml+xml",
    "Accept-Language": "hi-IN,hi;q=0.9,en;q=0.8",
    "Accept-Encoding": "gzip, br",
    "Referer": f"{SITE}/",
    "Cache-Control": "max-age=0",
    "Sec-Fetch-Site": "same-origin",
    "X-Truecaller-Phone": "+919999900001",
    "X-Truecaller-Name": "Somebody Else",
}
CALLBACK_HEADERS = {"Host": HEADERS["Host"], "User-Agent": "Truecaller", "Content-Type": "application/json"}

PASSING = """\
server: { threads: 1 }
listen: 127.0.0.1:%(gateway)d
upstream: http://127.0.0.1:%(app)d
callback: { path: %(callback)s, deadline: 1m }
truecaller: { endpoints: ["http://127.0.0.1:%(simulator)d/v1/default"] }
admin: { listen: 127.0.0.1:%(admin)d }
limits: { logins_per_minute: off, callbacks_per_second: off }
shutdown_grace: 1s
log: { level: error }
"""
SESSIONS = """\
session:
  public_url: %(site)s
  secret: AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=
  partner: { key: a-key, name: A Shop }
  link_base: http://127.0.0.1:%(simulator)d/truesdk/web_verify
routes:
"""


@dataclass
class GatewayCase:
    """Requests to a gateway with this configuration: callbacks, or GETs of so many browsers that are logged in, or of none."""

    config: str
    callbacks: bool = False
    browsers: int = 0

    def count(self, callgrind, program, name):
        """Counts what one request takes."""
        with ExitStack() as stack:
            setup = CaseSetup(program, stack)
            requests = itertools.cycle(self.requests(setup))
            command = setup.serve(self.config)
            gateway = stack.enter_context(callgrind.serving(name, command, setup.log))
            setup.wait(gateway, setup.ports["gateway"])
            connection = http.client.HTTPConnection("127.0.0.1", setup.ports["gateway"], timeout=TIMEOUT)

            def send(count):
                for request in itertools.islice(requests, count):
                    connection.request(*request)
                    response = connection.getresponse()
                    assert response.read() == b"ok\n", response.status
                    phone = App.seen.get("x-truecaller-phone")
                    assert phone != HEADERS["X-Truecaller-Phone"], "a spoofed header reached the app"
                    assert bool(phone) == (self.callbacks or self.browsers > 0), "the wrong requests are identified"

            counted = callgrind.count_during(name, gateway, lambda: send(WARM_UP), lambda: send(REQUESTS))
            connection.close()
            return round(counted / REQUESTS)

    def requests(self, setup):
        if self.callbacks:
            setup.simulate(setup.ports["gateway"])
            grant = GRANT | {"endpoint": f"http://127.0.0.1:{setup.ports['simulator']}/v1/default"}
            return [("POST", CALLBACK, json.dumps(grant).encode(), CALLBACK_HEADERS)]
        if not self.browsers:
            return [("GET", "/api/orders/42", None, HEADERS)]
        cookies = setup.cookies(self.config, self.browsers)
        return [("GET", "/api/orders/42", None, HEADERS | {"Cookie": cookie}) for cookie in cookies]


class App(BaseHTTPRequestHandler):
    """Answers every request, and remembers the headers of the last one."""

    protocol_version = "HTTP/1.1"
    seen = None

    def answer(self):
        App.seen = self.headers
        self.rfile.read(int(self.headers.get("content-length", 0)))
        self.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 3\r\n\r\nok\n")

    do_GET = do_POST = answer

    def log_message(self, *_):
        pass


class CaseSetup:
    """An app, and the free ports of what `program` runs as: gateways and the simulator."""

    def __init__(self, program, stack):
        self.program, self.stack = program, stack
        self.folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        self.log = stack.enter_context(open(self.folder / "log", "w+"))
        self.app = ThreadingHTTPServer(("127.0.0.1", 0), App)
        stack.callback(self.app.server_close)
        stack.callback(self.app.shutdown)
        threading.Thread(target=self.app.serve_forever, daemon=True).start()
        self.ports = {"app": self.app.server_port, "gateway": free_port(), "admin": free_port(), "simulator": free_port()}

    def simulate(self, callback_port):
        """Starts the simulator, whose phone calls back to a gateway on this port."""
        address = f"127.0.0.1:{self.ports['simulator']}"
        callback = f"http://127.0.0.1:{callback_port}{CALLBACK}"
        self.start([self.program, "simulate", "--listen", address, "--callback-url", callback], self.ports["simulator"])

    def start(self, command, port):
        server = self.stack.enter_context(subprocess.Popen(command, stdout=self.log, stderr=self.log))
        self.stack.callback(server.terminate)
        self.wait(server, port)

    def wait(self, server, port):
        while server.poll() is None:
            try:
                return socket.create_connection(("127.0.0.1", port)).close()
            except ConnectionRefusedError:
                time.sleep(0.05)
        self.log.seek(0)
        sys.exit(f"scripts/bench instructions: {server.args} has ended: {self.log.read()}")

    def serve(self, template, **ports):
        """The command that serves with a configuration."""
        file = Path(tempfile.mkstemp(dir=self.folder, suffix=".yaml")[1])
        file.write_text(template % (self.ports | {"callback": CALLBACK, "site": SITE} | ports))
        return [self.program, "serve", "--config", str(file)]

    def cookies(self, template, count):
        """Logs browsers in at another gateway of the site: the one that is measured has not seen their cookies."""
        port = free_port()
        self.simulate(port)
        self.start(self.serve(template, gateway=port, admin=free_port()), port)
        return [log_in(port, self.ports["simulator"], "919999900002", SITE) for _ in range(count)]


def sessions(rules):
    """A configuration with rules, of which the last decides about every path of the app."""
    others = (f"  - {{ path: /section/{number}/part, access: public }}\n" for number in range(1, rules))
    return "".join([PASSING, SESSIONS, *others, "  - { path: /api, access: required }\n"])


# The access log as most write it, but to no disk.
ACCESS_LOG = PASSING.replace("log: { level: error }", "log: { level: error, access: { to: /dev/null } }")
# Every request is exported. The app takes the spans, too.
TRACED = PASSING + "telemetry: { otlp_endpoint: http://127.0.0.1:%(app)d }\n"

GATEWAY_CASES = {
    "gateway-access-log": GatewayCase(ACCESS_LOG),
    "gateway-callback": GatewayCase(PASSING, callbacks=True),
    "gateway-pass": GatewayCase(PASSING),
    "gateway-session-cold": GatewayCase(sessions(rules=1), browsers=ALL_REQUESTS),
    "gateway-session-warm": GatewayCase(sessions(rules=1), browsers=1),
    "gateway-session-warm-1000-rules": GatewayCase(sessions(rules=1000), browsers=1),
    "gateway-traced": GatewayCase(TRACED),
}
