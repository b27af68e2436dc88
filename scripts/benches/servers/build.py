"""What a measurement needs before it starts: packages, programs, a folder, and facts about the machine."""

import contextlib
import json
import os
import platform
import shutil
import subprocess
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
TARGET = Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target")).resolve()
OHA = TARGET / "oha/bin/oha"
PYTHON = TARGET / "bench/bin/python"


def setup():
    subprocess.run([ROOT / "scripts/setup", "bench"], check=True)


def truegate():
    """Builds the gateway, with the simulator that the logins need."""
    return cargo("--bin", "truegate")


def raw_pingora():
    return cargo("--bench", "raw_pingora")


def cargo(kind, name):
    command = ["cargo", "build", "--release", "--locked", "--features", "dev", "--message-format", "json-render-diagnostics", kind, name]
    output = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, text=True, check=True).stdout
    messages = [json.loads(line) for line in output.splitlines()]
    # With a bench, cargo builds the program too.
    return next(message["executable"] for message in messages if message.get("executable") and message["target"]["name"] == name)


@contextlib.contextmanager
def folder(name):
    """A folder for configurations and logs. It stays if the measurement fails, so that the logs can be read."""
    path = Path(tempfile.mkdtemp(prefix=f"truegate-{name}-"))
    # nginx starts as root, and its workers run as another user.
    path.chmod(0o755)
    try:
        yield path
    except KeyboardInterrupt:
        shutil.rmtree(path)
        raise SystemExit(130) from None
    except BaseException:
        print(f"the logs are in {path}")
        raise
    shutil.rmtree(path)


def write(path, result):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(result, indent=1) + "\n")


def read(path):
    return json.loads(path.read_text())


def machine(truegate):
    """What the figures depend on besides the programs' configuration."""
    cpu = next((line.split(":", 1)[1].strip() for line in open("/proc/cpuinfo") if line.startswith("model name")), platform.machine())
    run = lambda *command: subprocess.run(command, capture_output=True, text=True, check=False)
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    return {
        "cpu": cpu, "cores": os.cpu_count(), "memory_gib": round(memory), "kernel": platform.release(),
        "truegate": run(truegate, "--version").stdout.strip(), "commit": run("git", "-C", ROOT, "rev-parse", "--short", "HEAD").stdout.strip(),
        "nginx": run("/usr/sbin/nginx", "-v").stderr.strip().rsplit("/", 1)[-1],
        "haproxy": run("/usr/sbin/haproxy", "-v").stdout.split(" ")[2], "rust": run("rustc", "--version").stdout.split(" ")[1],
        "pingora": version("pingora-proxy"),
    }


def version(crate):
    lines = (ROOT / "Cargo.lock").read_text().split(f'name = "{crate}"\nversion = "', 1)
    return lines[1].split('"', 1)[0] if len(lines) > 1 else "unknown"
