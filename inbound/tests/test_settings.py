from __future__ import annotations

import os
import subprocess
import sys

import pytest
from django.core.exceptions import ImproperlyConfigured

from inbound.settings import BASE_DIR, number


def test_the_error_for_an_invalid_number_names_the_variable(monkeypatch):
    monkeypatch.setenv("SES_REQUEST_BUDGET", "five")
    with pytest.raises(ImproperlyConfigured, match="SES_REQUEST_BUDGET is 'five'; it must be a number"):
        number("SES_REQUEST_BUDGET", 5.0)


@pytest.mark.parametrize(("text", "value"), [("", 5.0), ("2", 2.0), ("0.5", 0.5)])
def test_an_empty_number_has_its_default(monkeypatch, text, value):
    monkeypatch.setenv("SES_REQUEST_BUDGET", text)
    assert number("SES_REQUEST_BUDGET", 5.0) == value


def test_a_database_without_migrations_is_reported_in_one_sentence(tmp_path):
    done = subprocess.run(
        [sys.executable, str(BASE_DIR / "manage.py"), "ses_status"],
        env={"PATH": os.environ["PATH"], "SECRET_KEY": "x", "DATABASE_URL": f"sqlite:///{tmp_path}/empty.sqlite3"},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1].startswith("The database cannot be used: no such table")
    assert "Traceback" not in done.stderr
