"""Settings, read from the environment. docs/configuration.md lists them."""

from datetime import timedelta
from pathlib import Path

from inbound import __version__
from inbound.configuration.declared import read_environment

configuration = read_environment()
# Each Setting in inbound/configuration/declared.py is a Django setting of the same name.
globals().update(configuration.settings())

# Apps do not import `inbound`.
VERSION = __version__

BASE_DIR = Path(__file__).resolve().parent.parent

INSECURE_SECRET_KEY = "insecure-and-only-for-a-first-look"  # noqa: S105 - check inbound.E001 refuses it without DEBUG
SECRET_KEY = configuration.SECRET_KEY or INSECURE_SECRET_KEY

INSTALLED_APPS = [
    # Before Django's admin, whose templates and icons it replaces.
    "backoffice",
    "backoffice.apps.SiteConfig",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "axes",
    "rest_framework",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "corsheaders",
    "inbound",
    "desk",
    "archives",
    "mail",
    "endpoints",
    "addresses",
    "domains",
    "ses_integration",
    "workers",
    "audit",
]

MIDDLEWARE = [
    "inbound.web.requests.BeginRequest",
    "inbound.api.bodies.EmptyForHead",
    "inbound.web.probes.Probes",
    "django.middleware.security.SecurityMiddleware",
    "inbound.api.bodies.LengthRequired",
    "inbound.api.bodies.EndRequired",
    "inbound.api.paths.SlashesAfterBase",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "axes.middleware.AxesMiddleware",
    "inbound.api.limits.throttle.TellLimits",
    # Last, so that it sees the view's response before other middleware changes it.
    "inbound.api.idempotency.KeepAnswer",
]

if configuration.CORS_ALLOWED_ORIGINS:
    # It answers preflights. Without origins, no answer mentions CORS.
    MIDDLEWARE.insert(MIDDLEWARE.index("inbound.api.bodies.EmptyForHead") + 1, "corsheaders.middleware.CorsMiddleware")
CORS_URLS_REGEX = r"^/api/v2/"
# Pages of other origins send the key themselves. Cookies of the admin are never of use to them.
CORS_ALLOW_CREDENTIALS = False
CORS_ALLOW_HEADERS = ["authorization", "content-type", "idempotency-key", "x-request-id"]
CORS_EXPOSE_HEADERS = [
    "Content-Disposition", "Idempotency-Replayed", "RateLimit-Limit", "RateLimit-Remaining", "RateLimit-Reset",
    "Retry-After", "X-RateLimit-Limit", "X-RateLimit-Remaining", "X-RateLimit-Reset", "X-Request-Id",
]  # fmt: skip
CORS_PREFLIGHT_MAX_AGE = 600

# Of the admin's forms; the API has its own (archives/api/upload.py).
FILE_UPLOAD_HANDLERS = [
    "archives.admin.receiving.OnlyArchives",
    "django.core.files.uploadhandler.TemporaryFileUploadHandler",
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

DATABASES = {
    "default": configuration.DATABASE_URL
    or {"ENGINE": "django.db.backends.sqlite3", "NAME": str(BASE_DIR / "inbound.sqlite3")}
}
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
    options = {"options": "-c idle_in_transaction_session_timeout=10s", **DATABASES["default"]["OPTIONS"]}
    if configuration.DATABASE_POOL_SIZE:
        # Smaller than the number of threads: a thread that waits for SES returns its connection.
        options["pool"] = {"min_size": 1, "max_size": configuration.DATABASE_POOL_SIZE}
    DATABASES["default"]["ENGINE"] = "inbound.database.postgresql"
    DATABASES["default"]["OPTIONS"] = options

AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator"},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]

AUTHENTICATION_BACKENDS = ["axes.backends.AxesStandaloneBackend", "django.contrib.auth.backends.ModelBackend"]
# One name from one address: neither a stranger who guesses a name nor a colleague behind the same address locks anybody else out.
AXES_LOCKOUT_PARAMETERS = [["username", "ip_address"]]
AXES_FAILURE_LIMIT = configuration.SIGN_IN_ATTEMPTS
AXES_COOLOFF_TIME = timedelta(seconds=configuration.SIGN_IN_LOCK_SECONDS)
# Otherwise the page could not say when the lock ends.
AXES_RESET_COOL_OFF_ON_FAILURE_DURING_LOCKOUT = False
AXES_RESET_ON_SUCCESS = True
AXES_CLIENT_IP_CALLABLE = "inbound.people.sign_in.client_address"
AXES_LOCKOUT_CALLABLE = "inbound.people.sign_in.locked_page"
# It would grow for ever.
AXES_DISABLE_ACCESS_LOG = True
# The page is inbound's own (`inbound/admin/sign_ins.py`).
AXES_ENABLE_ADMIN = False

USE_TZ = True
TIME_ZONE = "UTC"
LANGUAGE_CODE = "en-us"
USE_I18N = False
# Dates as `backoffice.text.moment` has them. The settings for formats do not reach the admin.
FORMAT_MODULE_PATH = ["backoffice.formats"]
DATETIME_FORMAT = "Y-m-d H:i:s e"

STATIC_URL = "static/"
# Serve the admin's files from the installed packages, so that no collectstatic is needed.
WHITENOISE_USE_FINDERS = True

CSRF_FAILURE_VIEW = "inbound.admin.error_pages.csrf_failure"
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = configuration.SECURE_COOKIES
# HSTS for other names under ours, and in browsers' lists, is not ours to decide.
SILENCED_SYSTEM_CHECKS = ["security.W005", "security.W021"]
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if configuration.BEHIND_TLS_PROXY else None

REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": ["inbound.api.authentication.ApiKeyAuthentication"],
    "DEFAULT_PERMISSION_CLASSES": ["inbound.api.permissions.HasScope", "inbound.api.permissions.HasRole"],
    "DEFAULT_THROTTLE_CLASSES": ["inbound.api.limits.throttle.LimitedByKey", "inbound.api.idempotency.OncePerKey"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_PARSER_CLASSES": ["inbound.api.parsers.ObjectParser"],
    "DEFAULT_CONTENT_NEGOTIATION_CLASS": "inbound.api.negotiation.JsonAlways",
    "DEFAULT_PAGINATION_CLASS": "inbound.api.pagination.LimitOffset",
    "EXCEPTION_HANDLER": "inbound.api.errors.exception_handler",
    "UNAUTHENTICATED_USER": None,
    "COERCE_DECIMAL_TO_STRING": False,
}

SPECTACULAR_SETTINGS = {
    "TITLE": "inbound",
    "VERSION": __version__,
    "DESCRIPTION": (
        "Receives mail with AWS SES. Every request needs a key: `Authorization: Bearer KEY`. "
        'An error is `{"error": "a sentence"}`, sometimes with more members.'
    ),
    "OAS_VERSION": "3.1.0",
    "SCHEMA_PATH_PREFIX": "/api/v2",
    "SORT_OPERATIONS": False,
    "SORT_OPERATION_PARAMETERS": False,
    "ENUM_GENERATE_CHOICE_DESCRIPTION": False,
    # They are for developers.
    "DISABLE_DOCSTRING_DESCRIPTIONS": True,
    "POSTPROCESSING_HOOKS": ["inbound.api.description.document.finish"],
}

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "filters": {"request": {"()": "inbound.web.records.AddRequest"}},
    "formatters": {
        "line": {
            "()": f"inbound.configuration.logs.{'JsonLine' if configuration.LOG_FORMAT == 'json' else 'Line'}",
            "format": "{asctime} {levelname} {name}{request}: {message}",
            "is_passing": "ext://inbound.database.outages.is_outage",
        }
    },
    "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "line", "filters": ["request"]}},
    "root": {"handlers": ["console"], "level": configuration.LOG_LEVEL},
    "loggers": {
        "botocore": {"level": "WARNING"},
        # Four lines for each wrong password.
        "axes": {"level": "WARNING"},
        # It repeats what the failed request or command says.
        "psycopg.pool": {"level": "ERROR"},
        # Do not warn operators about a client's 404.
        "django.request": {"level": "ERROR"},
    },
}

# The function that describes domains: all that ses_integration needs from the apps above it.
SES_SPEC_PROVIDER = "domains.provider.domain_specs"
