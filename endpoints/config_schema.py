"""Rules for the `config` of an endpoint, by the endpoint's type. Pure functions.

See docs/api/compatibility.md, "Endpoint configuration".
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any, TypeGuard

from endpoints.redaction import HIDDEN, is_redacted
from endpoints.webhooks import headers as request_headers
from endpoints.webhooks import signing
from endpoints.webhooks.target import Refused, parse

SIZE_LIMIT = 32 * 1024
DEPTH_LIMIT = 32
GROUP_LIMIT = 50
ADDRESS_LIMIT = 320
SHOWN_CHARACTERS = 100

# Looser than the rules for our own addresses, but it excludes characters that could add a second address to a header.
ADDRESS = re.compile(r"""[^\s\x00-\x1f\x7f@,;:<>()\[\]\\"]+@[^\s\x00-\x1f\x7f@,;:<>()\[\]\\"]+""")
# PostgreSQL's jsonb cannot store NUL or unpaired surrogates.
UNSTORABLE = re.compile("[\x00\ud800-\udfff]")
LINE_BREAK = re.compile(r"[\r\n]")
VISIBLE = re.compile(r"[!-~]{1,255}")
PAYLOADS = ("full", "noRaw", "thin")
# What a webhook can be told besides mail.
DELETION_PROVED = "domain.deletion.proved"
EVENTS = (DELETION_PROVED,)

Config = dict[str, Any]


class ConfigError(ValueError):
    """The config is not valid. `str(error)` is the `details` of the response, and `key` the member that it is about, if known."""

    def __init__(self, details: str, key: str = "") -> None:
        super().__init__(details)
        self.key = key


def clean_config(endpoint_type: str, config: object) -> Config:
    """Validate and normalise a config for storage. Raises ConfigError for the first rule that fails.

    Keeps unknown keys. None counts as missing. Idempotent.
    """
    if not isinstance(config, Mapping):
        raise ConfigError("Configuration must be an object")
    if endpoint_type not in _CLEANERS:
        raise ConfigError("Unknown endpoint type")
    normalise, check = _CLEANERS[endpoint_type]
    cleaned = normalise(dict(config))
    # First: error messages quote values, and a response cannot contain values that cannot be stored.
    _check_storable(cleaned)
    check(cleaned)
    return cleaned


def changed_config(endpoint_type: str, config: object, stored: Config) -> Config:
    """Validate and normalise a config that replaces the `stored` one. Raises ConfigError.

    A client that has read both names of an address may send both back and have changed either.
    """
    if endpoint_type == "email" and isinstance(config, Mapping) and config.get("forwardTo") == stored.get("forwardTo"):
        config = {**config, "forwardTo": config.get("email") or config.get("forwardTo")}
    return clean_config(endpoint_type, config)


def shown_config(endpoint_type: str, config: Config) -> Config:
    """The config with both names of the address of type `email`: `forwardTo` and `email`."""
    return {**config, "email": config.get("forwardTo")} if endpoint_type == "email" else config


def split_secret(config: Config) -> tuple[Config, str]:
    """A webhook's config without its `secret`, which is stored apart from it, and the secret; empty if there is none."""
    return {key: value for key, value in config.items() if key != "secret"}, config.get("secret") or ""


def with_token(config: Config, stored: Config) -> Config:
    """A webhook's config with a `verificationToken`: its own, else the `stored` one, else a new one."""
    token = config.get("verificationToken") or stored.get("verificationToken") or signing.new_token()
    return {**config, "verificationToken": token}


def group_emails(endpoint_type: str, config: Config) -> list[str] | None:
    """The addresses in the config of a group. None for other types."""
    return config.get("emails", []) if endpoint_type == "email_group" else None


def _check_storable(config: Config) -> None:
    level: list[Any] = [config]
    # Level by level instead of recursively, so that deep nesting cannot exhaust the stack.
    for _ in range(DEPTH_LIMIT + 1):
        level = [child for value in level for child in _children(value)]
        if not level:
            break
    else:
        raise ConfigError(f"Configuration must not be nested deeper than {DEPTH_LIMIT} levels")
    if len(json.dumps(config).encode()) > SIZE_LIMIT:
        raise ConfigError(f"Configuration must not be larger than {SIZE_LIMIT // 1024} kB")


def _children(value: object) -> Iterable[Any]:
    match value:
        case dict():
            return [*value.keys(), *value.values()]
        case list():
            return value
        case str() if UNSTORABLE.search(value):
            raise ConfigError("Configuration must not contain NUL or unpaired surrogate characters")
        case float() if not math.isfinite(value):
            raise ConfigError("Configuration must not contain numbers that are not finite")
        case str() | int() | float() | None:
            return ()
        case _:
            raise ConfigError("Configuration must be JSON")


def _normalise_webhook(config: Config) -> Config:
    timeout = config.get("timeout")
    # The SDK sends milliseconds where the service means seconds (docs/api/compatibility.md, "Endpoint configuration").
    if _is_number(timeout) and 1000 <= timeout <= 300_000:
        seconds = timeout / 1000
        config["timeout"] = int(seconds) if seconds.is_integer() else seconds
    if isinstance(config.get("headers"), str):
        try:
            config["headers"] = json.loads(config["headers"])
        except (ValueError, RecursionError) as error:
            raise ConfigError("Headers must be an object of strings", "headers") from error
    return config


def _check_webhook(config: Config) -> None:
    for key, value in config.items():
        if is_redacted(value):
            raise ConfigError(f"{key[:SHOWN_CHARACTERS]} contains {HIDDEN}, which stands for a hidden value", key)
    url = config.get("url")
    if url in (None, ""):
        raise ConfigError("Webhook URL is required", "url")
    if not isinstance(url, str):
        raise ConfigError("Webhook URL must be a string", "url")
    try:
        parse(url)
    except Refused as error:
        raise ConfigError(str(error), "url") from error
    _check_number(config, "timeout", 1, 300, "Timeout must be a number between 1 and 300 seconds")
    _check_number(config, "retryAttempts", 0, 10, "Retry attempts must be a number between 0 and 10")
    headers = config.get("headers")
    if headers is not None:
        if not isinstance(headers, dict) or not all(isinstance(value, str) for value in headers.values()):
            raise ConfigError("Headers must be an object of strings", "headers")
        if any(LINE_BREAK.search(text) for header in headers.items() for text in header):
            raise ConfigError("Headers must not contain line breaks", "headers")
        if why := next(filter(None, (request_headers.refusal(*header) for header in headers.items())), ""):
            raise ConfigError(why, "headers")
    if not isinstance(config.get("secret"), str | None):
        raise ConfigError("secret must be a string", "secret")
    token = config.get("verificationToken")
    if token is not None and not (isinstance(token, str) and VISIBLE.fullmatch(token)):
        raise ConfigError("verificationToken must be 1 to 255 visible ASCII characters", "verificationToken")
    if config.get("payload") not in (None, *PAYLOADS):
        raise ConfigError(f"payload must be one of {', '.join(PAYLOADS)}", "payload")
    events = config.get("events")
    if events is not None and not (isinstance(events, list) and all(event in EVENTS for event in events)):
        raise ConfigError(f"events must be a list of {', '.join(EVENTS)}", "events")


def _normalise_email(config: Config) -> Config:
    # The SDK's createForwarder says `email` (docs/api/compatibility.md, "Endpoint configuration").
    alias = config.pop("email", None)
    if config.get("forwardTo") in (None, "") and alias is not None:
        config["forwardTo"] = alias
    return config


def _check_email(config: Config) -> None:
    address = config.get("forwardTo")
    if address in (None, ""):
        raise ConfigError("Forward-to email address is required", "forwardTo")
    if not isinstance(address, str):
        raise ConfigError("Forward-to email must be a string", "forwardTo")
    if not _is_address(address):
        raise ConfigError("Invalid forward-to email address format", "forwardTo")
    _check_forwarding(config)


def _check_group(config: Config) -> None:
    emails = config.get("emails")
    if not isinstance(emails, list):
        raise ConfigError("Email group must have an emails array", "emails")
    if not emails:
        raise ConfigError("Email group must have at least one email address", "emails")
    if len(emails) > GROUP_LIMIT:
        raise ConfigError(f"Email group cannot have more than {GROUP_LIMIT} email addresses", "emails")
    for email in emails:
        if not _is_address(email):
            shown = email if isinstance(email, str) else json.dumps(email)
            raise ConfigError(f"Invalid email address in group: {shown[:SHOWN_CHARACTERS]}", "emails")
    if len({email.lower() for email in emails}) < len(emails):
        raise ConfigError("Email group contains duplicate email addresses", "emails")
    _check_forwarding(config)


def _check_forwarding(config: Config) -> None:
    """Check the optional keys of email and email_group. Refuse line breaks, because texts become mail headers."""
    for key in ("includeAttachments", "preserveHeaders"):
        if not isinstance(config.get(key), bool | None):
            raise ConfigError(f"{key} must be a boolean", key)
    for key in ("subjectPrefix", "fromAddress", "senderName"):
        text = config.get(key)
        if not isinstance(text, str | None):
            raise ConfigError(f"{key} must be a string", key)
        if text and LINE_BREAK.search(text):
            raise ConfigError(f"{key} must not contain line breaks", key)


def _is_address(value: object) -> bool:
    if not isinstance(value, str) or len(value) > ADDRESS_LIMIT or not ADDRESS.fullmatch(value):
        return False
    return "." in value.rpartition("@")[2].strip(".")


def _check_number(config: Config, key: str, lowest: int, highest: int, error: str) -> None:
    value = config.get(key)
    if value is not None and not (_is_number(value) and lowest <= value <= highest):
        raise ConfigError(error, key)


def _is_number(value: object) -> TypeGuard[int | float]:
    return isinstance(value, int | float) and not isinstance(value, bool)


_CLEANERS: dict[str, tuple[Callable[[Config], Config], Callable[[Config], None]]] = {
    "webhook": (_normalise_webhook, _check_webhook),
    "email": (_normalise_email, _check_email),
    "email_group": (dict, _check_group),
}
