"""The demo's folder, ports and environment variables, which keep it away from any real AWS account."""

from __future__ import annotations

import os
import secrets
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from inbound.configuration.declared import Configuration
from inbound.configuration.variables import InvalidConfiguration
from inbound.settings import BASE_DIR

HOST = "127.0.0.1"
# Removed, because in a developer's shell they may point to a real account.
REMOVED_PREFIXES = (
    "AWS_",
    "SES_",
    "S3_",
    "LAMBDA_",
    "MAIL_",
    "WEBHOOK_",
    "DELIVERY_",
    "BLOCKED_",
    "SMTP_",
    "GUNICORN_",
)
REMOVED = {
    "ALLOWED_HOSTS",
    "API_REQUESTS_PER_MINUTE",
    "BEHIND_TLS_PROXY",
    "BIND",
    "CORS_ALLOWED_ORIGINS",
    "CSRF_TRUSTED_ORIGINS",
    "DEBUG",
    "DJANGO_SETTINGS_MODULE",
    "INSTALLATION_ID",
    "SECRET_KEY_FALLBACKS",
    "SECURE_COOKIES",
}


class DemoError(Exception):
    """The demo cannot run. The message says why."""


@dataclass(frozen=True, slots=True)
class DemoEnvironment:
    """`folder` keeps database, secrets and `demo.env` between runs."""

    folder: Path
    web_port: int
    emulator_port: int
    dns_port: int
    smtp_port: int

    @classmethod
    def from_variables(cls, environ: Mapping[str, str]) -> DemoEnvironment:
        """Read DEMO_DIR, PORT, AWS_EMULATOR_PORT, DEMO_DNS_PORT and DEMO_SMTP_PORT. Raises DemoError."""
        try:
            demo = cls(
                folder=Path(Configuration.DEMO_DIR.read(environ) or BASE_DIR / ".run").resolve(),
                web_port=Configuration.PORT.read(environ),
                emulator_port=Configuration.AWS_EMULATOR_PORT.read(environ),
                dns_port=Configuration.DEMO_DNS_PORT.read(environ),
                smtp_port=Configuration.DEMO_SMTP_PORT.read(environ),
            )
        except InvalidConfiguration as error:
            raise DemoError(str(error)) from error
        if len({demo.web_port, demo.emulator_port, demo.dns_port, demo.smtp_port}) < 4:
            raise DemoError("PORT, AWS_EMULATOR_PORT, DEMO_DNS_PORT and DEMO_SMTP_PORT must differ.")
        return demo

    def make_folder(self) -> None:
        """Raises DemoError if it cannot be made or written."""
        try:
            self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            with tempfile.TemporaryFile(dir=self.folder):
                pass
        except OSError as error:
            raise DemoError(
                f"The demo cannot use the folder {str(self.folder)!r}: {error.strerror}. Set DEMO_DIR to another one."
            ) from error

    @property
    def web_url(self) -> str:
        return f"http://{HOST}:{self.web_port}"

    @property
    def emulator_url(self) -> str:
        return f"http://{HOST}:{self.emulator_port}"

    @property
    def hook_url(self) -> str:
        """Where the emulator receives the demo's webhooks."""
        return f"{self.emulator_url}/_hooks/demo"

    @property
    def dns_address(self) -> str:
        return f"{HOST}:{self.dns_port}"

    @property
    def smtp_address(self) -> str:
        return f"{HOST}:{self.smtp_port}"

    @property
    def values_file(self) -> Path:
        """The printed values, for scripts. It exists only while the demo is ready."""
        return self.folder / "demo.env"

    def variables(self, environ: Mapping[str, str]) -> dict[str, str]:
        """The environment variables of the demo's processes. `environ`: those of the shell."""
        inherited = {
            name: value
            for name, value in environ.items()
            if name not in REMOVED and not name.startswith(REMOVED_PREFIXES)
        }
        database = environ.get("DEMO_DATABASE_URL") or f"sqlite:///{quote(str(self.folder / 'inbound.sqlite3'))}"
        no_proxy = ",".join(dict.fromkeys([*filter(None, environ.get("no_proxy", "").split(",")), HOST]))
        programs = str(Path(sys.executable).parent)
        path = [part for part in environ.get("PATH", os.defpath).split(os.pathsep) if part != programs]
        return inherited | {
            "PATH": os.pathsep.join([programs, *path]),
            "no_proxy": no_proxy,
            "NO_PROXY": no_proxy,
            "PORT": str(self.web_port),
            "PUBLIC_URL": self.web_url,
            "DEMO_DIR": str(self.folder),
            "DATABASE_URL": database,
            "GUNICORN_CMD_ARGS": "--log-level warning",
            "SECRET_KEY": self.secret("secret_key"),
            "AWS_EMULATOR_PORT": str(self.emulator_port),
            "DEMO_DNS_PORT": str(self.dns_port),
            "DEMO_SMTP_PORT": str(self.smtp_port),
            "SMTP_HOST": HOST,
            "SMTP_PORT": str(self.smtp_port),
            "AWS_ENDPOINT_URL": self.emulator_url,
            "AWS_REGION": "eu-west-1",
            "AWS_ACCESS_KEY_ID": "demo",
            "AWS_SECRET_ACCESS_KEY": "demo",
            "AWS_CONFIG_FILE": os.devnull,
            "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
            "AWS_ACCOUNT_ID": "123456789012",
            "S3_BUCKET_NAME": "inbound-mail",
            "SES_TOPIC_ARN": "arn:aws:sns:eu-west-1:123456789012:inbound-mail",
            "SES_QUEUE_URL": f"{self.emulator_url}/123456789012/inbound-mail",
            "SES_CONFIGURATION_SET": "inbound",
            "SES_AUTO_SETUP": "true",
            "SES_CALLS_PER_SECOND": "0",
            "SES_CALL_SETTLE_SECONDS": "5",
            "SES_SWEEP_SECONDS": "10",
            "SES_DATABASE_SWEEP_SECONDS": "10",
            "SES_STATUS_SECONDS": "1",
            "MAIL_SOURCE": "sqs",
            "MAIL_SWEEP_SECONDS": "30",
            "MAIL_SWEEP_GRACE_SECONDS": "5",
            # The emulator receives webhooks, and is on this machine.
            "WEBHOOK_ALLOWED_NETWORKS": "127.0.0.0/8",
            # A retry that one can wait for.
            "WEBHOOK_RETRY_SECONDS": "1,2,5",
            # The emulator's zone. The DNS records of the real example.com would be misleading.
            "DNS_RESOLVERS": self.dns_address,
        }

    def secret(self, name: str) -> str:
        """The secret of that name, created on first use."""
        secret = self.stored_secret(name)
        if not secret:
            secret = secrets.token_urlsafe(15)
            self.store_secret(name, secret)
        return secret

    def stored_secret(self, name: str) -> str:
        """The secret of that name, or an empty string."""
        file = self.folder / name
        return file.read_text().strip() if file.exists() else ""

    def store_secret(self, name: str, value: str) -> None:
        write_private(self.folder / name, f"{value}\n")


def write_private(file: Path, text: str) -> None:
    """Write the file atomically, readable only by the current user."""
    file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    # NamedTemporaryFile creates files with mode 0600.
    with tempfile.NamedTemporaryFile("w", dir=file.parent, prefix=f".{file.name}-", delete=False) as new:
        new.write(text)
    Path(new.name).replace(file)
