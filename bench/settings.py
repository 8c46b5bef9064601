"""The production settings, plus the middleware that counts SQL statements."""

from inbound.settings import *  # noqa: F403
from inbound.settings import MIDDLEWARE

MIDDLEWARE = ["bench.statements.CountStatements", *MIDDLEWARE]
