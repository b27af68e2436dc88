"""The image of contrib/docker, with the program of the package. The images that it is made of are in registries, so others take
their places here. The one with Rust has stand-ins for what compiles."""

import json
import os
import shutil
import subprocess
import sys
import tempfile
import unittest
from contextlib import ExitStack
from pathlib import Path

import build
from machine import NEWER, PACKAGES, TIMEOUT, debian, machine

# What the image is made of besides the program: as in distroless images, no shell.
RUNTIME = ["base-files", "ca-certificates", "libc6", "libgcc-s1"]
# Cargo needs a file for each target of the crate, so it must get more than src.
STAND_INS = {
    "apt-get": ":",
    "cargo": """\
[ "$*" = "build --locked --release --features gateway --bin truegate" ]
ls Cargo.toml Cargo.lock README.md src/main.rs examples/axum.rs tests/layer.rs benches/time.rs
[ ! -e .git ] && [ ! -e target/debug ]
install -D /program target/release/truegate""",
    "strip": 'cp "$3" "$2"',
}
CONFIG = """\
listen: 0.0.0.0:8080
upstream: http://127.0.0.1:3000
"""
# What a container engine grants: a read-only root, a user without rights, and nothing else.
UNIT = """\
[Service]
Type={type}
RootDirectory=/image
MountAPIVFS=yes
BindReadOnlyPaths=/config.yaml:/etc/truegate/config.yaml
ProtectSystem=strict
User={user}
Group={group}
CapabilityBoundingSet=
NoNewPrivileges=yes
ExecStart={command}
"""


class ImageTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.stack = ExitStack()
        cls.addClassCleanup(cls.stack.close)
        cls.folder = Path(cls.stack.enter_context(tempfile.TemporaryDirectory()))
        buildah = Buildah(cls.folder)
        stand_ins = cls.folder / "stand-ins"
        for name, script in STAND_INS.items():
            program = stand_ins / "usr/local/bin" / name
            program.parent.mkdir(parents=True, exist_ok=True)
            program.write_text(f"#!/bin/sh\nset -e\n{script}\n")
            program.chmod(0o755)
        shutil.copy(build.program(), stand_ins / "program")
        buildah.image("localhost/rust", debian(NEWER, "minbase", PACKAGES), stand_ins)
        buildah.image("localhost/runtime", debian(NEWER, "extract", RUNTIME))
        cls.config = buildah.build("localhost/truegate", "localhost/rust", "localhost/runtime")
        cls.files = buildah.files("localhost/truegate")

    def test_the_container_serves_and_tells_its_health(self):
        # systemd wants names for both.
        user, group = self.config["User"].split(":")
        health = self.config["Healthcheck"]["Test"]
        self.assertEqual(health.pop(0), "CMD")
        with machine(self.folder) as host, ExitStack() as stack:
            host.run("cp", "--archive", f"/shared/{self.files.relative_to(self.folder)}", "/image")
            # A container engine makes what a volume is mounted on.
            host.write("/image/etc/truegate/config.yaml", "")
            host.write("/config.yaml", CONFIG)
            host.run("groupadd", f"--gid={group}", "container")
            host.run("useradd", f"--uid={user}", f"--gid={group}", "container")
            for name, kind, command in (("serve", "exec", self.config["Entrypoint"] + self.config["Cmd"]), ("health", "oneshot", health)):
                unit = UNIT.format(type=kind, user=user, group=group, command=" ".join(command))
                host.write(f"/etc/systemd/system/container-{name}.service", unit)
            host.run("systemctl", "daemon-reload")
            app = subprocess.Popen(host.from_here(sys.executable, build.HERE / "web.py", "app", "an app", "3000"))
            stack.callback(app.wait)
            stack.callback(app.kill)

            host.run("systemctl", "start", "container-health", codes=[1])
            host.run("systemctl", "start", "container-serve")
            port = next(iter(self.config["ExposedPorts"])).removesuffix("/tcp")
            self.assertEqual(host.ask(f"http://127.0.0.1:{port}/"), "an app")
            host.run("systemctl", "start", "container-health")

    def test_the_image_has_no_shell_and_nobody_owns_a_file_of_it(self):
        user = int(self.config["User"].split(":")[0])
        self.assertGreater(user, 0)
        found = [path for path in self.files.rglob("*") if path.lstat().st_uid == user or path.name in ("sh", "bash", "dash")]
        self.assertEqual(found, [])


class Buildah:
    """Builds images below a folder."""

    def __init__(self, folder):
        self.options = [f"--root={folder}/images", f"--runroot={folder}/run", "--storage-driver=vfs"]
        self.environment = {**os.environ, "BUILDAH_ISOLATION": "chroot", "TMPDIR": str(folder)}

    def __call__(self, *command):
        done = subprocess.run(["buildah", *self.options, *command], env=self.environment, stdout=subprocess.PIPE, text=True, check=True,
                              timeout=TIMEOUT)
        return done.stdout.strip()

    def image(self, name, *folders):
        """Makes an image of the files in folders."""
        container = self("from", "scratch")
        for folder in folders:
            self("copy", "--quiet", container, folder, "/")
        self("commit", "--quiet", container, name)
        self("rm", container)

    def build(self, name, rust, runtime):
        """Builds the image, and returns its configuration."""
        arguments = [f"--build-arg=BUILD_IMAGE={rust}", f"--build-arg=RUN_IMAGE={runtime}"]
        file = build.ROOT / "contrib/docker/Dockerfile"
        self("build", "--quiet", "--format=docker", f"--file={file}", f"--ignorefile={file}.dockerignore", *arguments, f"--tag={name}", build.ROOT)
        return json.loads(self("inspect", "--type=image", name))["Docker"]["config"]

    def files(self, name):
        """The folder with the files of an image."""
        return Path(self("mount", self("from", name)))
