"""What is around a gateway: web.py app NAME PORT answers with its name, and web.py load URL asks until it is told to stop."""

import signal
import sys
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit


def app(name, port):
    class App(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self):
            self.send_response(200)
            self.send_header("Content-Length", str(len(name)))
            self.end_headers()
            self.wfile.write(name.encode())

        def log_message(self, *_):
            pass

    ThreadingHTTPServer(("127.0.0.1", int(port)), App).serve_forever()


def load(url):
    """Each request has a connection of its own. Prints how many were answered, and then why the others were not."""
    running, answered, failures = True, 0, []

    def stop(*_):
        nonlocal running
        running = False

    signal.signal(signal.SIGTERM, stop)
    address = urlsplit(url)
    print("asking", flush=True)
    while running:
        connection = HTTPConnection(address.hostname, address.port, timeout=60)
        try:
            connection.request("GET", address.path)
            response = connection.getresponse()
            response.read()
            if response.status == 200:
                answered += 1
            else:
                failures.append(f"status {response.status}")
        except OSError as error:
            failures.append(repr(error))
        connection.close()
    print(answered, *failures, sep="\n")


if __name__ == "__main__":
    {"app": app, "load": load}[sys.argv[1]](*sys.argv[2:])
