"""The production settings, plus the middleware that counts SQL statements, and room for any number of rules in SES."""

from inbound.settings import *  # noqa: F403
from inbound.settings import MIDDLEWARE
from ses_integration.plan import compile as compiler

MIDDLEWARE = ["bench.statements.CountStatements", *MIDDLEWARE]
# Nothing that needs another rule could be done in an installation of 10,000 domains.
compiler.RULES_PER_SET = 1_000_000
