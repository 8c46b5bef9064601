"""A command that SES has no time for says what to do next."""

from __future__ import annotations

import pytest
from django.core.management import CommandError

from ses_integration.conf import ses_config
from ses_integration.coordination.rate_limit import rate_limited
from ses_integration.tests.commands.run import run

AGAIN = "Wait a second and run it again: SES takes about one control call a second, and other processes share it."


@pytest.mark.parametrize("command", ["ses_rules", "ses_setup", "ses_reconcile"])
def test_a_throttled_command_says_to_run_it_again(ses, rows, command):
    ses.add_faults({"service": "*", "action": "*", "fault": "throttle", "times": None})
    with pytest.raises(CommandError) as error:
        run(command)
    assert str(error.value) == f"AWS is throttling our calls. {AGAIN}"


def test_a_place_that_is_not_looked_at_says_so_too(ses, rows):
    ses.add_faults({"service": "*", "action": "*", "fault": "throttle", "times": None})
    code, text = run("ses_cleanup")
    assert (code, f"Not looked at: SES. AWS is throttling our calls. {AGAIN}\n" in text) == (1, True)


@pytest.mark.parametrize("command", ["ses_rules", "ses_setup", "ses_reconcile"])
def test_a_command_that_gets_no_slot_says_to_run_it_again(ses, rows, command, settings, monkeypatch):
    monkeypatch.setattr("ses_integration.coordination.rate_limit.MAX_WAIT_SECONDS", 0.0)
    settings.SES_CALLS_PER_SECOND = 0.001
    with rate_limited(ses_config()):
        pass
    with pytest.raises(CommandError) as error:
        run(command)
    assert str(error.value) == f"SES is busy with other calls. {AGAIN}"
    assert ses.journal() == []
