"""What the documents for operators say about permissions, messages, signs and the emulator is what the code has."""

from __future__ import annotations

import ast
import json
import re
import time

from django.contrib.admin import site

from backoffice.site import MENU
from inbound.settings import BASE_DIR
from inbound.tests.docs.pages import codes, page, rows
from ses_integration.aws.translate import _PERMISSIONS as PERMISSIONS
from ses_integration.doctor.probes.permissions import ALL, SENDING
from ses_integration.drift.model import Remedy
from ses_integration.emulator.control.endpoints import Control
from ses_integration.emulator.control.faults import KINDS, Faults
from ses_integration.emulator.control.journal import Journal
from ses_integration.emulator.hooks.receiver import ENDPOINTS as HOOKS
from ses_integration.emulator.receiving.endpoints import endpoints as endpoints_of_mail
from ses_integration.emulator.receiving.mailroom import Mailroom
from ses_integration.emulator.sending.endpoints import SendingEndpoints
from ses_integration.emulator.sending.service import Sending
from ses_integration.emulator.ses.call_rate import CallRate
from ses_integration.emulator.ses.service import Ses
from ses_integration.emulator.state.accounts import SesAccounts

STORED_MAIL = {"s3:ListBucketVersions", "s3:DeleteObject", "s3:DeleteObjectVersion"}
READING = {
    "s3:GetObject",
    "s3:ListBucket",
    "sns:ConfirmSubscription",
    "sqs:DeleteMessage",
    "sqs:GetQueueAttributes",
    "sqs:ReceiveMessage",
}
EXPORTS = {"s3:PutObject", "s3:AbortMultipartUpload", "s3:ListBucketMultipartUploads"}
# The doctor names them, or they are in the policies of topic and queue.
NOT_OF_SET_UP = {"sqs:DeleteMessage", "sqs:ReceiveMessage", "sqs:SendMessage", "sns:ConfirmSubscription", "sns:Publish"}
# Without them ses_doctor says less.
OPTIONAL = {"s3:GetBucketVersioning", "s3:GetBucketObjectLockConfiguration"}
SET_UP_OF_SENDING = {
    "CreateConfigurationSet",
    "GetConfigurationSetEventDestinations",
    "CreateConfigurationSetEventDestination",
    "UpdateConfigurationSetEventDestination",
}
APPS = (
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
    "rest",
    "backoffice",
)


def test_the_policy_has_the_permissions_that_the_doctor_tests_and_no_other():
    (policy,) = page("docs/deploy.md").blocks("json", "AWS permissions")
    given = [statement["Action"] for statement in json.loads(policy)["Statement"]]
    actions = [action for it in given for action in ([it] if isinstance(it, str) else it)]
    assert sorted(actions) == sorted({proof.name for proof in ALL} | STORED_MAIL | OPTIONAL)


def _actions(policy: str) -> dict[str, set[str]]:
    """Actions by the Sid of their statement."""
    given = {statement["Sid"]: statement["Action"] for statement in json.loads(policy)["Statement"]}
    return {sid: {it} if isinstance(it, str) else set(it) for sid, it in given.items()}


def test_the_policy_for_reading_mail_has_what_set_up_and_doctor_call():
    (policy,) = page("docs/deploy.md").blocks("json", "Permissions")
    actions = _actions(policy)
    assert (
        actions["MailSetupOnly"]
        == {text for text in _texts() if re.fullmatch(r"(sns|sqs):[A-Z]\w+", text)} - NOT_OF_SET_UP
    )
    assert actions["MailDoctorOnly"] == {
        "sns:Publish",
        "sns:GetTopicAttributes",
        "sns:ListSubscriptionsByTopic",
        "sns:GetSubscriptionAttributes",
    }
    reading = set().union(*(it for sid, it in actions.items() if not sid.endswith("Only")))
    assert reading == READING


def test_the_policy_for_sending_has_what_sending_set_up_and_doctor_call():
    (policy,) = page("docs/deploy.md").blocks("json", "Permissions to send")
    actions = _actions(policy)
    # AWS asks for SendRawEmail when a raw mail is sent with SendEmail.
    assert actions["SendMail"] == {"ses:SendEmail", "ses:SendRawEmail"}
    assert actions["SendMail"] | actions["SendingLimits"] | {"ses:GetConfigurationSetEventDestinations"} == {
        *(proof.name for proof in SENDING),
        "ses:SendRawEmail",
    }
    called = "\n".join(_texts())
    assert actions["SendingSetupOnly"] == {f"ses:{it}" for it in SET_UP_OF_SENDING}
    assert [it for it in SET_UP_OF_SENDING if it not in called] == []


def test_the_policy_for_exports_has_what_exports_call():
    (policy,) = page("docs/deploy.md").blocks("json", "Permissions to export")
    actions = _actions(policy)
    assert actions["StoreExports"] | actions["FindUploads"] == EXPORTS
    assert {name for name in PERMISSIONS.values() if name in EXPORTS} == EXPORTS


def test_the_bucket_policy_is_json_and_for_the_folder_of_our_mail():
    (policy,) = page("docs/deploy.md").blocks("json", "The bucket")
    (statement,) = json.loads(policy)["Statement"]
    assert (statement["Principal"], statement["Action"]) == ({"Service": "ses.amazonaws.com"}, "s3:PutObject")
    assert statement["Resource"].endswith("/emails/*")


def test_the_messages_in_the_runbook_are_those_of_the_code():
    said = "\n".join(_texts())
    cells = [row[0] for row in rows(page("docs/runbook.md").section("What is pending"))]
    parts = [part.strip() for cell in cells for text in codes(cell) for part in re.split(r"…|^\d+", text)]
    assert [part for part in parts if part not in said] == []


def _texts() -> list[str]:
    files = [file for app in APPS for file in (BASE_DIR / app).rglob("*.py") if "tests" not in file.parts]
    nodes = [node for file in files for node in ast.walk(ast.parse(file.read_text()))]
    return [node.value for node in nodes if isinstance(node, ast.Constant) and isinstance(node.value, str)]


def test_the_admin_pages_in_the_runbook_exist():
    pages = {str(model._meta.verbose_name_plural).capitalize() for model in site._registry}
    pages |= {entry.label for entry in MENU}
    named = re.findall(r'admin \("([^"]+)"\)', page("docs/runbook.md").text)
    assert named
    assert set(named) <= pages


def test_the_signs_in_the_runbook_are_those_of_ses_reconcile():
    signs = [codes(row[0])[0] for row in rows(page("docs/runbook.md").section("Drift")) if len(codes(row[0])[0]) == 1]
    assert set(signs) == {remedy.sign for remedy in Remedy} - {Remedy.NONE.sign}


def test_the_emulators_endpoints_and_faults_are_documented():
    section = page("docs/try-it.md").section("The emulated AWS")
    cells = [codes(row[0]) for row in rows(section)]
    ses = Ses(SesAccounts(verify_new=True), CallRate(None, time.monotonic))
    mailroom = Mailroom(ses)
    sending = SendingEndpoints(ses, Sending(ses, mailroom))
    control = Control(None, Faults(), Journal(), lambda: None, {**endpoints_of_mail(mailroom), **sending.endpoints()})
    known = {(method, path.replace("*", "ID")) for method, path in control._endpoints}
    endpoints = {tuple(text.split()) for cell in cells for text in cell if "/" in text}
    assert endpoints == known | {tuple(text.split()) for text in HOOKS}
    assert set(KINDS) <= {text for cell in cells for text in cell}
