"""The shipped settings, with one thing more: every answer says how many SQL statements it took."""

from inbound.settings import *  # noqa: F403
from inbound.settings import MIDDLEWARE

MIDDLEWARE = ["bench.counting.CountStatements", *MIDDLEWARE]
