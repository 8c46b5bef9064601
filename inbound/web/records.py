"""The request that a log record belongs to."""

from __future__ import annotations

import logging

from audit.origin import current


class AddRequest(logging.Filter):
    """Give each record the id of the request that is being answered: `request_id`, and `request` for a line of text."""

    def filter(self, record: logging.LogRecord) -> bool:
        origin = current()
        identifier = origin.request_id if origin else ""
        record.request_id = identifier
        record.request = f" [{identifier}]" if identifier else ""
        return True
