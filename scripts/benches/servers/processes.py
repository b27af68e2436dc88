"""The processes that a measurement starts: on which core they run, what they cost, and that they end."""

import os
import random
import re
import resource
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

CORES = sorted(os.sched_getaffinity(0))
# A measured program has a core of its own. The load, the app and everything else share the others.
MEASURED = {CORES[-1]}
OTHERS = set(CORES[:-1]) or MEASURED
TICKS = os.sysconf("SC_CLK_TCK")
PRIORITY = -15
ENDING = {signal.SIGINT, signal.SIGTERM}


class Process:
    """A program with its children: a session of its own, on the cores that it is given."""

    def __init__(self, command, cores, log, environment=None):
        self.command = [str(part) for part in command]

        def prepare():
            signal.pthread_sigmask(signal.SIG_UNBLOCK, ENDING)
            os.sched_setaffinity(0, cores)
            most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
            resource.setrlimit(resource.RLIMIT_NOFILE, (min(most, 60_000), most))
            raise_priority()

        with open(log, "ab") as output:
            self.child = subprocess.Popen(
                self.command, stdin=subprocess.DEVNULL, stdout=output, stderr=output, preexec_fn=prepare,
                start_new_session=True, env={**os.environ, **(environment or {})},
            )

    def pids(self):
        """The processes of the session that are alive."""
        found = []
        for entry in os.scandir("/proc"):
            if entry.name.isdigit() and (fields := stat(entry.name)) and int(fields[3]) == self.child.pid and fields[0] != "Z":
                found.append(int(entry.name))
        return found

    def cpu(self):
        """The seconds of processor time that the session has used."""
        return sum((int(fields[11]) + int(fields[12])) / TICKS for pid in self.pids() if (fields := stat(pid)))

    def memory(self, field="VmRSS"):
        """A line of /proc/PID/status, in KiB: VmRSS, VmHWM (the peak of VmRSS) or RssAnon (without mapped files)."""
        total = 0
        for pid in self.pids():
            try:
                line = re.search(rf"^{field}:\s+(\d+) kB$", Path(f"/proc/{pid}/status").read_text(), re.MULTILINE)
            except OSError:
                continue
            total += int(line[1]) if line else 0
        return total

    def descriptors(self):
        """How many files and sockets are open."""
        return sum(len(os.listdir(f"/proc/{pid}/fd")) for pid in self.pids())

    def is_running(self):
        return self.child.poll() is None

    def stop(self, at_once=False):
        """Asks the program to end, and ends what is left after three seconds."""
        if self.is_running() and not at_once:
            self.child.terminate()
            try:
                self.child.wait(3)
            except subprocess.TimeoutExpired:
                pass
        for pid in self.pids():
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
        self.child.wait()


class Processes:
    """Everything that a measurement has started. Leaving the block ends it, whatever the reason is."""

    def __init__(self, folder):
        self.folder, self.running = Path(folder), []

    def __enter__(self):
        signal.signal(signal.SIGTERM, signal.default_int_handler)
        os.sched_setaffinity(0, OTHERS)
        return self

    def __exit__(self, *_):
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        for process in reversed(self.running):
            process.stop()
        signal.signal(signal.SIGINT, signal.default_int_handler)

    def start(self, name, command, cores=OTHERS, environment=None):
        # A ^C between the start and the entry would leave the process behind.
        signal.pthread_sigmask(signal.SIG_BLOCK, ENDING)
        try:
            process = Process(command, cores, self.folder / f"{name}.log", environment)
            self.running.append(process)
        finally:
            signal.pthread_sigmask(signal.SIG_UNBLOCK, ENDING)
        return process

    def stop(self, process, at_once=False):
        process.stop(at_once)
        self.running.remove(process)

    def cpu(self):
        return sum(process.cpu() for process in self.running)


def stat(pid):
    """The fields of /proc/PID/stat after the name of the program, or None if the process is gone."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    except OSError:
        return None


def raise_priority():
    """Runs the calling process before others, if root allows it.

    Linux weighs sessions against each other before it looks at the nice value of a process, so the session is raised too.
    """
    try:
        os.nice(PRIORITY)
        Path("/proc/self/autogroup").write_text(str(PRIORITY))
    except OSError:
        pass


def raise_file_limit():
    """Lets the calling process have as many files and sockets open as the system allows."""
    most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))


def say(text):
    """Tells whoever waits how far a measurement has come."""
    print(f"{time.strftime('%H:%M:%S')} {text}", file=sys.stderr, flush=True)


def free_port():
    """Finds a port that no other program is given: those that the system chooses are above."""
    while True:
        port = random.randrange(20000, 32768)
        try:
            with socket.create_server(("127.0.0.1", port)):
                return port
        except OSError:
            continue


def until_answered(port, path="/", seconds=20.0):
    """Waits until something answers on a port."""
    request = f"GET {path} HTTP/1.1\r\nHost: app.example\r\nConnection: close\r\n\r\n".encode()
    start = time.perf_counter()
    while time.perf_counter() - start < seconds:
        try:
            with socket.create_connection(("127.0.0.1", port), 1) as connection:
                connection.settimeout(5)
                connection.sendall(request)
                if connection.recv(9) == b"HTTP/1.1 ":
                    return
        except OSError:
            pass
        time.sleep(0.0005)
    raise SystemExit(f"nothing answers on port {port}: see the logs")


def busy():
    """The seconds that all cores have worked, for whatever program."""
    user, nice, system, _, _, irq, softirq, steal = map(int, Path("/proc/stat").read_text().split()[1:9])
    return (user + nice + system + irq + softirq + steal) / TICKS


def yardstick(seconds=0.05):
    """How many nanoseconds one round trip over the loopback costs right now on the core of the measured program.

    The speed of a virtual machine changes from minute to minute without any sign in it. This tells when it did.
    """
    os.sched_setaffinity(0, MEASURED)
    ours, theirs = socket.socketpair()
    rounds, start, end = 0, time.thread_time_ns(), time.perf_counter() + seconds
    while time.perf_counter() < end:
        ours.send(b"x")
        theirs.recv(1)
        rounds += 1
    cost = (time.thread_time_ns() - start) / rounds
    ours.close()
    theirs.close()
    os.sched_setaffinity(0, OTHERS)
    return cost
