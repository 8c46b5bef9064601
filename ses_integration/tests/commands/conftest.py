from __future__ import annotations

import boto3
import pytest


@pytest.fixture
def ses_v1():
    return boto3.client("ses", region_name="eu-west-1")
