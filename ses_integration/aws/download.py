"""Download a small public file of AWS that no operation of boto3 reads."""

from __future__ import annotations

import logging
import time
from http import HTTPStatus

import urllib3
from botocore.httpsession import get_cert_path
from urllib3.exceptions import HTTPError

from ses_integration.aws.clients import CONNECT_TIMEOUT, current
from ses_integration.coordination.clock import release_connection
from ses_integration.errors import NotFound, Unanswered

READ_TIMEOUT = 3
TOTAL_SECONDS = 6.0
PIECE = 16 * 1024

logger = logging.getLogger(__name__)


def download(url: str, most: int) -> bytes:
    """The file at a URL that the caller trusts, without following redirects. Takes seconds at most.

    Raises NotFound if there is none, or one of more than `most` bytes. Raises Unanswered for everything that may pass.
    """
    release_connection()
    until = time.monotonic() + TOTAL_SECONDS
    try:
        with (
            urllib3.PoolManager(ca_certs=current().ca_bundle() or get_cert_path(True), retries=False) as pool,
            pool.request(
                "GET",
                url,
                headers={"Accept-Encoding": "identity"},
                redirect=False,
                preload_content=False,
                timeout=urllib3.Timeout(connect=CONNECT_TIMEOUT, read=READ_TIMEOUT),
            ) as answer,
        ):
            _require_success(answer.status)
            found = b""
            while piece := answer.read1(PIECE):
                found += piece
                if len(found) > most:
                    raise NotFound(f"The file has more than {most} bytes.")
                if time.monotonic() > until:
                    raise Unanswered("The file came too slowly.")
    except (HTTPError, OSError) as error:  # OSError: the CA bundle
        logger.warning("%s: %s", url, error)
        raise Unanswered("A file of AWS cannot be read.") from error
    return found


def _require_success(status: int) -> None:
    if status >= 500 or status == HTTPStatus.TOO_MANY_REQUESTS:
        raise Unanswered(f"AWS answered {status}.")
    if status != HTTPStatus.OK:
        raise NotFound(f"There is no such file (HTTP {status}).")
