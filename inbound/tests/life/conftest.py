from __future__ import annotations

import pytest


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say how many steps the state machine has taken, in all processes."""
    reports = [report for outcome in ("passed", "failed") for report in terminalreporter.getreports(outcome)]
    steps = sum(value for report in reports for name, value in report.user_properties if name == "steps")
    if steps:
        terminalreporter.write_line(f"Steps of the state machine: {steps:,}")
