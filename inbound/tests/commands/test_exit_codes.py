"""Exit codes: 2 is an answer of some commands, so wrong usage of any exits with 1 (ADR 22)."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from django.core.management import execute_from_command_line

from inbound.settings import BASE_DIR

# Restores SIGINT: a child inherits an ignored SIGINT, as from a suite started in the background or by nohup.
INTERRUPTED = """
import os, signal
signal.signal(signal.SIGINT, signal.default_int_handler)
os.kill(os.getpid(), signal.SIGINT)
"""


@pytest.mark.parametrize(
    "words",
    [
        ["ses_reconcile", "--aply"],
        ["ses_reconcile", "--apply", "--limit", "x"],
        ["ses_cleanup", "--domain"],
        ["ses_status", "--everything"],
        ["ses_sync", "--all"],
        ["plan_delete"],
        ["domain_dns"],
        ["export_domain", "example.com"],
        ["import_domain", "example.zip"],
        ["ses_worker", "--twice"],
        ["create_api_key"],
        ["ses_rules", "x"],
        ["delete_domain"],
        ["delete_address", "--yes", "a@example.com"],
        ["show_deletion"],
        ["send_test_mail"],
    ],
)
def test_wrong_usage_is_a_sentence_and_exit_code_1(words, capsys):
    with pytest.raises(SystemExit) as end:
        execute_from_command_line(["manage.py", *words])
    assert end.value.code == 1
    assert f"manage.py {words[0]}: error: " in capsys.readouterr().err


def test_help_exits_with_0(capsys):
    with pytest.raises(SystemExit) as end:
        execute_from_command_line(["manage.py", "ses_reconcile", "--help"])
    assert end.value.code == 0
    assert "Exit code 0 when SES matches the database" in capsys.readouterr().out


def test_a_command_s_own_exit_code_is_kept(ses, capsys):
    ses.add_faults({"service": "ses", "action": "*", "fault": "access_denied"})
    with pytest.raises(SystemExit) as end:
        execute_from_command_line(["manage.py", "ses_reconcile"])
    assert end.value.code == 1
    assert "lack a permission" in capsys.readouterr().err


@pytest.mark.processes
@pytest.mark.parametrize("command", ["ses_worker", "demo", "ses_status"])
def test_ctrl_c_during_start_up_is_one_line_and_exit_code_130(command, tmp_path: Path):
    (tmp_path / "interrupted.py").write_text(INTERRUPTED)
    done = subprocess.run(
        [sys.executable, "manage.py", command],
        cwd=BASE_DIR,
        env=os.environ | {"PYTHONPATH": str(tmp_path), "DJANGO_SETTINGS_MODULE": "interrupted"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout, done.stderr) == (130, "", "Stopped.\n")
