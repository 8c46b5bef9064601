from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from endpoints.config_schema import DEPTH_LIMIT, SIZE_LIMIT, ConfigError, clean_config, group_emails
from endpoints.webhooks.target import USER

URL = "https://hooks.example.org/mail"
WEBHOOK = {"url": URL}
EMAIL = {"forwardTo": "jo@example.org"}
GROUP = {"emails": ["jo@example.org", "mo@example.org"]}
TIMEOUT = "Timeout must be a number between 1 and 300 seconds"
RETRIES = "Retry attempts must be a number between 0 and 10"
HEADERS = "Headers must be an object of strings"
DUPLICATES = "Email group contains duplicate email addresses"
TOKEN = "verificationToken must be 1 to 255 visible ASCII characters"

NO_TIMEOUTS: list[object] = [0, -1, 0.5, 301, 999, 300001, 10**400, "30", True, False, [], {}]
NO_RETRIES: list[object] = [-1, 11, 3000, "3", True, False, [], {}]
NO_HEADERS: list[object] = [5, [], True, "", "X: y", "[]", '"a"', "{", "[" * 100_000, {"X": 1}, {"X": None}, {"X": {}}]


def nested(levels: int) -> object:
    value: object = "end"
    for _ in range(levels):
        value = [value]
    return value


@pytest.mark.parametrize(
    ("endpoint_type", "config"),
    [
        ("webhook", WEBHOOK),
        ("webhook", {"url": "http://192.0.2.1:8080/a?b=c"}),
        ("webhook", {"url": "HTTPS://[2001:db8::1]/"}),
        ("webhook", {"url": URL, "timeout": 1, "retryAttempts": 0}),
        ("webhook", {"url": URL, "timeout": 300, "retryAttempts": 10}),
        ("webhook", {"url": URL, "timeout": 2.5}),
        ("webhook", {"url": URL, "timeout": None, "retryAttempts": None, "headers": None, "secret": None}),
        ("webhook", {"url": URL, "headers": {"X-One": "1"}, "secret": "s"}),
        ("webhook", {"url": URL, "email": "kept@example.org", "anything": {"else": [1, None, True, 2.5]}}),
        ("webhook", {"url": URL, "deep": nested(DEPTH_LIMIT - 1)}),
        ("email", EMAIL),
        ("email", {"forwardTo": "o'neil+x@sub.example.org", "includeAttachments": False, "preserveHeaders": True}),
        ("email", {**EMAIL, "subjectPrefix": "[in]", "fromAddress": "a@example.com", "senderName": "Jo"}),
        ("email_group", GROUP),
        ("email_group", {"emails": [f"a{n}@example.org" for n in range(50)], "senderName": None}),
    ],
)
def test_a_valid_config_is_unchanged(endpoint_type, config):
    assert clean_config(endpoint_type, config) == config


@pytest.mark.parametrize(
    ("endpoint_type", "config", "cleaned"),
    [
        ("webhook", {"url": URL, "timeout": 30000}, {"url": URL, "timeout": 30}),
        ("webhook", {"url": URL, "timeout": 1000}, {"url": URL, "timeout": 1}),
        ("webhook", {"url": URL, "timeout": 300000}, {"url": URL, "timeout": 300}),
        ("webhook", {"url": URL, "timeout": 1500}, {"url": URL, "timeout": 1.5}),
        ("webhook", {"url": URL, "headers": '{"X-One": "1"}'}, {"url": URL, "headers": {"X-One": "1"}}),
        ("email", {"email": "jo@example.org"}, EMAIL),
        ("email", {"email": "jo@example.org", "forwardTo": ""}, EMAIL),
        ("email", {"email": "other@example.org", "forwardTo": "jo@example.org"}, EMAIL),
    ],
)
def test_variants_that_clients_send_are_normalised(endpoint_type, config, cleaned):
    assert clean_config(endpoint_type, config) == cleaned
    assert clean_config(endpoint_type, cleaned) == cleaned


@pytest.mark.parametrize(
    ("config", "details"),
    [
        ({}, "Webhook URL is required"),
        ({"url": None}, "Webhook URL is required"),
        ({"url": ""}, "Webhook URL is required"),
        ({"url": 5}, "Webhook URL must be a string"),
        ({"url": False}, "Webhook URL must be a string"),
        ({"url": [URL]}, "Webhook URL must be a string"),
        *(
            ({"url": url}, "Invalid webhook URL format")
            for url in (
                "hooks.example.org",
                "/mail",
                "ftp://example.org/",
                "file:///etc/passwd",
                "javascript:alert(1)",
                "https://",
                "https:///path",
                "https://user@/",
                "https://example.org:port/",
                "https://example.org:70000/",
                "https://[::1",
                "https://example.org/a b",
                "https://example.org\\@other.example/",
                "https://example.org/\r\nX: y",
                " https://example.org/",
            )
        ),
        *(({"url": URL, "timeout": timeout}, TIMEOUT) for timeout in NO_TIMEOUTS),
        *(({"url": URL, "retryAttempts": retries}, RETRIES) for retries in NO_RETRIES),
        *(({"url": URL, "headers": headers}, HEADERS) for headers in NO_HEADERS),
        ({"url": URL, "headers": {"X": "a\r\nY: b"}}, "Headers must not contain line breaks"),
        ({"url": URL, "headers": {"X\n": "a"}}, "Headers must not contain line breaks"),
        ({"url": URL, "secret": 5}, "secret must be a string"),
    ],
)
def test_an_invalid_webhook_is_refused_with_the_first_rule_that_it_breaks(config, details):
    with pytest.raises(ConfigError) as refused:
        clean_config("webhook", config)
    assert str(refused.value) == details


@pytest.mark.parametrize(
    ("config", "details"),
    [
        ({}, "Forward-to email address is required"),
        ({"forwardTo": None}, "Forward-to email address is required"),
        ({"forwardTo": ""}, "Forward-to email address is required"),
        ({"forwardTo": "", "email": ""}, "Forward-to email address is required"),
        ({"forwardTo": 5}, "Forward-to email must be a string"),
        ({"email": ["jo@example.org"]}, "Forward-to email must be a string"),
        *(
            ({"forwardTo": address}, "Invalid forward-to email address format")
            for address in (
                "jo",
                "jo@",
                "@example.org",
                "jo@example",
                "jo@.",
                "jo@example.",
                "jo@@example.org",
                "jo mo@example.org",
                "jo@example.org\r\nBcc: all@example.org",
                "jo,mo@example.org",
                "Jo <jo@example.org>",
                "jo@" + "a" * 400 + ".org",
            )
        ),
        ({**EMAIL, "includeAttachments": "true"}, "includeAttachments must be a boolean"),
        ({**EMAIL, "preserveHeaders": 1}, "preserveHeaders must be a boolean"),
        ({**EMAIL, "subjectPrefix": 1}, "subjectPrefix must be a string"),
        ({**EMAIL, "senderName": "Jo\r\nBcc: all@example.org"}, "senderName must not contain line breaks"),
        ({**EMAIL, "fromAddress": {}}, "fromAddress must be a string"),
    ],
)
def test_an_invalid_email_is_refused_with_the_first_rule_that_it_breaks(config, details):
    with pytest.raises(ConfigError) as refused:
        clean_config("email", config)
    assert str(refused.value) == details


@pytest.mark.parametrize(
    ("config", "details"),
    [
        ({}, "Email group must have an emails array"),
        ({"emails": None}, "Email group must have an emails array"),
        ({"emails": "jo@example.org"}, "Email group must have an emails array"),
        ({"emails": {}}, "Email group must have an emails array"),
        ({"emails": []}, "Email group must have at least one email address"),
        (
            {"emails": [f"a{n}@example.org" for n in range(51)]},
            "Email group cannot have more than 50 email addresses",
        ),
        ({"emails": ["jo@example.org", "mo"]}, "Invalid email address in group: mo"),
        ({"emails": [5]}, "Invalid email address in group: 5"),
        ({"emails": [None]}, "Invalid email address in group: null"),
        ({"emails": [["jo@example.org"]]}, 'Invalid email address in group: ["jo@example.org"]'),
        ({"emails": ["x" * 5000]}, "Invalid email address in group: " + "x" * 100),
        ({"emails": ["jo@example.org", "jo@example.org"]}, DUPLICATES),
        ({"emails": ["jo@example.org", "Jo@Example.ORG"]}, DUPLICATES),
        ({**GROUP, "senderName": False}, "senderName must be a string"),
    ],
)
def test_an_invalid_group_is_refused_with_the_first_rule_that_it_breaks(config, details):
    with pytest.raises(ConfigError) as refused:
        clean_config("email_group", config)
    assert str(refused.value) == details


@pytest.mark.parametrize("config", [None, True, 5, 1.5, "text", [], [WEBHOOK]])
def test_a_config_must_be_an_object(config):
    with pytest.raises(ConfigError, match=r"^Configuration must be an object$"):
        clean_config("webhook", config)


def test_an_unknown_type_is_refused():
    with pytest.raises(ConfigError, match=r"^Unknown endpoint type$"):
        clean_config("fax", WEBHOOK)


@pytest.mark.parametrize(
    ("extra", "details"),
    [
        ({"note": "a\x00b"}, "Configuration must not contain NUL or unpaired surrogate characters"),
        ({"a\x00b": 1}, "Configuration must not contain NUL or unpaired surrogate characters"),
        ({"note": [{"deep": "\ud800"}]}, "Configuration must not contain NUL or unpaired surrogate characters"),
        ({"headers": '{"X": "\\ud800"}'}, "Configuration must not contain NUL or unpaired surrogate characters"),
        ({"note": float("inf")}, "Configuration must not contain numbers that are not finite"),
        ({"note": "x" * SIZE_LIMIT}, "Configuration must not be larger than 32 kB"),
        ({"note": "\u20ac" * (SIZE_LIMIT // 3)}, "Configuration must not be larger than 32 kB"),
        ({"note": nested(DEPTH_LIMIT)}, "Configuration must not be nested deeper than 32 levels"),
        ({"note": nested(100_000)}, "Configuration must not be nested deeper than 32 levels"),
        ({"note": object()}, "Configuration must be JSON"),
    ],
)
def test_values_that_the_database_cannot_store_are_refused(extra, details):
    with pytest.raises(ConfigError) as refused:
        clean_config("webhook", {**WEBHOOK, **extra})
    assert str(refused.value) == details


def test_the_given_config_is_not_changed():
    given_config = {"url": URL, "timeout": 30000}
    clean_config("webhook", given_config)
    assert given_config == {"url": URL, "timeout": 30000}


def test_only_a_group_has_group_emails():
    assert group_emails("email_group", GROUP) == GROUP["emails"]
    assert group_emails("email", {**EMAIL, **GROUP}) is None


NUMBERS = st.integers() | st.floats()
LEAVES = (
    st.none() | st.booleans() | NUMBERS | st.text() | st.sampled_from([URL, "jo@example.org", "jo@Example.org", "{}"])
)
JSON = st.recursive(LEAVES, lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner), max_leaves=10)
KEYS = st.sampled_from(
    ["url", "timeout", "retryAttempts", "headers", "secret", "forwardTo", "email", "emails", "senderName"]
)
ADDRESSES = st.lists(st.sampled_from(["jo@example.org", "mo@example.org", "Jo@Example.org"]))
CONFIGS = JSON | st.dictionaries(KEYS, JSON | st.just(URL) | ADDRESSES | st.integers(-1, 301_000))
VALID = st.sampled_from([WEBHOOK, EMAIL, GROUP])


@given(st.sampled_from(["webhook", "email", "email_group"]), CONFIGS, VALID)
@settings(max_examples=300, deadline=None)
def test_any_json_is_cleaned_or_refused_and_cleaning_is_idempotent(endpoint_type, config, valid):
    config = {**valid, **config} if isinstance(config, dict) else config
    try:
        cleaned = clean_config(endpoint_type, config)
    except ConfigError as error:
        # The text goes into an answer, so UTF-8 must be able to carry it; raises if not.
        str(error).encode()
        return
    assert isinstance(cleaned, dict)
    assert json.loads(json.dumps(cleaned, allow_nan=False)) == cleaned
    assert clean_config(endpoint_type, cleaned) == cleaned


@pytest.mark.parametrize(
    ("change", "details"),
    [
        ({"url": "https://me:pw@hooks.example.org/"}, USER),
        ({"url": "http://127.1/"}, "127.1 is not an IPv4 address of four decimal numbers."),
        ({"headers": {"content-TYPE": "x"}}, "Headers must not contain content-TYPE, which inbound sets itself"),
        ({"headers": '{"X Y": "secret"}'}, "Headers must have valid names: X Y"),
        ({"headers": {"X-Y": "sécret€"}}, "Headers must have values of printable Latin-1 characters: X-Y"),
        ({"payload": "half"}, "payload must be one of full, noRaw, thin"),
        ({"payload": ["full"]}, "payload must be one of full, noRaw, thin"),
        *(({"verificationToken": token}, TOKEN) for token in ("", 5, "a b", "é", "a\n", "x" * 256)),
    ],
)
def test_what_a_request_cannot_carry_is_refused(change, details):
    with pytest.raises(ConfigError) as refused:
        clean_config("webhook", {**WEBHOOK, **change})
    assert str(refused.value) == details


@pytest.mark.parametrize("payload", ["full", "noRaw", "thin", None])
def test_the_owner_chooses_the_size_of_the_body(payload):
    config = {**WEBHOOK, "payload": payload, "verificationToken": "visible-ASCII!"}
    assert clean_config("webhook", config) == config
