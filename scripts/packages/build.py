"""Where things are, and what the tests make of them."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
TARGET = Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target")).resolve()
PACKAGES = TARGET / "packages"
TOOLS = TARGET / "packaging/checks/bin"


def require_root():
    if os.geteuid() != 0:
        sys.exit("scripts/packages/check: only root can boot a machine")


def package():
    """The package that was built."""
    packages = list(PACKAGES.glob("truegate_*.deb"))
    if len(packages) != 1:
        sys.exit("scripts/packages/check: run scripts/package first")
    return packages[0]


def program():
    """The program in the package."""
    folder = TARGET / "packages-check"
    if not folder.is_dir() or folder.stat().st_mtime < package().stat().st_mtime:
        shutil.rmtree(folder, ignore_errors=True)
        unpack(folder)
        folder.touch()
    return folder / "usr/bin/truegate"


def unpack(folder):
    subprocess.run(["dpkg-deb", "--raw-extract", package(), folder], check=True)


def newer(folder, edit):
    """A later version of the package, in which something else was edited."""
    files, newer = folder / "newer", folder / "newer.deb"
    unpack(files)
    control = files / "DEBIAN/control"
    control.write_text(control.read_text().replace("\nVersion: ", "\nVersion: 9."))
    edit(files)
    subprocess.run(["dpkg-deb", "--build", "--root-owner-group", "-Znone", files, newer], check=True, stdout=subprocess.DEVNULL)
    shutil.rmtree(files)
    return newer
