from __future__ import annotations

import boto3
import pytest


@pytest.fixture
def s3(ses):
    return boto3.client("s3", region_name="eu-west-1")
