"""A Debian machine with a systemd of its own, in namespaces of this one: no image, no virtual machine, nothing outside /tmp."""

import errno
import os
import shutil
import socket
import subprocess
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

from build import HERE, TARGET

# The releases of Debian that the package is for. systemd in the older one knows neither Type=notify-reload nor ImportCredential.
NEWER, OLDER = "trixie", "bookworm"
# What a machine has besides the essential packages.
PACKAGES = ["ca-certificates", "logrotate", "systemd", "systemd-sysv"]
# What an image is made of besides the program: as in distroless images, no shell.
RUNTIME = ["base-files", "ca-certificates", "libc6", "libgcc-s1"]
# How long a step may take on a busy machine.
TIMEOUT = 120


class CommandFailed(Exception):
    """A command of a machine ended with another exit code than 0."""


class Machine:
    """A running machine. Its network is its own, with nothing but the loopback interface."""

    def __init__(self, process):
        self.process = process
        children = Path(f"/proc/{process.pid}/task/{process.pid}/children")
        self.systemd = int(children.read_text().split()[0])

    def run(self, *command, codes=(0,), **options):
        """Runs a command as root, and returns what it prints. Its exit code must be one of `codes`, if these are not None."""
        entered = ["nsenter", f"--target={self.systemd}", "--all", "--root", "--wd", "--"]
        done = subprocess.run([*entered, "env", "--ignore-environment", "PATH=/usr/sbin:/usr/bin:/sbin:/bin", *command],
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=TIMEOUT, **options)
        if codes is not None and done.returncode not in codes:
            raise CommandFailed(f"{' '.join(command)}: exit code {done.returncode}\n{done.stdout}\n{self.journal()}")
        return done.stdout

    def from_here(self, *command):
        """A command that runs with this machine's files and in the network of the other machine."""
        return ["nsenter", f"--target={self.systemd}", "--net", "--", *command]

    def ask(self, url):
        """Asks a server of the machine, once it listens."""
        command = self.from_here("curl", "--silent", "--show-error", "--fail", "--retry", "30", "--retry-connrefused", "--retry-delay", "1", url)
        return subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True, timeout=TIMEOUT).stdout

    def write(self, path, text, mode=0o644):
        self.run("install", "-D", f"--mode={mode:o}", "/dev/stdin", path, input=text)

    def journal(self):
        done = self.run("journalctl", "--no-pager", "--lines=40", "--output=short-monotonic", codes=None)
        return f"the journal of the machine:\n{done}"


@contextmanager
def machine(shared, suite=NEWER):
    """Boots a machine with a release of Debian. It sees a folder as /shared."""
    namespaces = ["--mount", "--pid", "--fork", "--kill-child", "--cgroup", "--uts", "--ipc", "--net"]
    with tempfile.TemporaryDirectory() as notify, cgroup() as group, socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as booted:
        booted.settimeout(TIMEOUT)
        booted.bind(f"{notify}/socket")
        command = ["unshare", *namespaces, HERE / "boot", debian(suite, "minbase", PACKAGES), shared, notify]
        process = subprocess.Popen(["sh", "-c", f'echo 0 >"{group}/cgroup.procs"; exec "$@"', "boot", *command], stdin=subprocess.DEVNULL)
        try:
            while b"READY=1" not in booted.recv(4096):
                pass
            # systemd waits while nobody reads what it tells.
            booted.close()
            yield Machine(process)
        finally:
            process.kill()
            process.wait()


@contextmanager
def cgroup():
    """A group of control below which a systemd can make its own."""
    mounts = [line.split() for line in Path("/proc/self/mounts").read_text().splitlines()]
    top = next(Path(mount[1]) for mount in mounts if mount[2] == "cgroup2")
    group = Path(tempfile.mkdtemp(prefix="truegate-machine-", dir=top))
    try:
        yield group
    finally:
        (group / "cgroup.kill").write_text("1")
        for folder, _, _ in os.walk(group, topdown=False):
            # The killed processes leave their groups a moment later.
            until(lambda: removed(folder))


def removed(group):
    try:
        os.rmdir(group)
    except OSError as error:
        if error.errno != errno.EBUSY:
            raise
        return False
    return True


def until(happened):
    """Asks again and again, until something has happened."""
    deadline = time.monotonic() + TIMEOUT
    while not happened():
        if time.monotonic() > deadline:
            raise TimeoutError
        time.sleep(0.02)


def debians():
    """Makes all of them that are missing, beside each other: most of the time goes by in the network."""
    with ThreadPoolExecutor() as threads:
        wanted = [(NEWER, "minbase", PACKAGES), (OLDER, "minbase", PACKAGES), (NEWER, "extract", RUNTIME)]
        for made in [threads.submit(debian, *one) for one in wanted]:
            made.result()


def debian(suite, variant, packages):
    """A folder with a variant of Debian, as mmdebstrap calls it, and these packages. It is made once."""
    folder = TARGET / f"debian/{suite}-{variant}"
    if not folder.is_dir():
        folder.parent.mkdir(parents=True, exist_ok=True)
        unfinished = folder.with_suffix(".unfinished")
        shutil.rmtree(unfinished, ignore_errors=True)
        subprocess.run(["mmdebstrap", "--quiet", f"--variant={variant}", f"--include={','.join(packages)}", suite, unfinished], check=True)
        unfinished.rename(folder)
    return folder
