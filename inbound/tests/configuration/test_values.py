"""What single variables take and refuse, with the sentence."""

from __future__ import annotations

import pytest

from inbound.configuration.declared import Configuration
from inbound.configuration.variables import InvalidConfiguration

TOPIC = "arn:aws:sns:eu-west-1:123456789012:mail"


def refusal(name: str, text: str) -> str:
    with pytest.raises(InvalidConfiguration) as refused:
        Configuration({name: text})
    return str(refused.value)


def value_of(name: str, text: str) -> object:
    return getattr(Configuration({name: text}), name)


@pytest.mark.parametrize(
    ("name", "text", "value"),
    [
        *(("KEEP_MAIL_ON_DOMAIN_DELETE", text, True) for text in ("true", "True", "TRUE", "on", "yes", "1")),
        *(("DEBUG", text, False) for text in ("false", "False", "off", "NO", "0")),
        ("SES_REQUEST_BUDGET", "0", 0.0),
        ("SES_REQUEST_BUDGET", "60", 60.0),
        ("SES_REQUEST_BUDGET", "0.50", 0.5),
        ("SES_CALLS_PER_SECOND", "0", 0.0),
        ("SES_CALLS_PER_SECOND", "0.01", 0.01),
        ("DNS_TIMEOUT_SECONDS", "30", 30.0),
        ("SES_MAX_RECIPIENTS_PER_RULE", "1", 1),
        ("LOG_LEVEL", "debug", "DEBUG"),
        ("SECRET_KEY", "$HOME", "$HOME"),
        ("SECRET_KEY", "with 'quotes' inside and a blank", "with 'quotes' inside and a blank"),
        ("SECRET_KEY_FALLBACKS", "$first,second", ["$first", "second"]),
        ("ALLOWED_HOSTS", "*", ["*"]),
        ("ALLOWED_HOSTS", "a-b.example.net,[::1]", ["a-b.example.net", "[::1]"]),
        ("DNS_RESOLVERS", "192.0.2.53:5353,2001:db8::53", ["192.0.2.53:5353", "2001:db8::53"]),
        ("SES_TOPIC_ARN", "arn:aws-us-gov:sns:us-gov-west-1:123456789012:mail", None),
        ("SES_TOPIC_ARN", "arn:aws-cn:sns:cn-north-1:123456789012:mail", None),
        ("LAMBDA_FUNCTION_NAME", "process:$LATEST", None),
        ("S3_BUCKET_NAME", "a.b", None),
        ("INSTALLATION_ID", "Mail of us/2", None),
        ("AWS_ENDPOINT_URL", "http://[::1]:5599/path", None),
        ("BIND", "fd://3", ["fd://3"]),
    ],
)
def test_right_values(name, text, value):
    assert value_of(name, text) == (text if value is None else value)


@pytest.mark.parametrize(
    ("name", "texts"),
    [
        ("DEBUG", ["maybe", "tru", "2", "-1", "true,false", "1 ", "t", "none", "null", '"true', "\uff10"]),
        ("SES_REQUEST_BUDGET", ["nan", "inf", "-inf", "1e400", "1e1", "1_0", "٣", "²", "5s", "0,5", "-0.1", "60.1", "0x5"]),
        ("IDEMPOTENCY_RETENTION_SECONDS", ["nan", "0", "-1", "1e9", "99999999999999999999", "1 day"]),
        ("SES_CALLS_PER_SECOND", ["-1", "0.001", "1001", "1/s", "."]),
        ("SES_MAX_RECIPIENTS_PER_RULE", ["0", "-5", "501", "1.5", "5.0", "1_0", "٣", "9" * 5000]),
        ("DATABASE_POOL_SIZE", ["-1", "12.5", "true", "1001"]),
        ("SES_SWEEP_SECONDS", ["0", "0.9", "never"]),
        ("DNS_TIMEOUT_SECONDS", ["0", "0.09", "30.1", "nan"]),
        ("LOG_LEVEL", ["VERBOSE", "10", "INFO,DEBUG", "\u0131nfo"]),
        (
            "ALLOWED_HOSTS",
            [
                "a, b", "a,", ",a", "a b", "https://a", "a:8000", "*.example.net", "::1", "[::1", "a/", "a_b", "büro.de",
                "a..b", "example.net.", "300.1.1.1", "-a", "user@a", "[::g]", "a\tb", "a;b", "**",
                "\u212a.example.net", "\u017f.example.net",
            ],
        ),
        (
            "CSRF_TRUSTED_ORIGINS",
            [
                "mail.example.net", "https://", "ftp://a", "https://a/", "https://a:0", "https://a:99999", "https://A",
                "https://a https://b", "//a", "https://user@a", "https://*", "https://.a", "https:a",
            ],
        ),
        ("CORS_ALLOWED_ORIGINS", ["*", "https://*.example.net", "https://a/", "null", "a.example"]),
        ("API_REQUESTS_PER_MINUTE", ["-1", "1.5", "1000001", "10/s"]),
        ("AWS_REGION", ["eu west", "EU-west-1", "eu-west-1a", "eu-west", "eu_west_1", "1", "eu-west-1,eu-west-2", "europe"]),
        ("AWS_ACCOUNT_ID", ["1234-5678-9012", "12345678901", "1234567890123", "١٢٣٤٥٦٧٨٩٠١٢", "arn:aws:iam::123456789012:root"]),
        (
            "S3_BUCKET_NAME",
            [
                "s3://x", "ab", "a" * 64, "Mail", "my_bucket", "-mail", "mail-", ".mail", "a..b", "192.168.5.4", "xn--mail",
                "mail-s3alias", "mail--ol-s3", "arn:aws:s3:::mail", "mail/emails", "https://mail.s3.amazonaws.com", "büro",
            ],
        ),
        (
            "SES_TOPIC_ARN",
            [
                "foo", "mail", TOPIC.replace("sns", "sqs"), TOPIC.replace("eu-west-1", ""), TOPIC.replace("eu-west-1", "EU"),
                TOPIC.replace("123456789012", "123"), TOPIC + ".fifo", TOPIC + ":subscription", TOPIC.removesuffix("mail"),
                TOPIC + " ", TOPIC.replace("arn:aws", "arn:azure"),
            ],
        ),
        (
            "AWS_CREDENTIAL_EXPIRATION",
            ["foo", "tomorrow", "2026-01-31", "2026-01-31T12:00:00", "2026-01-31 12:00", "1769860800", "2026-02-30T12:00:00Z"],
        ),
        ("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", ["foo", "v2/credentials", "/a b", "http://a/"]),
        ("AWS_ROLE_ARN", ["foo", "mail", "arn:aws:iam::123:role/mail", "arn:aws:iam::123456789012:user/mail"]),
        ("AWS_DEFAULTS_MODE", ["foo", "in_region", "\u017ftandard"]),
        ("AWS_STS_REGIONAL_ENDPOINTS", ["foo", "eu-west-1"]),
        ("AWS_REQUEST_CHECKSUM_CALCULATION", ["foo", "when supported", "true"]),
        ("AWS_METADATA_SERVICE_TIMEOUT", ["foo", "0", "1.5"]),
        ("LAMBDA_FUNCTION_NAME", ["arn:aws:lambda:eu-west-1:123456789012:function:x", "a b", "a" * 65, "a.b", "a:", "a/b"]),
        ("SES_RULE_PREFIX", ["a" * 17, "In", "in-bound", "in_", "ü", "a\n", "2٣"]),
        ("SES_RULE_SET", ["a" * 65, "-a", "a-", "A", "a_b", "a b", "a\n"]),
        ("INSTALLATION_ID", ["a" * 257, "a,b", "a;b", 'say "x"', "a\tb", "(a)"]),
        (
            "DNS_RESOLVERS",
            ["dns.example.net", "192.0.2", "192.0.2.53:0", "192.0.2.53:65536", "192.0.2.53 192.0.2.54", "192.0.2.53,", "[::1"],
        ),
        ("PORT", ["0", "65536", "-1", "http", "8000.0", "tcp://10.0.0.1:80", "80 80"]),
        ("BIND", ["127.0.0.1", "8000", ":8000", "0.0.0.0:http", "0.0.0.0:0", "::1:8000", "http://0.0.0.0:80", "unix:", "a b:80"]),
        ("WEB_WORKERS", ["0", "-2", "two", "1.5", "1001"]),
        ("WEB_THREADS", ["0", "auto"]),
        ("AWS_EMULATOR_PORT", ["0", "x"]),
        ("DEMO_DNS_PORT", ["0", "dns"]),
        ("SMTP_HOST", ["mail.example.net:25", "::1", "127.0.0", "smtp://127.0.0.1", "a b", "user@host"]),
        ("SMTP_PORT", ["0", "smtp"]),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)  # fmt: skip
def test_wrong_values_are_shown_with_what_is_expected(name, texts):
    for text in texts:
        sentence = refusal(name, text)
        assert sentence.startswith((f"{name} is ", f"{name} has ", f"{name} begins or ends with a blank")), sentence
        assert "; it must be " in sentence or "; remove it" in sentence, sentence


@pytest.mark.parametrize("name", ["AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_S3"])
@pytest.mark.parametrize(
    "text",
    [
        "nonsense", "127.0.0.1:5599", "ftp://a", "http://", "http://a:0", "http://a:port", "http://a b", "http://a\tb", "http:///a",
        "http://a_b", "http://[::1", "http://a?x=1", "http://a#x", "http://é", "https:/a", "http://a'",
    ],
)  # fmt: skip
def test_wrong_endpoints(name, text):
    assert refusal(name, text) == (
        f"{name} cannot be used; it must be the URL of a server, such as http://127.0.0.1:5599."
    )


@pytest.mark.parametrize("name", ["AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_S3", "AWS_EC2_METADATA_SERVICE_ENDPOINT"])
@pytest.mark.parametrize(
    "text", ["http://user:s3cr3t@127.0.0.1:1", "https://s3cr3t@host/path", "http://user:p/w@host", "a@b"]
)
def test_an_endpoint_has_no_password(name, text):
    """It would be in every message about the endpoint."""
    assert refusal(name, text) == (
        f"{name} has a user name or password, which would be in the log; remove it, because AWS takes none."
    )


@pytest.mark.parametrize(
    "text",
    [
        "foo", "http://metadata.example/", "http://169.254.169.254/", "ftp://localhost/", "http://user:s3cr3t@localhost/",
        "https://[::1", "http://", "https:foo",
    ],
)  # fmt: skip
def test_wrong_servers_of_credentials(text):
    assert refusal("AWS_CONTAINER_CREDENTIALS_FULL_URI", text) == (
        "AWS_CONTAINER_CREDENTIALS_FULL_URI cannot be used; "
        "it must be the URL of a server, with https unless it is this host's or container's."
    )


@pytest.mark.parametrize(
    "text",
    ["http://localhost:51679/x", "http://127.0.0.1/", "http://[::1]:80/", "http://[fd00:ec2::23]/", "HTTPS://a/x"],
)
def test_servers_of_credentials(text):
    assert value_of("AWS_CONTAINER_CREDENTIALS_FULL_URI", text) == text


@pytest.mark.parametrize("name", ["KEEP_MAIL_ON_DOMAIN_DELETE", "SECRET_KEY", "DATABASE_URL", "DEMO_DIR", "AWS_REGION"])
@pytest.mark.parametrize("quote", ['"', "'", "`"])
def test_quotes_are_not_a_part_of_any_value(name, quote):
    assert refusal(name, f"{quote}true{quote}") == (
        f"{name} is in quotes, which would be part of the value; remove them."
    )


@pytest.mark.parametrize(
    "name", ["KEEP_MAIL_ON_DOMAIN_DELETE", "SECRET_KEY", "DATABASE_URL", "DEMO_DIR", "AWS_SECRET_ACCESS_KEY"]
)
@pytest.mark.parametrize("text", [" true", "true ", "true\n", "true\r\n", "\ttrue", "true\u00a0", "\u2028true", " "])
def test_white_space_around_a_value_is_refused(name, text):
    assert refusal(name, text) == f"{name} begins or ends with a blank or a line end; remove it."


def test_bytes_that_are_not_utf8_are_refused():
    assert refusal("SECRET_KEY", "key\udcff") == "SECRET_KEY is not valid UTF-8; write it as UTF-8 text."


@pytest.mark.parametrize("text", ["first,,second", "first, second", ",", "first,'second'"])
def test_earlier_keys_are_not_shown(text):
    assert refusal("SECRET_KEY_FALLBACKS", text) == (
        "SECRET_KEY_FALLBACKS has an item that cannot be used; it must be earlier keys, separated by commas without blanks."
    )


def test_a_list_shows_the_wrong_item_only():
    assert refusal("ALLOWED_HOSTS", "a, b") == (
        "ALLOWED_HOSTS has ' b'; it must be host names without scheme and port, such as mail.example.net or .example.net, "
        "separated by commas without blanks."
    )


def test_a_long_value_is_cut_and_a_password_is_not_shown():
    assert refusal("PORT", "x" * 500).startswith("PORT is 'xxx")
    assert len(refusal("PORT", "x" * 500)) < 150
    assert "s3cret" not in refusal("CSRF_TRUSTED_ORIGINS", "https://user:s3cret@mail.example.net")


def test_a_topic_in_another_region_is_refused():
    with pytest.raises(InvalidConfiguration) as refused:
        Configuration({"AWS_REGION": "eu-central-1", "SES_TOPIC_ARN": TOPIC})
    assert str(refused.value) == (
        "SES_TOPIC_ARN is a topic in eu-west-1, and AWS_REGION is eu-central-1; SES needs a topic in its own region."
    )
    assert Configuration({"SES_TOPIC_ARN": TOPIC}).SES_TOPIC_ARN == TOPIC


@pytest.mark.parametrize("end", ["", ".cn"])
def test_a_queue_in_another_region_is_refused(end):
    queue = f"https://sqs.eu-west-1.amazonaws.com{end}/123456789012/mail"
    with pytest.raises(InvalidConfiguration) as refused:
        Configuration({"AWS_REGION": "eu-central-1", "SES_QUEUE_URL": queue})
    assert str(refused.value) == (
        "SES_QUEUE_URL is a queue in eu-west-1, and AWS_REGION is eu-central-1; inbound polls in AWS_REGION."
    )
    assert queue == Configuration({"AWS_REGION": "eu-west-1", "SES_QUEUE_URL": queue}).SES_QUEUE_URL


def test_the_queue_of_an_emulator_has_no_region():
    queue = "http://127.0.0.1:5599/123456789012/mail"
    assert queue == Configuration({"AWS_REGION": "eu-central-1", "SES_QUEUE_URL": queue}).SES_QUEUE_URL


def test_several_wrong_variables_have_a_line_each():
    with pytest.raises(InvalidConfiguration) as refused:
        Configuration({"PORT": "x", "DEBUG": "maybe", "AWS_REGION": "eu-west-1"})
    assert [line.split()[0] for line in str(refused.value).split("\n")] == ["DEBUG", "PORT"]
