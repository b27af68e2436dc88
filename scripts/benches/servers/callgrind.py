"""Counts instructions by callgrind, the same on each run: with an environment of its own, and files of its own."""

import os
import re
import subprocess
from contextlib import contextmanager

# Nothing of the caller's environment changes a count, and no thread takes work from another. glibc copies long blocks by one
# instruction, which callgrind counts once for each byte; so it copies them in steps.
ENVIRONMENT = {
    "PATH": f"{os.defpath}:/usr/local/bin",
    "HOME": "/",
    "LANG": "C",
    "TOKIO_WORKER_THREADS": "1",
    "GLIBC_TUNABLES": "glibc.cpu.x86_rep_movsb_threshold=1048576",
}


class Callgrind:
    """Runs programs under callgrind, and keeps a file for each case in a folder."""

    def __init__(self, folder):
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)

    def count_calls(self, function, name, command):
        """Counts what each call of a function takes in a program that runs to its end."""
        # Callgrind writes a file when the function returns. It wants the whole name: a wildcard does not work here.
        options = [f"--toggle-collect={function}", f"--dump-after={function}"]
        valgrind = [*self._valgrind(name), *options]
        subprocess.run([*valgrind, *command], check=True, env=ENVIRONMENT, stdout=subprocess.DEVNULL)
        return self._counts(name)

    @contextmanager
    def serving(self, name, command, log):
        """Starts a server, in which nothing is counted until `count_during` says so."""
        valgrind = [*self._valgrind(name), "--instr-atstart=no", "--separate-threads=yes"]
        with subprocess.Popen([*valgrind, *command], env=ENVIRONMENT, stdout=log, stderr=log) as server:
            try:
                yield server
            finally:
                server.terminate()

    def count_during(self, name, server, warm_up, work):
        """Counts what a server does during `work`, after it has done the same as `warm_up`."""
        warm_up()
        self._control(server, "--instr=on")
        warm_up()
        self._control(server, "--zero")
        work()
        self._control(server, "--dump")
        # The threads that serve. The others wait for timers: the slower the machine is, the more often they wake up.
        counts = self._counts(name)
        return sum(count for count in counts if count > max(counts) / 10)

    def _valgrind(self, name):
        for old in self.folder.glob(f"{name}.*"):
            old.unlink()
        return ["valgrind", "--quiet", "--tool=callgrind", f"--callgrind-out-file={self.folder}/{name}.out"]

    def _control(self, server, order):
        command = ["callgrind_control", order, str(server.pid)]
        subprocess.run(command, check=True, env=ENVIRONMENT, capture_output=True)

    def _counts(self, name):
        files = sorted(self.folder.glob(f"{name}.out.*"))
        return [int(re.search(r"^totals: (\d+)$", file.read_text(), re.MULTILINE)[1]) for file in files]
