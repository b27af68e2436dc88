"""A browser that keeps its cookies, and a login with it and a phone. What truegate is asked is the same in all measurements."""

import http.client
import json
import urllib.parse

# The route of every gateway for callbacks.
CALLBACK = "/truecaller/x7Kq2vNf9TzR4mWb6pLd"
# Seconds: long enough for a program under callgrind on a busy machine.
TIMEOUT = 300


class Browser:
    """Requests to one server that send the cookies which it has set. `site` is its public URL if that is not its address."""

    def __init__(self, port, site=None):
        self.port, self.jar = port, {}
        self.site = site or f"http://127.0.0.1:{port}"

    def cookies(self):
        return "; ".join(f"{name}={value}" for name, value in self.jar.items())

    def ask(self, method, path, headers=None, expected=200, body=None):
        """Sends one request, and returns the JSON of the answer if it is JSON."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=TIMEOUT)
        own = {"Host": urllib.parse.urlsplit(self.site).netloc, **({"Cookie": self.cookies()} if self.jar else {})}
        connection.request(method, path, body, {**own, **(headers or {})})
        answer = connection.getresponse()
        text = answer.read()
        connection.close()
        if answer.status != expected:
            raise SystemExit(f"{method} {path.split('?')[0]} was answered {answer.status}, not {expected}: {text[:200]!r}")
        for cookie in answer.msg.get_all("set-cookie") or []:
            name, value = cookie.split(";")[0].split("=", 1)
            self.jar.pop(name, None)
            if value:
                self.jar[name] = value
        return json.loads(text) if "json" in (answer.getheader("content-type") or "") else None


def log_in(gateway, simulator, phone, site=None):
    """Logs in at the port of a gateway with a phone of the simulator, and returns the cookies of the session."""
    browser = Browser(gateway, site)
    login = browser.ask("POST", "/.truegate/login", {"Origin": browser.site}, 201)
    link = urllib.parse.urlsplit(login["deep_link"])
    device = Browser(simulator)
    device.ask("GET", f"{link.path}?{link.query}")
    form = urllib.parse.urlencode({"request_id": login["request_id"], "phone": phone, "answer": "agree"})
    device.ask("POST", "/simulator/phone", {"Content-Type": "application/x-www-form-urlencoded"}, body=form)
    query = urllib.parse.urlencode({"request_id": login["request_id"], "since": "opened", "wait": 25})
    status = browser.ask("GET", f"/.truegate/status?{query}")
    if status["state"] != "verified":
        raise SystemExit(f"the login ended as {status}")
    return browser.cookies()
