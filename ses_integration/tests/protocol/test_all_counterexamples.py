from __future__ import annotations

from importlib import import_module

from ses_integration.tests.support.counterexamples import REFUTED

# Imported here, so that it works when only this file is run.
for module in (
    "test_calls_in_flight",
    "test_fences",
    "test_generations",
    "test_incarnations",
    "test_reading_one_rule",
    "test_sending",
    "test_settling_in_memory",
    "test_unanswered_calls",
):
    import_module(f"ses_integration.tests.protocol.{module}")
import_module("domains.tests.lifecycle.test_add_again")


def test_each_of_the_31_counterexamples_has_a_trace():
    assert sorted(number for number, variants in REFUTED.items() if variants) == list(range(1, 32))
