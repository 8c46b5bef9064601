from __future__ import annotations

from collections import Counter

import pytest


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say how many requests were sent, in all processes, and how they were answered."""
    statuses = Counter[str]()
    for outcome in ("passed", "failed"):
        for report in terminalreporter.getreports(outcome):
            statuses.update(dict(report.user_properties).get("statuses", {}))
    if statuses:
        answers = ", ".join(f"{number:,} {status}" for status, number in sorted(statuses.items()))
        terminalreporter.write_line(f"{statuses.total():,} requests: {answers}")
