"""Metrics of a server with several processes, and those of a worker."""

from __future__ import annotations

import re
import urllib.request
from pathlib import Path

import pytest

from inbound.tests.processes.support.clients import Api, simultaneously
from inbound.tests.processes.support.stack import Stack, free_port, wait_for

pytestmark = [pytest.mark.processes, pytest.mark.postgresql]

REQUESTS = 40


def scrape(port: int) -> str:
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=30) as answer:
        text: str = answer.read().decode()
    return text


def sample(text: str, name: str, *labels: str) -> float:
    """The sum of the samples with this name and these labels."""
    lines = re.findall(rf"^{name}(?:\{{(.*)\}})? (\S+)$", text, re.MULTILINE)
    return sum(float(number) for found, number in lines if all(label in found for label in labels))


def test_every_process_answers_for_all_of_them(stack_with, key, tmp_path: Path):
    stack: Stack = stack_with(WEB_WORKERS="3", TMPDIR=str(tmp_path))
    stack.start(worker=False)
    api: Api = stack.web_api.with_key(key)
    simultaneously(lambda _: api.get("domains"), range(REQUESTS))
    lists = {sample(scrape(api.port), "inbound_http_request_seconds_count", 'view="domain-list"') for _ in range(10)}
    # One more: the stack asks whether the server is up.
    assert len(lists) == 1
    assert REQUESTS <= min(lists) <= REQUESTS + 100
    api.add_domain("example.com")
    calls = {sample(scrape(api.port), "inbound_aws_calls_total", 'result="ok"') for _ in range(5)}
    assert len(calls) == 1
    assert min(calls) >= 3
    assert len([*tmp_path.glob("inbound-metrics-*")]) == 1
    stack.web.stop()
    assert not [*tmp_path.glob("inbound-metrics-*")]


def test_calls_without_success_are_counted_by_result(stack: Stack, api: Api):
    stack.start(worker=False)
    stack.aws.add_fault(service="ses", action="*", fault="throttle", times=None)
    api.add_domain("example.com")
    assert sample(scrape(api.port), "inbound_aws_calls_total", 'result="throttled"') > 0


def test_a_worker_answers_at_its_own_address(stack_with):
    port = free_port()
    stack: Stack = stack_with(WORKER_METRICS=f"127.0.0.1:{port}")
    stack.emulator.start()
    stack.worker.start()
    wait_for(lambda: sample(scrape(port), "inbound_aws_calls_total") > 0, within=20, what="the worker has called AWS")
