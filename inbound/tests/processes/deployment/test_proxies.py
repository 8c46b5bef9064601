"""The examples for Caddy and nginx, read by Caddy and nginx."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest

from inbound.tests.processes.deployment.files import DEPLOY, program, run

pytestmark = pytest.mark.sqlite_only

CADDY = ("--config", str(DEPLOY / "Caddyfile"), "--adapter", "caddyfile")


def test_caddy_takes_its_example():
    done = run("caddy", "adapt", *CADDY)
    assert done.returncode == 0, done.stderr
    assert "127.0.0.1:8000" in json.dumps(json.loads(done.stdout))
    assert '"warn"' not in done.stderr
    assert run("caddy", "validate", *CADDY).returncode == 0


def test_nginx_takes_its_example(tmp_path):
    certificate, key = tmp_path / "fullchain.pem", tmp_path / "privkey.pem"
    make_certificate(certificate, key)
    example = (DEPLOY / "nginx.conf").read_text().replace("/etc/letsencrypt/live/mail.example.net", str(tmp_path))
    whole = tmp_path / "nginx.conf"
    whole.write_text(f"pid {tmp_path}/pid;\nerror_log stderr;\nevents {{}}\nhttp {{\naccess_log off;\n{example}\n}}\n")
    done = run("nginx", "-t", "-e", "stderr", "-c", str(whole))
    assert done.returncode == 0, done.stderr
    assert "[warn]" not in done.stderr


@pytest.mark.parametrize("name", ["Caddyfile", "nginx.conf"])
def test_what_is_for_machines_is_not_for_the_world(name):
    text = (DEPLOY / name).read_text()
    assert "metrics" in text
    assert "readyz" in text


def make_certificate(certificate: Path, key: Path) -> None:
    subprocess.run(
        [program("openssl"), "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=mail.example.net", "-days", "1",
         "-keyout", str(key), "-out", str(certificate)],
        check=True, capture_output=True,
    )  # fmt: skip
