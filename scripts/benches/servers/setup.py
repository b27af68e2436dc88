"""The proxies that are compared, and what is around them: the app, the profile endpoint, a session and a signed cookie."""

import base64
import hashlib
import hmac
import json
import re
import subprocess
import time
from pathlib import Path

from browser import CALLBACK, log_in
from load import Target
from processes import MEASURED, OTHERS, free_port, until_answered

HERE = Path(__file__).parent
JWT_KEY = "0123456789abcdef0123456789abcdef"
CLAIMS = {
    "status": "verified", "phone": "+919999900001", "user_id": "1319413476", "name": "Rajat%20Kapoor", "given_name": "Rajat",
    "family_name": "Kapoor", "country": "in",
}
PROFILE = {
    "phoneNumbers": [919999900001], "addresses": [{"countryCode": "in", "city": "Pune", "street": "1 MG Road", "zipcode": "411001"}],
    "isActive": True, "gender": "Male", "createdTime": 1379314068000, "type": "Personal", "id": "655574719", "userId": 1319413476,
    "badges": ["verified"], "name": {"first": "Rajat", "last": "Kapoor"},
    "onlineIdentities": {"url": "https://shop.example", "email": "rajat@shop.example"},
}
# What a measurement may add to the configuration with sessions: endpoints, keys of `session`, rules, keys of the last rule but one,
# and keys of the top level.
SESSION_DEFAULTS = {name: "" for name in ("ENDPOINTS", "SESSION", "RULES", "ALLOW", "MORE")}
HEADERS = ["Status", "Request-Id", "Phone", "User-Id", "Name", "Given-Name", "Family-Name", "Country"]


class Peer:
    """A proxy that is compared: how it is started, and what it is asked."""

    def __init__(self, name, job, port, command, target, environment=None):
        self.name, self.job, self.port, self.command, self.target = name, job, port, command, target
        self.environment, self.process = environment, None


class Setup:
    """Everything that runs during a measurement, below one folder."""

    def __init__(self, processes, truegate, raw=None):
        self.processes, self.folder, self.truegate, self.raw = processes, processes.folder, Path(truegate).resolve(), raw
        self.ports = {name: free_port() for name in ("app", "profile", "simulator")}
        self.endpoint = f"https://localhost:{self.ports['profile']}/v1/default"
        secret = subprocess.run([self.truegate, "keys", "secret"], capture_output=True, text=True, check=True)
        self.environment = {"TRUEGATE_SESSION_SECRET": secret.stdout.strip()}
        make_certificate(self.folder, "profile")

    def start_app(self):
        """Starts the app, and returns its process."""
        app = self.processes.start("app", self.nginx("app"), OTHERS)
        until_answered(self.ports["app"])
        return app

    def start(self, peer):
        """Starts a peer, and returns how many seconds it took to its first answer."""
        start = time.perf_counter()
        peer.process = self.processes.start(peer.name.replace(" ", "-"), peer.command, MEASURED, peer.environment)
        until_answered(peer.port)
        return time.perf_counter() - start

    def peers(self):
        """All of them, each with what it does: pass, session or callback."""
        jwt, account = f"session={signed(CLAIMS)}", "/account/orders"
        peers = [
            self.peer("nginx", "pass", lambda port: self.nginx("nginx", port), "/orders"),
            self.peer("HAProxy", "pass", lambda port: self.haproxy("haproxy", port), "/orders"),
            self.peer("pingora", "pass", lambda port: [self.raw, f"127.0.0.1:{port}", f"127.0.0.1:{self.ports['app']}"], "/orders"),
            self.peer("truegate", "pass", lambda port: self.gateway("pass", port), "/orders"),
            self.peer("HAProxy + JWT", "session", lambda port: self.haproxy("haproxy-jwt", port), account, jwt),
            self.peer("nginx + Lua JWT", "session", lambda port: self.nginx("nginx-lua", port), account, jwt),
            self.peer("truegate sessions", "session", lambda port: self.gateway("session", port), account),
            self.peer("nginx + Lua", "callback", lambda port: self.nginx("nginx-lua", port), CALLBACK, None, self.endpoint),
            self.peer("truegate callbacks", "callback", lambda port: self.gateway("callback", port), CALLBACK, None, self.endpoint),
        ]
        return [peer for peer in peers if peer.command[0] is not None]

    def peer(self, name, job, command, path, cookie=None, endpoint=None):
        port = free_port()
        environment = self.environment if name.startswith("truegate") else None
        return Peer(name, job, port, command(port), Target(port, path, cookie, endpoint), environment)

    def nginx(self, name, port=None):
        return ["/usr/sbin/nginx", "-p", self.folder, "-c", self.write(f"{name}.conf", name, port)]

    def haproxy(self, name, port):
        return ["/usr/sbin/haproxy", "-db", "-f", self.write("haproxy.cfg", name, port)]

    def gateway(self, mode, port, **more):
        """The command of a gateway for one mode; its configuration is left in the folder."""
        return [self.truegate, "serve", "--config", self.write("truegate.yaml", f"truegate-{mode}", port, **more)]

    def write(self, template, name, port, **more):
        """Fills in a template of `conf`. If there is a file of the name itself, it is the part that differs."""
        part = HERE / "conf" / f"{name}{Path(template).suffix}"
        within = part.read_text() if part.name != template and part.is_file() else ""
        values = {
            "JWT_TITLE": ", and knows them by a signed cookie" if within else "", "JWT": within, "MODE": within,
            "MODULES": modules(), "COMMON": common(self.folder), "PROXY": PROXY, "STRIP": STRIP,
            "NAME": f"{name}-{port}", "LISTEN": f"127.0.0.1:{port}", "FOLDER": self.folder, "PORT": port, "ADMIN": free_port(), "APP": self.ports["app"],
            "PROFILE": self.ports["profile"], "SIMULATOR": self.ports["simulator"], "ENDPOINT": self.endpoint,
            "CALLBACK": CALLBACK, "JWT_KEY": JWT_KEY, "PROFILE_JSON": json.dumps(PROFILE), **SESSION_DEFAULTS, **more,
        }
        text = (HERE / "conf" / template).read_text()
        # A part may hold names itself.
        for _ in range(3):
            text = re.sub(r"@([A-Z_]+)@", lambda name: str(values[name[1]]), text)
        path = self.folder / f"{name}-{port}{Path(template).suffix}"
        path.write_text(text)
        return path

    def start_simulator(self, port):
        """A fake Truecaller that posts callbacks to the gateway on a port."""
        command = [self.truegate, "simulate", "--listen", f"127.0.0.1:{self.ports['simulator']}"]
        process = self.processes.start("simulator", [*command, "--callback-url", f"http://127.0.0.1:{port}{CALLBACK}"], OTHERS)
        until_answered(self.ports["simulator"])
        return process

    def log_in(self, port, phone="919999900001"):
        """Logs in as a browser and a phone do, and returns the cookies of the session."""
        return log_in(port, self.ports["simulator"], phone)


def make_certificate(folder, name):
    """A certificate for localhost that signs itself: NAME.pem and NAME.key."""
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "30",
         "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1", "-addext", "basicConstraints=critical,CA:FALSE",
         "-keyout", folder / f"{name}.key", "-out", folder / f"{name}.pem"], check=True, capture_output=True)


def signed(claims):
    """A JSON Web Token that is valid for an hour."""
    encode = lambda part: base64.urlsafe_b64encode(part).rstrip(b"=")
    payload = json.dumps({**claims, "exp": int(time.time()) + 3600}, separators=(",", ":")).encode()
    text = encode(b'{"alg":"HS256","typ":"JWT"}') + b"." + encode(payload)
    return (text + b"." + encode(hmac.digest(JWT_KEY.encode(), text, hashlib.sha256))).decode()


def modules():
    """The modules of Debian's nginx that Lua needs."""
    folder = "/usr/lib/nginx/modules"
    return "\n".join(f"load_module {folder}/{name}.so;" for name in ("ndk_http_module", "ngx_http_lua_module"))


def common(folder):
    paths = " ".join(f"{kind}_temp_path {folder}/{kind};" for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))
    return f"access_log off; server_tokens off; keepalive_requests 1000000000; keepalive_timeout 300s; {paths}"


PROXY = """proxy_http_version 1.1;
            proxy_set_header Connection "";
            proxy_set_header Host $host;
            proxy_set_header X-Forwarded-For $remote_addr;
            proxy_set_header X-Forwarded-Proto $scheme;
            proxy_set_header X-Forwarded-Host $host;
            proxy_set_header X-Truecaller-Request-Id "";"""
STRIP = "\n            ".join(f'proxy_set_header X-Truecaller-{name} "";' for name in HEADERS if name != "Request-Id")
