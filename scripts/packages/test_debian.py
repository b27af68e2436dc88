"""The Debian package, on machines of its own."""

import os
import re
import shutil
import subprocess
import sys
import tempfile
import unittest
from contextlib import ExitStack
from pathlib import Path

import build
from machine import NEWER, OLDER, TIMEOUT, machine, until

SITE, CONFIG = "http://127.0.0.1:8080/orders", "/etc/truegate/config.yaml"


class Installed(unittest.TestCase):
    """Each test has a machine with the package, and an app on port 3000 of this machine."""

    suite = NEWER

    def setUp(self):
        self.stack = ExitStack()
        self.addCleanup(self.stack.close)
        self.folder = Path(self.stack.enter_context(tempfile.TemporaryDirectory()))
        shutil.copy(build.package(), self.folder / "truegate.deb")
        self.machine = self.stack.enter_context(machine(self.folder, self.suite))
        self.machine.run("dpkg", "--install", "/shared/truegate.deb")
        self.app("first", 3000)

    def configure(self, *lines):
        """Replaces lines of the configuration that begin with the same key, or adds them."""
        keys = tuple(line.split(":")[0] + ":" for line in lines)
        kept = [line for line in self.machine.run("cat", CONFIG).splitlines() if not line.startswith(keys)]
        self.machine.write(CONFIG, "\n".join([*kept, *lines, ""]))

    def main_pid(self):
        return self.machine.run("systemctl", "show", "--property=MainPID", "--value", "truegate").strip()

    def state(self, unit):
        return self.machine.run("systemctl", "is-active", unit, codes=None).strip()

    def app(self, name, port):
        self.start("app", name, str(port))

    def start(self, *arguments):
        command = self.machine.from_here(sys.executable, build.HERE / "web.py", *arguments)
        process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        self.stack.callback(process.stdout.close)
        self.stack.callback(process.wait)
        self.stack.callback(process.kill)
        return process


class InstalledTest(Installed):
    def test_an_installation_starts_nothing(self):
        for unit in ("truegate.service", "truegate.socket"):
            self.assertEqual(self.machine.run("systemctl", "is-enabled", unit, codes=[1]), "disabled\n")
            self.assertEqual(self.state(unit), "inactive")
        user = self.machine.run("getent", "passwd", "truegate").strip().split(":")
        self.assertEqual(user[5:], ["/var/lib/truegate", "/usr/sbin/nologin"])

    def test_the_shipped_configuration_is_valid_and_comes_with_advice(self):
        checked = self.machine.run("truegate", "check", "--config", CONFIG)
        self.assertIn(f"{CONFIG}: valid", checked)
        self.assertIn("warning: ", checked)

    def test_the_manual_and_the_completions_name_the_commands(self):
        for path in ("/usr/share/bash-completion/completions/truegate", "/usr/share/zsh/vendor-completions/_truegate",
                     "/usr/share/fish/vendor_completions.d/truegate.fish"):
            self.assertIn("serve", self.machine.run("cat", path))
        self.assertIn("truegate\\-serve(1)", self.machine.run("zcat", "/usr/share/man/man1/truegate.1.gz"))
        self.machine.run("zcat", "/usr/share/man/man1/truegate-serve.1.gz")

    def test_the_unit_leaves_the_service_few_rights(self):
        units = [f"/usr/lib/systemd/system/truegate.{kind}" for kind in ("service", "socket")]
        self.assertEqual(self.machine.run("systemd-analyze", "verify", "--man=no", *units), "")
        # The exposure level is at most 2.0, on the scale from 0 to 10.
        self.machine.run("systemd-analyze", "security", "--offline=true", "--threshold=20", "truegate.service")

    def test_the_service_serves_with_these_rights(self):
        self.configure("listen: 127.0.0.1:80")
        self.machine.run("systemctl", "start", "truegate")
        self.assertEqual(self.machine.ask("http://127.0.0.1/"), "first")
        self.assertEqual(self.machine.ask("http://127.0.0.1:9090/readyz"), "ready\n")
        status = dict(line.split(":\t", 1) for line in self.machine.run("cat", f"/proc/{self.main_pid()}/status").splitlines())
        self.assertEqual((status["NoNewPrivs"], status["Seccomp"]), ("1", "2"))
        self.assertNotEqual(status["Uid"].split()[1], "0")
        # CAP_NET_BIND_SERVICE alone.
        self.assertEqual(int(status["CapEff"], 16), 1 << 10)

    def test_secrets_come_from_the_store_of_credentials(self):
        secret = self.machine.run("truegate", "keys", "secret")
        path = self.machine.run("truegate", "keys", "path")
        for name, value in (("secret", secret), ("path", path)):
            self.machine.write(f"/etc/credstore/truegate.{name}", value, mode=0o600)
        here = "/run/credentials/truegate.service/truegate"
        self.configure(
            f'callback: {{ path: "${{file:{here}.path}}" }}',
            f'session: {{ public_url: "http://127.0.0.1:8080", secret: "${{file:{here}.secret}}", partner: {{ key: a, name: Shop }} }}')
        self.machine.run("systemctl", "start", "truegate")
        self.assertIn("Shop", self.machine.ask("http://127.0.0.1:8080/.truegate/login"))
        # Root can check the same configuration while the service runs, and nobody else.
        self.machine.run("truegate", "check", "--config", CONFIG)
        self.machine.run("setpriv", "--reuid=nobody", "--clear-groups", "truegate", "check", "--config", CONFIG, codes=[2])

    def test_a_reload_reads_the_configuration_again(self):
        self.app("second", 3001)
        self.machine.run("systemctl", "start", "truegate")
        before = self.main_pid()
        self.configure("upstream: http://127.0.0.1:3001")
        self.machine.run("systemctl", "reload", "truegate")
        self.assertEqual(self.machine.ask(SITE), "second")
        self.configure("upstream: nonsense")
        self.machine.run("systemctl", "reload", "truegate", codes=None)
        self.assertEqual(self.machine.ask(SITE), "second")
        self.assertEqual(self.main_pid(), before)

    def test_logrotate_starts_a_new_file(self):
        log = "/var/log/truegate/access.log"
        self.configure(f"log: {{ access: {{ to: {log}, path: full }} }}")
        self.machine.run("systemctl", "start", "truegate")
        self.machine.ask("http://127.0.0.1:8080/before")
        until(lambda: "/before" in self.machine.run("cat", log))
        self.machine.run("logrotate", "--force", "/etc/logrotate.d/truegate")
        # The file is there once the signal has arrived.
        until(lambda: self.machine.run("find", log, codes=None) == f"{log}\n")
        self.machine.ask("http://127.0.0.1:8080/after")
        until(lambda: "/after" in self.machine.run("cat", log))
        self.assertIn("/before", self.machine.run("cat", f"{log}.1"))
        self.assertNotIn("/before", self.machine.run("cat", log))

    def test_a_wrong_configuration_is_told_once(self):
        self.configure("upstream: nonsense")
        self.machine.run("systemctl", "start", "truegate", codes=[1])
        told = self.machine.run("journalctl", "--unit=truegate", "--output=cat", "--no-pager")
        self.assertEqual(told.count(f"{CONFIG}:"), 1, told)

    def test_a_service_that_hangs_is_started_again(self):
        self.machine.write("/etc/systemd/system/truegate.service.d/test.conf", "[Service]\nWatchdogSec=5s\n")
        self.machine.run("systemctl", "daemon-reload")
        self.machine.run("systemctl", "start", "truegate")
        before = self.main_pid()
        self.machine.run("systemctl", "kill", "--signal=STOP", "--kill-whom=main", "truegate")
        until(lambda: self.main_pid() not in ("0", before))
        until(lambda: self.state("truegate") == "active")
        self.assertEqual(self.machine.ask(SITE), "first")

    def test_an_upgrade_keeps_the_configuration_and_every_client(self):
        self.configure("log: { level: warn }")
        mine = self.machine.run("cat", CONFIG)
        self.machine.run("systemctl", "enable", "--now", "truegate.socket", "truegate.service")
        before = self.main_pid()
        build.newer(self.folder, lambda files: (files / CONFIG[1:]).write_text("upstream: http://127.0.0.1:1\n"))
        load = self.start("load", SITE)
        self.assertEqual(load.stdout.readline(), "asking\n")
        self.machine.run("dpkg", "--install", "--force-confold", "/shared/newer.deb")
        self.assertNotIn(self.main_pid(), ("0", before))
        load.terminate()
        answered, *failures = load.communicate(timeout=TIMEOUT)[0].splitlines()
        self.assertEqual(failures, [])
        self.assertGreater(int(answered), 0)
        self.assertEqual(self.machine.run("cat", CONFIG), mine)

    def test_an_upgrade_starts_no_service_that_was_stopped(self):
        build.newer(self.folder, lambda files: None)
        self.machine.run("dpkg", "--install", "/shared/newer.deb")
        self.assertEqual(self.state("truegate"), "inactive")

    def test_a_removal_keeps_what_a_purge_removes(self):
        self.machine.run("systemctl", "enable", "--now", "truegate.socket", "truegate.service")
        self.machine.run("touch", "/var/lib/truegate/account.key", "/var/log/truegate/access.log.1.gz")
        self.machine.run("dpkg", "--remove", "truegate")
        self.assertEqual((self.state("truegate.service"), self.state("truegate.socket")), ("inactive", "inactive"))
        self.machine.run("test", "!", "-e", "/usr/bin/truegate")
        self.machine.run("test", "-e", CONFIG, "-a", "-e", "/var/lib/truegate/account.key")
        self.machine.run("dpkg", "--purge", "truegate")
        self.assertEqual(self.machine.run("find", "/etc", "/run", "/usr", "/var", "-name", "*truegate*"), "")


class OlderDebianTest(Installed):
    """What is different with an older systemd."""

    suite = OLDER

    def test_a_hangup_reads_the_configuration_again(self):
        self.app("second", 3001)
        self.machine.run("systemctl", "start", "truegate")
        self.assertEqual(self.machine.ask(SITE), "first")
        self.configure("upstream: http://127.0.0.1:3001")
        self.machine.run("systemctl", "kill", "--signal=HUP", "truegate")
        until(lambda: self.machine.ask(SITE) == "second")


class PackageTest(unittest.TestCase):
    """The package as a file."""

    def test_lintian_finds_nothing(self):
        # A package in Debian closes the bug that asked for it.
        command = ["lintian", "--allow-root", "--suppress-tags=initial-upload-closes-no-bugs", build.package()]
        found = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        self.assertEqual(found.stdout, "")

    def test_every_link_of_a_page_leads_to_a_file_of_the_package(self):
        pages = build.program().parents[1] / "share/doc/truegate"
        # Debian has other places and names for these.
        elsewhere = {"CHANGELOG.md": "changelog.gz", "config.yaml": "examples/config.yaml"}
        # The contents of the book also list what only the repository has.
        found = [page for page in pages.rglob("*.md") if page.name != "SUMMARY.md"]
        self.assertGreater(len(found), 40)
        broken = []
        for page in found:
            text = re.sub(r"```.*?```|`[^`]*`", "", page.read_text(), flags=re.DOTALL)
            for link in re.findall(r"\]\(([^)\s#]+)", text):
                target = os.path.relpath(page.parent / link, pages)
                if ":" not in link and not (pages / elsewhere.get(target, target)).is_file():
                    broken.append(f"{page.relative_to(pages)}: {link}")
        self.assertEqual(broken, [])

    def test_the_program_has_no_symbols(self):
        found = subprocess.run(["readelf", "--section-headers", build.program()], check=True, stdout=subprocess.PIPE, text=True)
        self.assertNotIn(".symtab", found.stdout)
