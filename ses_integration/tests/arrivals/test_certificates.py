"""Certificates come from SNS alone, are kept for a day, and are all that makes a signature count."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from ses_integration.arrivals import certificates
from ses_integration.arrivals.certificates import certificate, emulator_origin
from ses_integration.arrivals.signature import Forged, signed_text
from ses_integration.aws import clients
from ses_integration.errors import SesError, Unanswered, Unsent
from ses_integration.tests.arrivals.samples import SES_ID, received
from ses_integration.tests.arrivals.sns_server import (
    PEM,
    arrived,
    assert_forged,
    elliptic_key,
    pem,
    post,
    private_key,
    serving,
)

pytestmark = pytest.mark.sqlite_only

REGION = "eu-west-1"
AWS = "https://sns.eu-west-1.amazonaws.com"
EMPTY_CERTIFICATE = b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----"


def test_the_wrong_key_makes_it_forged(sns):
    assert_forged(sns.notification(received(), key="somebody"), "does not fit")


@pytest.mark.parametrize("days", [(-2, -1), (1, 2)])
def test_a_certificate_that_is_not_valid_now_makes_it_forged(sns, days):
    sns.files[PEM] = 200, pem(private_key("sns"), days)
    assert_forged(sns.notification(received()), "not valid now")


@pytest.mark.parametrize("body", [b"", b"<html>", EMPTY_CERTIFICATE])
def test_a_file_that_is_no_certificate_makes_it_forged(sns, body):
    sns.files[PEM] = 200, body
    assert_forged(sns.notification(received()), "no certificate")


def test_a_certificate_of_another_kind_of_key_makes_it_forged(sns):
    sns.files[PEM] = 200, pem(elliptic_key())
    assert_forged(sns.notification(received()), "no RSA key")


def test_a_file_that_is_too_large_for_a_certificate_makes_it_forged(sns):
    sns.files[PEM] = 200, pem(private_key("sns")) + b" " * certificates.MOST_BYTES
    assert_forged(sns.notification(received()), "no certificate")


@pytest.mark.parametrize("status", [301, 302, 307, 403, 404])
def test_a_redirect_or_a_missing_file_makes_it_forged(sns, status):
    sns.files["/SimpleNotificationService-1.pem"] = status, b""
    assert_forged(sns.notification(received(), path="/SimpleNotificationService-1.pem"), "no certificate")
    assert sns.asked == ["/SimpleNotificationService-1.pem"]


@pytest.mark.parametrize("status", [500, 503, 429])
def test_a_failure_of_sns_is_no_forgery(sns, status):
    sns.files[PEM] = status, b""
    with pytest.raises(Unanswered):
        post(sns.notification(received()))
    sns.files[PEM] = 200, pem(private_key("sns"))
    assert arrived(sns.notification(received())) == SES_ID


def test_while_sns_is_out_of_reach_nothing_is_forged(sns):
    message = sns.notification(received())
    with serving() as other:
        gone = other.url
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AWS_ENDPOINT_URL_SNS", gone)
        clients.forget()
        with pytest.raises(SesError):
            post({**message, "SigningCertURL": gone + PEM})


def test_a_flood_of_certificates_is_not_waited_for(sns, monkeypatch):
    monkeypatch.setattr(certificates, "DOWNLOADS_AT_ONCE", 0)
    with pytest.raises(Unsent):
        post(sns.notification(received()))
    monkeypatch.setattr(certificates, "DOWNLOADS_AT_ONCE", 1)
    assert arrived(sns.notification(received())) == SES_ID


def test_messages_that_come_together_need_one_download(sns):
    threads = 20
    message = sns.notification(received())
    ready = threading.Barrier(threads)

    def arrive(_: int) -> str:
        ready.wait()
        return arrived(message)

    with ThreadPoolExecutor(threads) as pool:
        assert set(pool.map(arrive, range(threads))) == {SES_ID}
    assert sns.asked == [PEM]


def test_messages_that_come_together_with_a_bad_certificate_are_all_forged(sns):
    sns.files[PEM] = 200, b"<html>"
    message = sns.notification(received())
    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(lambda _: assert_forged(message, "no certificate"), range(8))) == [None] * 8
    sns.files[PEM] = 200, pem(private_key("sns"))
    assert arrived(message) == SES_ID


def test_certificates_are_kept_for_a_day_and_only_a_few(sns, monkeypatch):
    paths = [f"/{number}.pem" for number in range(certificates.KEEP_MOST + 4)]
    for path in paths:
        sns.files[path] = sns.files[PEM]
        arrived(sns.notification(received(), path=path))
    assert len(certificates._kept) == certificates.KEEP_MOST
    arrived(sns.notification(received(), path=paths[-1]))
    assert sns.asked == paths
    monkeypatch.setattr(certificates, "KEEP_SECONDS", 0)
    arrived(sns.notification(received(), path=paths[-1]))
    assert sns.asked == [*paths, paths[-1]]


@pytest.fixture
def asked(monkeypatch):
    """The URLs that would be downloaded."""
    urls = []

    def download(url: str, most: int) -> bytes:
        urls.append(url)
        return pem(private_key("sns"))

    monkeypatch.setattr(certificates, "download", download)
    certificates.forget()
    yield urls
    certificates.forget()


@pytest.mark.parametrize("url", [f"{AWS}{PEM}", f"{AWS}.cn{PEM}", f"{AWS}/a.pem"])
def test_certificates_of_sns_in_the_topics_region_are_read(asked, url):
    certificate(url, REGION)
    assert asked == [url]


@pytest.mark.parametrize(
    "url",
    [
        "",
        PEM,
        f"http://sns.eu-west-1.amazonaws.com{PEM}",
        f"https://sns.us-east-1.amazonaws.com{PEM}",
        f"https://sns.eu-west-1.amazonaws.com.evil.example{PEM}",
        f"https://sns.eu-west-1.amazonaws.com.cn.evil.example{PEM}",
        f"https://sns-eu-west-1.amazonaws.com{PEM}",
        f"https://snsXeu-west-1.amazonaws.com{PEM}",
        f"https://evil.example/sns.eu-west-1.amazonaws.com{PEM}",
        f"https://evil.example#@sns.eu-west-1.amazonaws.com{PEM}",
        f"https://user@sns.eu-west-1.amazonaws.com{PEM}",
        f"https://sns.eu-west-1.amazonaws.com@evil.example{PEM}",
        f"https://sns.eu-west-1.amazonaws.com:8443{PEM}",
        f"https://s3.eu-west-1.amazonaws.com/bucket{PEM}",
        f"https://bucket.s3.eu-west-1.amazonaws.com{PEM}",
        f"HTTPS://SNS.eu-west-1.amazonaws.com{PEM}",
        f" {AWS}{PEM}",
        f"{AWS}{PEM}\n",
        f"{AWS}{PEM}?a=b",
        f"{AWS}{PEM}#a",
        f"{AWS}/a/b.pem",
        f"{AWS}/../b.pem",
        f"{AWS}/%2e.pem",
        f"{AWS}/a.pem.txt",
        f"{AWS}/.pem",
        f"{AWS}\\{PEM}",
        f"http://127.0.0.1:1{PEM}",
        f"http://169.254.169.254{PEM}",
        "file:///etc/ssl/a.pem",
    ],
)
def test_nothing_is_read_from_anywhere_else(asked, url):
    with pytest.raises(Forged, match="not from SNS"):
        certificate(url, REGION)
    assert asked == []


@pytest.mark.parametrize("url", ["http://127.0.0.1:5599", "http://localhost:1/", "http://[::1]:80", "http://127.1.2.3"])
def test_an_emulator_on_this_machine_may_have_certificates(url):
    assert emulator_origin(url) == url.rstrip("/")


@pytest.mark.parametrize(
    "url", ["", "https://127.0.0.1", "http://127.0.0.1.evil.example", "http://192.0.2.1", "http://a@127.0.0.1", AWS]
)
def test_another_endpoint_may_not(url):
    assert emulator_origin(url) == ""


def test_the_signed_text_is_the_published_one():
    notification = {
        "Type": "Notification",
        "MessageId": "i",
        "TopicArn": "a",
        "Message": "m",
        "Timestamp": "t",
        "X": "y",
    }
    assert signed_text(notification) == b"Message\nm\nMessageId\ni\nTimestamp\nt\nTopicArn\na\nType\nNotification\n"
    assert signed_text({**notification, "Subject": "s"}) == (
        b"Message\nm\nMessageId\ni\nSubject\ns\nTimestamp\nt\nTopicArn\na\nType\nNotification\n"
    )
    confirmation = {
        **notification,
        "Type": "SubscriptionConfirmation",
        "Token": "k",
        "SubscribeURL": "u",
        "Subject": "s",
    }
    assert signed_text(confirmation) == (
        b"Message\nm\nMessageId\ni\nSubscribeURL\nu\nTimestamp\nt\nToken\nk\nTopicArn\na\n"
        b"Type\nSubscriptionConfirmation\n"
    )
