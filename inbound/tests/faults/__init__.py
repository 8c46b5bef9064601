"""Faults at every AWS call: `operations` and `command_cases` say what is done, `fault_cases` what goes wrong."""

import pytest

# A failing comparison in these modules shows the difference.
pytest.register_assert_rewrite("inbound.tests.faults.checks", "inbound.tests.faults.running")
