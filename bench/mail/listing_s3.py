"""An S3 that holds a million mails without storing any: it answers ListObjectsV2 for keys that follow from their number."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterable
from contextlib import contextmanager
from typing import Any
from urllib.parse import parse_qs
from wsgiref.simple_server import WSGIRequestHandler, make_server

from bench.mail.keys import KEY_DIGITS

PAGE = 1000
NAMESPACE = "http://s3.amazonaws.com/doc/2006-03-01/"


class ListingS3:
    """Mail `number` is that of the domain `number % domains`. `lists`: how many pages were asked for."""

    def __init__(self, count: int, domains: int) -> None:
        self._count, self._domains = count, domains
        self.lists = 0

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        query = {name: values[0] for name, values in parse_qs(environ["QUERY_STRING"]).items()}
        prefix = query.get("prefix", "")
        found = re.match(r"emails/d(\d+)\.", prefix)
        self.lists += 1
        body = self._page(prefix, int(found[1]) if found else 0, query.get("start-after", "")).encode()
        start_response("200 OK", [("Content-Type", "application/xml"), ("x-amz-request-id", "1")])
        return [body]

    def _page(self, prefix: str, domain: int, after: str) -> str:
        last = int(after.removeprefix(prefix)) if after else domain - self._domains
        numbers = range(last + self._domains, self._count, self._domains)
        contents = "".join(
            f"<Contents><Key>{prefix}{number:0{KEY_DIGITS}}</Key><LastModified>2026-01-01T00:00:00.000Z</LastModified>"
            '<ETag>"0"</ETag><Size>10000</Size><StorageClass>STANDARD</StorageClass></Contents>'
            for number in numbers[:PAGE]
        )
        more = str(len(numbers) > PAGE).lower()
        count = len(numbers[:PAGE])
        return (
            f'<?xml version="1.0" encoding="UTF-8"?><ListBucketResult xmlns="{NAMESPACE}"><Name>inbound-mail</Name>'
            f"<Prefix>{prefix}</Prefix><KeyCount>{count}</KeyCount><MaxKeys>{PAGE}</MaxKeys>"
            f"<IsTruncated>{more}</IsTruncated>{contents}</ListBucketResult>"
        )


class _Quiet(WSGIRequestHandler):
    def log_message(self, *_: Any) -> None:
        """Say nothing."""


@contextmanager
def serving(app: ListingS3, port: int) -> Any:
    server = make_server("127.0.0.1", port, app, handler_class=_Quiet)
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
