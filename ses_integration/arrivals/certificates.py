"""The certificates that SNS signs with: only from SNS itself, and kept for a day."""

from __future__ import annotations

import re
import threading
import time
from concurrent.futures import Future
from urllib.parse import urlsplit

from cryptography.x509 import Certificate, load_pem_x509_certificate

from ses_integration.arrivals.signature import Forged
from ses_integration.aws import clients
from ses_integration.aws.download import download
from ses_integration.errors import NotFound, Unsent

KEEP_SECONDS = 24 * 3600.0
KEEP_MOST = 16
MOST_BYTES = 64 * 1024
# Forged messages can name files that do not exist. They must not keep every thread of a web process waiting.
DOWNLOADS_AT_ONCE = 4
# Longer than `download` takes.
DOWNLOAD_SECONDS = 20.0

_LOOPBACK = re.compile(r"http://(?:localhost|127(?:\.\d{1,3}){3}|\[::1\])(?::\d{1,5})?")
_FILE = r"/[A-Za-z0-9_-]{1,200}\.pem"

_kept: dict[str, tuple[Certificate, float]] = {}
_downloads: dict[str, Future[Certificate]] = {}
_lock = threading.Lock()


def certificate(url: str, region: str) -> Certificate:
    """The certificate at a URL of SNS in the topic's region. Raises Forged for every other URL, and SesError."""
    if not _is_of_sns(url, region):
        raise Forged("The certificate is not from SNS.")
    with _lock:
        found, since = _kept.get(url, (None, 0.0))
        if found is not None and time.monotonic() < since + KEEP_SECONDS:
            return found
        others = _downloads.get(url)
        if others is None:
            if len(_downloads) >= DOWNLOADS_AT_ONCE:
                raise Unsent("Too many certificates are being read at the moment.")
            mine = _downloads[url] = Future()
    if others is not None:
        return others.result(DOWNLOAD_SECONDS)
    try:
        mine.set_result(_downloaded(url))
    except Exception as error:  # of any kind, because others wait for it
        mine.set_exception(error)
    finally:
        _end(url, mine)
    return mine.result()


def _end(url: str, download: Future[Certificate]) -> None:
    with _lock:
        del _downloads[url]
        if not download.done() or download.exception() is not None:
            return
        while len(_kept) >= KEEP_MOST:
            del _kept[min(_kept, key=lambda each: _kept[each][1])]
        _kept[url] = download.result(), time.monotonic()


def forget() -> None:
    """Download all anew. For tests."""
    with _lock:
        _kept.clear()


def _is_of_sns(url: str, region: str) -> bool:
    """Whether the whole URL is as it must be. It is not parsed first, because parsers understand odd ones differently."""
    origins = [rf"https://sns\.{re.escape(region)}\.amazonaws\.com(?:\.cn)?"]
    if emulator := emulator_origin(clients.sns(region).meta.endpoint_url):
        origins.append(re.escape(emulator))
    return any(re.fullmatch(origin + _FILE, url, re.ASCII) for origin in origins)


def emulator_origin(endpoint: str) -> str:
    """Scheme, host and port of an endpoint on this machine. Empty for any other, such as AWS's."""
    parts = urlsplit(endpoint)
    origin = f"{parts.scheme}://{parts.netloc}"
    return origin if _LOOPBACK.fullmatch(origin) else ""


def _downloaded(url: str) -> Certificate:
    try:
        return load_pem_x509_certificate(download(url, MOST_BYTES))
    except (NotFound, ValueError):
        raise Forged("There is no certificate at the URL.") from None
