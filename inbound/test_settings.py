"""Settings of the test suite: the real ones, with AWS emulated in the process and nothing read from the shell."""

import os
import tempfile

for name in list(os.environ):
    # Tests must never reach a developer's AWS account.
    if name.startswith(("AWS_", "SES_", "S3_", "LAMBDA_", "DNS_", "WEBHOOK_", "PUBLIC_", "CORS_", "API_")):
        del os.environ[name]
os.environ.update(
    AWS_REGION="eu-west-1",
    AWS_ENDPOINT_URL="http://127.0.0.1:9",  # nothing listens there; the fixture sets the emulator's URL
    AWS_ACCESS_KEY_ID="test",
    AWS_SECRET_ACCESS_KEY="test",  # noqa: S106
    AWS_ACCOUNT_ID="123456789012",
    S3_BUCKET_NAME="inbound-mail",
    SES_CALLS_PER_SECOND="0",
    SES_REQUEST_BUDGET="60",  # enough on a slow machine; tests of the budget set their own
    SES_CALL_SETTLE_SECONDS="60",
    DNS_RESOLVERS="127.0.0.1:9",  # refuses connections at once; tests of DNS start their own resolver
    DATABASE_POOL_SIZE="0",
    SECRET_KEY="tests",  # noqa: S106
)
os.environ.setdefault("DATABASE_URL", "sqlite://:memory:")

from inbound.settings import *  # noqa: E402, F403

# Otherwise each test client looks for all static files.
WHITENOISE_AUTOREFRESH = True
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]

if DATABASES["default"]["ENGINE"] == "django.db.backends.sqlite3":  # noqa: F405
    # In memory, threads share a cache, and SQLite refuses a second writer at once instead of making it wait.
    FOLDER = tempfile.TemporaryDirectory(prefix="inbound-tests-")
    DATABASES["default"]["TEST"] = {"NAME": os.path.join(FOLDER.name, "tests.sqlite3")}  # noqa: F405
    DATABASES["default"]["OPTIONS"]["init_command"] = "PRAGMA journal_mode=WAL; PRAGMA synchronous=OFF;"  # noqa: F405
