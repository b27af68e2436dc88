"""What each proxy must do before it is measured. A proxy that does less would only look fast."""

import json
import socket

from load import HEADERS, Target

SPOOFED = {name for name in HEADERS if name.startswith("X-Truecaller-")}


def check(peer):
    target = peer.target
    seen = Target(peer.port, f"{target.path}/seen", target.headers.get("Cookie"), target.endpoint)
    expected = {"pass": "", "session": "+919999900001", "callback": "+919999900001"}[peer.job]
    if peer.job == "callback":
        # Only the callback path itself is verified: the app answers 403 there without an identity.
        require(peer, ask(seen.port, target.request()), 200, "a good callback")
        foreign = Target(peer.port, target.path, endpoint="https://attacker.example/v1/default")
        require(peer, ask(seen.port, foreign.request()), 403, "a foreign endpoint")
        wrong = target.request().replace(b'"a-token"', b'"no-token"')
        require(peer, ask(seen.port, length(wrong)), 403, "a token that the endpoint refuses")
        return
    status, body = ask(peer.port, seen.request())
    if status != 200:
        raise SystemExit(f"{peer.name} answers {status} to the request that is measured")
    identity = json.loads(body)
    if identity["phone"] != expected or "Else" in identity["name"]:
        raise SystemExit(f"{peer.name} lets the app see {identity}")
    if peer.job == "session":
        missing = [field for field, value in identity.items() if not value]
        if missing:
            raise SystemExit(f"{peer.name} does not tell the app {missing}")
        stranger = {name: value for name, value in target.headers.items() if name != "Cookie"}
        require(peer, ask(peer.port, target.request(stranger)), 401, "a request without a cookie")
        name, value = target.headers["Cookie"].split("=", 1)
        middle = len(value) // 2
        changed = value[:middle] + ("A" if value[middle] != "A" else "B") + value[middle + 1:]
        require(peer, ask(peer.port, target.request(stranger | {"Cookie": f"{name}={changed}"})), 401, "a changed cookie")


def require(peer, answer, status, what):
    if answer[0] != status:
        raise SystemExit(f"{peer.name} answers {answer[0]} to {what}, and not {status}: {answer[1][:200]}")


def length(request):
    """A request whose Content-Length fits its body."""
    head, body = request.split(b"\r\n\r\n", 1)
    lines = [line for line in head.split(b"\r\n") if not line.startswith(b"Content-Length")]
    return b"\r\n".join([*lines, b"Content-Length: %d" % len(body)]) + b"\r\n\r\n" + body


def ask(port, request):
    """Sends a request as it is, and returns the status and the body."""
    with socket.create_connection(("127.0.0.1", port), 10) as connection:
        connection.sendall(request.replace(b"\r\n", b"\r\nConnection: close\r\n", 1))
        answer = b"".join(iter(lambda: connection.recv(65536), b""))
    head, _, body = answer.partition(b"\r\n\r\n")
    return int(head.split(b" ", 2)[1]), body.decode()
