"""Clients of the emulator: boto3 with a single attempt, as in the product, and the control endpoints."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache
from http.client import HTTPConnection
from typing import Any
from urllib.parse import urlsplit

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError

REGION = "eu-west-1"


@cache
def client(service: str, url: str, region: str = REGION) -> Any:
    """A boto3 client that never retries. Cached, because creating one takes longer than the calls of a test."""
    # boto3-stubs has an overload per service; here the name is a variable.
    make: Any = boto3.client
    return make(
        service,
        region_name=region,
        endpoint_url=url,
        aws_access_key_id="any",
        aws_secret_access_key="any",
        config=Config(retries={"total_max_attempts": 1}, connect_timeout=5, read_timeout=30),
    )


@dataclass(frozen=True)
class Refusal:
    """An error response of AWS."""

    code: str
    message: str
    status: int


def refusal(method: Any, **parameters: Any) -> Refusal:
    """Make the call and return its error. Raises AssertionError if it succeeds."""
    try:
        method(**parameters)
    except ClientError as error:
        response: Any = error.response
        return Refusal(
            response["Error"]["Code"], response["Error"]["Message"], response["ResponseMetadata"]["HTTPStatusCode"]
        )
    raise AssertionError("The call was accepted.")


def control(url: str, method: str, path: str, body: object = None) -> tuple[int, Any]:
    """Call a control endpoint; returns status and parsed JSON. `body` is JSON, or raw bytes."""
    connection = HTTPConnection(urlsplit(url).netloc, timeout=30)
    try:
        content = body if isinstance(body, bytes) else b"" if body is None else json.dumps(body).encode()
        connection.request(method, path, body=content)
        response = connection.getresponse()
        return response.status, json.loads(response.read())
    finally:
        connection.close()
