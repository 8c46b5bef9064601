"""Settings, read from the environment. docs/configuration.md lists them."""

from pathlib import Path
from urllib.parse import quote

import environ
from django.core.exceptions import ImproperlyConfigured

env = environ.Env()


def number(name: str, default: float) -> float:
    """A number from the environment. Unlike django-environ's, the error names the variable."""
    text = env.str(name, "") or str(default)
    try:
        return float(text)
    except ValueError:
        raise ImproperlyConfigured(f"{name} is {text!r}; it must be a number.") from None


BASE_DIR = Path(__file__).resolve().parent.parent

INSECURE_SECRET_KEY = "insecure-and-only-for-a-first-look"  # noqa: S105 - check inbound.E001 refuses it without DEBUG
SECRET_KEY = env.str("SECRET_KEY", "") or INSECURE_SECRET_KEY
DEBUG = env.bool("DEBUG", False)
ALLOWED_HOSTS = env.list("ALLOWED_HOSTS", default=["localhost", "127.0.0.1", "[::1]"])
CSRF_TRUSTED_ORIGINS = env.list("CSRF_TRUSTED_ORIGINS", default=[])

INSTALLED_APPS = [
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "rest_framework",
    "inbound",
    "endpoints",
    "addresses",
    "domains",
    "ses_integration",
    "backoffice",
]

MIDDLEWARE = [
    "inbound.api.bodies.EmptyForHead",
    "django.middleware.security.SecurityMiddleware",
    "inbound.api.bodies.LengthRequired",
    "inbound.api.paths.SlashesAfterBase",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    # Last, so that it sees the view's response before other middleware changes it.
    "inbound.api.idempotency.KeepAnswer",
]

ROOT_URLCONF = "inbound.urls"
WSGI_APPLICATION = "inbound.wsgi.application"
# A redirect turns the client's POST into a GET without a body (docs/api/compatibility.md, "Requests").
APPEND_SLASH = False

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ]
        },
    }
]

DATABASES = {"default": env.db_url("DATABASE_URL", default=f"sqlite:///{quote(str(BASE_DIR / 'inbound.sqlite3'))}")}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
if DATABASES["default"]["ENGINE"] == "django.db.backends.sqlite3":
    # Without IMMEDIATE, concurrent transactions that read and then write fail with "database is locked".
    DATABASES["default"]["OPTIONS"] = {
        "transaction_mode": "IMMEDIATE",
        "timeout": 20,
        "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL;",
    }
else:
    # A process that freezes inside a transaction must not hold its locks forever.
    options = {"options": "-c idle_in_transaction_session_timeout=10s", **DATABASES["default"].get("OPTIONS", {})}
    if DATABASE_POOL_SIZE := int(number("DATABASE_POOL_SIZE", 12)):
        # After a restart of PostgreSQL the pool must not hand out dead connections.
        DATABASES["default"]["CONN_HEALTH_CHECKS"] = True
        # Smaller than the number of threads: a thread that waits for SES returns its connection.
        options["pool"] = {"min_size": 1, "max_size": DATABASE_POOL_SIZE, "timeout": 30}
    DATABASES["default"]["OPTIONS"] = options

AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator"},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]

USE_TZ = True
TIME_ZONE = "UTC"
LANGUAGE_CODE = "en-us"
USE_I18N = False

STATIC_URL = "static/"
# Serve the admin's files from the installed packages, so that no collectstatic is needed.
WHITENOISE_USE_FINDERS = True

SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = env.bool("SECURE_COOKIES", False)
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if env.bool("BEHIND_TLS_PROXY", False) else None

# Resolvers as address[:port], by default those of the system. Used to find a deleted domain's leftover DNS records.
DNS_RESOLVERS = env.list("DNS_RESOLVERS", default=[])
DNS_TIMEOUT_SECONDS = number("DNS_TIMEOUT_SECONDS", 3.0)

# How long a repeated Idempotency-Key gets the first response again.
IDEMPOTENCY_RETENTION_SECONDS = number("IDEMPOTENCY_RETENTION_SECONDS", 86400.0)

REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": ["inbound.api.authentication.ApiKeyAuthentication"],
    "DEFAULT_PERMISSION_CLASSES": ["inbound.api.permissions.HasScope"],
    "DEFAULT_THROTTLE_CLASSES": ["inbound.api.idempotency.OncePerKey"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_PARSER_CLASSES": ["inbound.api.parsers.ObjectParser"],
    "DEFAULT_CONTENT_NEGOTIATION_CLASS": "inbound.api.negotiation.JsonAlways",
    "DEFAULT_PAGINATION_CLASS": "inbound.api.pagination.LimitOffset",
    "EXCEPTION_HANDLER": "inbound.api.errors.exception_handler",
    "UNAUTHENTICATED_USER": None,
    "COERCE_DECIMAL_TO_STRING": False,
}

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"line": {"format": "{asctime} {levelname} {name}: {message}", "style": "{"}},
    "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "line"}},
    "root": {"handlers": ["console"], "level": env.str("LOG_LEVEL", "INFO")},
    "loggers": {
        "botocore": {"level": "WARNING"},
        # Do not warn operators about a client's 404.
        "django.request": {"level": "ERROR"},
    },
}

# AWS. botocore reads credentials itself, and endpoints from AWS_ENDPOINT_URL[_SES|_SESV2|_S3].
AWS_REGION = env.str("AWS_REGION", "")
AWS_ACCOUNT_ID = env.str("AWS_ACCOUNT_ID", "")
S3_BUCKET_NAME = env.str("S3_BUCKET_NAME", "")
LAMBDA_FUNCTION_NAME = env.str("LAMBDA_FUNCTION_NAME", "")
SES_TOPIC_ARN = env.str("SES_TOPIC_ARN", "")
SES_RULE_SET = env.str("SES_RULE_SET", "inbound-email-rules")
SES_RULE_PREFIX = env.str("SES_RULE_PREFIX", "inbound")
INSTALLATION_ID = env.str("INSTALLATION_ID", "inbound")
SES_REQUEST_BUDGET = number("SES_REQUEST_BUDGET", 5.0)
SES_CALLS_PER_SECOND = number("SES_CALLS_PER_SECOND", 1.0)
SES_CALL_SETTLE_SECONDS = number("SES_CALL_SETTLE_SECONDS", 900.0)
SES_MAX_RECIPIENTS_PER_RULE = int(number("SES_MAX_RECIPIENTS_PER_RULE", 500))
SES_MAX_IDENTITIES = int(number("SES_MAX_IDENTITIES", 10_000))
SES_DATABASE_SWEEP_SECONDS = number("SES_DATABASE_SWEEP_SECONDS", 60.0)
SES_SWEEP_SECONDS = number("SES_SWEEP_SECONDS", 3600.0)
SES_STATUS_SECONDS = number("SES_STATUS_SECONDS", 60.0)
SES_AUTO_SETUP = env.bool("SES_AUTO_SETUP", False)
# Whether deleting a domain keeps its stored mail in the bucket.
KEEP_MAIL_ON_DOMAIN_DELETE = env.bool("KEEP_MAIL_ON_DOMAIN_DELETE", False)
# The function that describes domains: all that ses_integration needs from the apps above it.
SES_SPEC_PROVIDER = "domains.provider.domain_specs"
