"""The systemd units: valid, hardened, and with the commands of the Procfile."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import pytest

from inbound.demo.processes import read_procfile
from inbound.settings import BASE_DIR
from inbound.tests.processes.deployment.files import DEPLOY, run

pytestmark = pytest.mark.sqlite_only

UNITS = sorted((DEPLOY / "systemd").glob("*.service"))
# What `systemd-analyze security` calls OK; 10 is unprotected.
MOST_EXPOSED = 2.5


@pytest.fixture(params=UNITS, ids=lambda unit: unit.stem)
def unit(request, tmp_path: Path) -> Path:
    """A unit with the paths of this machine, because programs and folders must exist."""
    text = request.param.read_text()
    text = text.replace("/srv/inbound/.venv/bin", str(Path(sys.executable).parent)).replace(
        "/srv/inbound", str(BASE_DIR)
    )
    here: Path = tmp_path / request.param.name
    here.write_text(text)
    return here


def test_the_units_run_what_the_procfile_says():
    commands = {re.search(r"^ExecStart=(.+)$", unit.read_text(), re.MULTILINE)[1] for unit in UNITS}
    expected = read_procfile(BASE_DIR / "Procfile").values()
    assert commands == {f"/srv/inbound/.venv/bin/{command}" for command in expected}


def test_systemd_finds_nothing(unit):
    done = run("systemd-analyze", "verify", "--man=no", str(unit))
    assert (done.returncode, [line for line in done.stderr.splitlines() if unit.name in line]) == (0, [])


def test_a_unit_is_hardened(unit):
    done = run("systemd-analyze", "security", "--offline=true", f"--threshold={MOST_EXPOSED * 10:.0f}", str(unit))
    assert done.returncode == 0, done.stdout[-2000:]


def test_the_same_hardening_is_in_all_of_them():
    parts = {unit.read_text().partition("# It reads its own folder")[2] for unit in UNITS}
    assert len(parts) == 1
