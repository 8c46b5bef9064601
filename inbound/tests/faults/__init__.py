import pytest

# So that a failing comparison in there shows what differs.
pytest.register_assert_rewrite("inbound.tests.faults.checks", "inbound.tests.faults.running")
