"""The files of contrib and the workflows, beside what others say about their formats."""

import json
import os
import re
import subprocess
import tempfile
import unittest
from pathlib import Path

import build

DOCKER, KUBERNETES, WORKFLOWS = build.ROOT / "contrib/docker", build.ROOT / "contrib/kubernetes", build.ROOT / ".github/workflows"
# The oldest release of Kubernetes that has the action `sleep` of preStop without a feature gate.
KUBERNETES_VERSION = "1.34"


class ContribTest(unittest.TestCase):
    def test_the_dockerfile_has_no_known_fault(self):
        run(build.TOOLS / "hadolint", DOCKER / "Dockerfile")

    def test_compose_is_what_its_specification_says(self):
        run(build.TOOLS / "check-jsonschema", "--builtin-schema=vendor.compose-spec", DOCKER / "compose.yaml")

    def test_the_manifests_are_what_kubernetes_reads(self):
        manifests = [path for path in KUBERNETES.glob("*.yaml") if path.name != "kustomization.yaml"]
        self.assertGreater(len(manifests), 4)
        run(build.TOOLS / "kubernetes-validate", "--strict", f"--kubernetes-version={KUBERNETES_VERSION}", *manifests)

    def test_kustomize_is_told_of_every_manifest_but_the_secret(self):
        listed = set(re.findall(r"^  - (.*)$", (KUBERNETES / "kustomization.yaml").read_text(), re.MULTILINE))
        self.assertEqual(listed | {"kustomization.yaml", "secret.yaml"}, {path.name for path in KUBERNETES.iterdir()})

    def test_the_workflows_are_what_github_reads_and_have_no_known_weakness(self):
        workflows = list(WORKFLOWS.glob("*.yml"))
        run(build.TOOLS / "check-jsonschema", "--builtin-schema=vendor.github-workflows", *workflows)
        run(build.TOOLS / "zizmor", "--offline", "--quiet", *workflows)

    def test_the_configuration_of_compose_is_valid(self):
        text = (DOCKER / "truegate.yaml").read_text()
        self.check(text, "/run/secrets/", {"callback_path": keys("path"), "session_secret": keys("secret"), "redis_password": "password"},
                   {"PUBLIC_URL": "https://shop.example", "PARTNER_KEY": "a-key", "PARTNER_NAME": "A Shop"})

    def test_the_configuration_of_kubernetes_is_valid_once_the_secret_is_filled_in(self):
        text = (KUBERNETES / "config.yaml").read_text()
        text = re.sub("^    ", "", text.split("config.yaml: |\n")[1], flags=re.MULTILINE)
        named = re.findall(r"^  ([a-z-]+): \"\"$", (KUBERNETES / "secret.yaml").read_text(), re.MULTILINE)
        filled = {"callback-path": keys("path"), "session-secret": keys("secret"), "admin-token": keys("secret"), "metrics-token": keys("secret"), "store": "redis://:p@redis:6379"}
        self.assertEqual(set(named), set(filled))
        self.check(text, "/run/secrets/truegate/", filled)
        with self.assertRaises(AssertionError):
            self.check(text, "/run/secrets/truegate/", dict.fromkeys(named, ""))

    def test_the_bill_of_materials_lists_what_is_compiled(self):
        tree = subprocess.run(["cargo", "tree", "--locked", "--edges=normal", "--features=gateway", "--prefix=none", "--format={p}"],
                              cwd=build.ROOT, check=True, stdout=subprocess.PIPE, text=True).stdout
        compiled = {tuple(line.split()[:2]) for line in tree.splitlines()} - {("truegate", f"v{version()}")}
        bill = json.loads((build.PACKAGES / "truegate.cdx.json").read_text())
        listed = {(component["name"], f"v{component['version']}") for component in bill["components"]}
        self.assertGreater(len(compiled), 100)
        self.assertEqual(compiled - listed, set())
        # What only the tests need.
        self.assertNotIn("fantoccini", {name for name, _ in listed})
        self.assertNotIn(str(build.TARGET), json.dumps(bill))

    def check(self, config, place, secrets, environment=None):
        """`truegate check` accepts a configuration, with these files in a folder."""
        with tempfile.TemporaryDirectory() as folder:
            for name, value in secrets.items():
                Path(folder, name).write_text(value)
            Path(folder, "config.yaml").write_text(config.replace(place, f"{folder}/"))
            checked = subprocess.run([build.program(), "check", "--config", f"{folder}/config.yaml"], env={**os.environ, **(environment or {})},
                                     stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
            self.assertEqual(checked.returncode, 0, checked.stdout)


def run(*command):
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    if done.returncode != 0:
        raise AssertionError(done.stdout)


def keys(what):
    return subprocess.run([build.program(), "keys", what], check=True, stdout=subprocess.PIPE, text=True).stdout


def version():
    return re.search(r'^version = "(.*)"', (build.ROOT / "Cargo.toml").read_text(), re.MULTILINE)[1]
