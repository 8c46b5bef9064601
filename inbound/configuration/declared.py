"""All environment variables with form and default. docs/configuration.md says what they mean."""

from __future__ import annotations

import os
import sys
from dataclasses import replace

from inbound.configuration import aws, hosts
from inbound.configuration.database import database_url
from inbound.configuration.forms import (
    choice,
    flag,
    list_of,
    number,
    pattern,
    port,
    positive_number,
    secret_text,
    whole_number,
)
from inbound.configuration.variables import InvalidConfiguration, Setting, Variable, Variables

DAY = 86_400


class Configuration(Variables):
    """To add a setting, add a line here and a row in docs/configuration.md: `settings.NAME` then has its value."""

    # Web application
    SECRET_KEY = Variable(secret_text("a long random text"))
    SECRET_KEY_FALLBACKS = Setting(list_of(secret_text("earlier keys")))
    DEBUG = Setting(flag(), "false")
    ALLOWED_HOSTS = Setting(hosts.allowed_hosts(), "localhost,127.0.0.1,[::1]")
    CSRF_TRUSTED_ORIGINS = Setting(hosts.origins(wildcards=True))
    CORS_ALLOWED_ORIGINS = Setting(hosts.origins())
    API_REQUESTS_PER_MINUTE = Setting(whole_number(0, 1_000_000), "0")
    SECURE_COOKIES = Variable(flag(), "false")
    PUBLIC_URL = Setting(hosts.public_url())
    BEHIND_TLS_PROXY = Setting(flag(), "false")
    SIGN_IN_ATTEMPTS = Variable(whole_number(1, 1000), "5")
    SIGN_IN_LOCK_SECONDS = Variable(number(1, 30 * DAY), "900")
    SECURE_SSL_REDIRECT = Setting(flag(), "false")
    SECURE_HSTS_SECONDS = Setting(whole_number(0, 2 * 365 * DAY), "0")
    LOG_LEVEL = Variable(choice("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"), "INFO")
    LOG_FORMAT = Variable(choice("text", "json"), "text")
    METRICS_TOKEN = Setting(secret_text("a long random text"))
    AUDIT_DAYS = Setting(number(90, 36_500, or_zero=True), "0")
    IDEMPOTENCY_RETENTION_SECONDS = Setting(positive_number(365 * DAY), "86400")

    # Domains
    DOMAIN_CLAIM_HOURS = Setting(positive_number(365 * 24), "72")
    DOMAIN_DELETE_GRACE_DAYS = Setting(whole_number(0, 365), "0")
    ADDRESS_DELETE_GRACE_DAYS = Setting(whole_number(0, 365), "0")

    # Database
    DATABASE_URL = Variable(database_url())
    DATABASE_POOL_SIZE = Variable(whole_number(0, 1000), "12")

    # AWS. botocore reads the variables that are no settings from the environment itself.
    AWS_REGION = Setting(aws.region())
    AWS_ACCOUNT_ID = Setting(aws.account_id())
    AWS_ENDPOINT_URL = Setting(hosts.endpoint())
    AWS_ENDPOINT_URL_SES = Setting(hosts.endpoint())
    AWS_ENDPOINT_URL_SESV2 = Variable(hosts.endpoint())
    AWS_ENDPOINT_URL_S3 = Variable(hosts.endpoint())
    AWS_ENDPOINT_URL_STS = Variable(hosts.endpoint())
    AWS_ENDPOINT_URL_SNS = Variable(hosts.endpoint())
    AWS_ENDPOINT_URL_SQS = Variable(hosts.endpoint())
    AWS_ACCESS_KEY_ID = Variable(aws.access_key_id())
    AWS_SECRET_ACCESS_KEY = Variable(aws.credential())
    AWS_SESSION_TOKEN = Variable(aws.credential())
    AWS_CREDENTIAL_EXPIRATION = Variable(aws.expiration())
    AWS_ROLE_ARN = Variable(aws.role())
    AWS_CONTAINER_CREDENTIALS_FULL_URI = Variable(aws.credentials_url())
    AWS_CONTAINER_CREDENTIALS_RELATIVE_URI = Variable(aws.path())
    AWS_CONTAINER_AUTHORIZATION_TOKEN = Variable(aws.header())
    AWS_EC2_METADATA_SERVICE_ENDPOINT = Variable(hosts.endpoint())
    AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE = Variable(aws.word("ipv4", "ipv6"))
    AWS_METADATA_SERVICE_TIMEOUT = Variable(whole_number(1, 60))
    AWS_METADATA_SERVICE_NUM_ATTEMPTS = Variable(whole_number(1, 10))
    AWS_DEFAULTS_MODE = Variable(aws.word("legacy", "auto", "standard", "in-region", "cross-region", "mobile"))
    AWS_STS_REGIONAL_ENDPOINTS = Variable(aws.word("legacy", "regional"))
    AWS_S3_US_EAST_1_REGIONAL_ENDPOINT = Variable(aws.word("legacy", "regional"))
    AWS_ACCOUNT_ID_ENDPOINT_MODE = Variable(aws.word("preferred", "disabled", "required"))
    AWS_REQUEST_CHECKSUM_CALCULATION = Variable(aws.word("when_supported", "when_required"))
    AWS_RESPONSE_CHECKSUM_VALIDATION = Variable(aws.word("when_supported", "when_required"))
    AWS_REQUEST_MIN_COMPRESSION_SIZE_BYTES = Variable(whole_number(1, 1024 * 1024))
    AWS_S3_DISABLE_EXPRESS_SESSION_AUTH = Variable(aws.word("true", "false"))
    S3_BUCKET_NAME = Setting(aws.bucket())
    SES_TOPIC_ARN = Setting(aws.topic_arn())
    SES_QUEUE_URL = Setting(aws.queue_url())
    SES_CONFIGURATION_SET = Setting(aws.configuration_set())
    LAMBDA_FUNCTION_NAME = Setting(aws.function_name())

    # What belongs to this installation
    INSTALLATION_ID = Setting(aws.tag_value(), "inbound")
    SES_RULE_SET = Setting(aws.rule_set(), "inbound-email-rules")
    SES_RULE_PREFIX = Setting(aws.rule_prefix(), "inbound")

    # Talking to SES
    SES_REQUEST_BUDGET = Setting(number(0, 60), "5")
    SES_CALLS_PER_SECOND = Setting(number(0.01, 1000, or_zero=True), "1")
    SES_CALL_SETTLE_SECONDS = Setting(number(0, DAY), "900")
    SES_MAX_RECIPIENTS_PER_RULE = Setting(whole_number(1, 500), "500")
    SES_MAX_IDENTITIES = Setting(whole_number(1, 10_000_000), "10000")
    KEEP_MAIL_ON_DOMAIN_DELETE = Setting(flag(), "false")
    SES_AUTO_SETUP = Setting(flag(), "false")

    # Worker. Sweeps without a pause would use up the rate limit of SES.
    SES_DATABASE_SWEEP_SECONDS = Setting(number(1, 30 * DAY), "60")
    SES_SWEEP_SECONDS = Setting(number(1, 30 * DAY), "3600")
    SES_STATUS_SECONDS = Setting(number(1, 30 * DAY), "60")
    WORKER_METRICS = Setting(hosts.address_with_port())

    # Received mail
    MAIL_SOURCE = Setting(choice("sqs", "sns", "sweep", "none"))
    MAIL_RETENTION_DAYS = Setting(number(0, 36_500), "0")
    MAIL_SWEEP_SECONDS = Setting(number(1, 30 * DAY), "3600")
    MAIL_SWEEP_GRACE_SECONDS = Setting(number(0, DAY), "600")
    MAIL_HISTORY_DAYS = Setting(number(0, 36_500), "14")
    MAIL_ON_VIRUS = Setting(choice("quarantine", "deliver", "drop"), "quarantine")
    MAIL_ON_SPAM = Setting(choice("quarantine", "deliver", "drop"), "deliver")
    MAIL_ON_DMARC_REJECT = Setting(choice("quarantine", "deliver", "drop"), "deliver")
    BLOCKED_MAIL_DAYS = Setting(number(0, 36_500), "1")
    MAIL_PARSE_SECONDS = Setting(number(1, 60), "10")
    MAIL_PARSE_MB = Setting(whole_number(128, 65_536), "512")

    # Exports and imports of domains. S3 takes at most 5 GB at once.
    EXPORT_KEEP_DAYS = Setting(positive_number(365), "7")
    IMPORT_MAX_MB = Setting(whole_number(1, 5000), "1000")

    # Deliveries
    WEBHOOK_RETRY_SECONDS = Setting(
        list_of(replace(number(0, 30 * DAY), expected="numbers from 0 to 2592000")),
        "5,300,1800,7200,18000,36000,50400,72000,86400",
    )
    WEBHOOK_MAX_BYTES = Setting(whole_number(100_000, 10_000_000), "1000000")
    FORWARD_NOTICES = Setting(flag(), "true")
    DELIVERY_LOG_DAYS = Setting(positive_number(36_500), "30")

    # Webhooks
    WEBHOOK_ALLOWED_NETWORKS = Setting(hosts.networks())
    WEBHOOK_REQUIRE_HTTPS = Setting(flag(), "false")

    # DNS. Users wait for its answers.
    DNS_RESOLVERS = Setting(hosts.resolvers())
    DNS_TIMEOUT_SECONDS = Setting(number(0.1, 30), "3")

    # Web server
    PORT = Variable(port(), "8000")
    BIND = Variable(hosts.listening_addresses())
    WEB_WORKERS = Variable(whole_number(1, 1000), "2")
    WEB_THREADS = Setting(whole_number(1, 1000), "32")

    # Demo and emulator
    DEMO_DIR = Variable(pattern("the path of a folder", r".+"))
    DEMO_DATABASE_URL = Variable(database_url())
    AWS_EMULATOR_PORT = Variable(port(), "5599")
    DEMO_SMTP_PORT = Variable(port(), "2525")
    SMTP_HOST = Setting(hosts.host(), "127.0.0.1")
    SMTP_PORT = Setting(port(), "2525")
    DEMO_DNS_PORT = Variable(port(), "5598")

    def contradictions(self) -> list[str]:
        here = self.AWS_REGION
        topic = aws.topic_region(self.SES_TOPIC_ARN) or here
        queue = aws.queue_region(self.SES_QUEUE_URL) or here
        found = []
        if here and topic != here:
            # Amazon SES Developer Guide, "Publish to Amazon SNS topic action".
            found.append(
                f"SES_TOPIC_ARN is a topic in {topic}, and AWS_REGION is {here}; SES needs a topic in its own region."
            )
        if here and queue != here:
            found.append(f"SES_QUEUE_URL is a queue in {queue}, and AWS_REGION is {here}; inbound polls in AWS_REGION.")
        return found


def read_environment() -> Configuration:
    """Read all variables. If any cannot be used, say so on stderr, one line for each, and exit with 1."""
    try:
        return Configuration(os.environ)
    except InvalidConfiguration as error:
        sys.exit(str(error))
