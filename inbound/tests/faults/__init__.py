"""Faults at every AWS call: each case of `cases` runs with each fault, and `checks` says what must hold in the end."""

import pytest

# A failing comparison in these modules shows the difference.
pytest.register_assert_rewrite("inbound.tests.faults.checks", "inbound.tests.faults.running")
