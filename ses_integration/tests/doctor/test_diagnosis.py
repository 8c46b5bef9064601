from __future__ import annotations

import pytest

from ses_integration.models import RuleSetState
from ses_integration.reconcile.loop import reconcile
from ses_integration.tests.doctor.fixtures import calls, doctor, fault, outcome, ses_client, ses_state
from ses_integration.tests.support.fake_domains import DOMAIN, receive

pytestmark = pytest.mark.django_db(transaction=True)


def test_a_missing_bucket_is_reported_once(aws):
    code, found = doctor()
    assert (code, found["bucket"]["seen"]) == (1, "There is no bucket inbound-mail.")
    assert found["s3:DeleteObject"]["do"] == "Fix bucket first."
    assert calls(aws, "s3") == ["HeadBucket"]


def test_a_missing_permission_that_only_the_doctor_needs_is_a_warning(ready):
    fault(ready, "GetBucketVersioning", "access_denied", service="s3")
    fault(ready, "GetObjectLockConfiguration", "access_denied", service="s3")
    fault(ready, "HeadBucket", "access_denied", service="s3")
    code, found = doctor()
    assert code == 0
    assert found["bucket"]["outcome"] == "ok"
    assert found["bucket versioning"]["seen"] == "Not checked: s3:GetBucketVersioning is not allowed."
    assert found["object lock"]["seen"] == "Not checked: s3:GetBucketObjectLockConfiguration is not allowed."


def test_a_missing_rule_set_suggests_ses_setup_or_another_region(aws):
    code, found = doctor()
    do = "If AWS_REGION=eu-west-1 is right, run `python manage.py ses_setup`; otherwise correct it."
    assert code == 1
    assert outcome(found["active rule set"]) == ("failed", "None is active in eu-west-1: SES refuses all mail.", do)
    assert outcome(found["rule set"]) == ("failed", "There is no rule set inbound-email-rules in eu-west-1.", do)
    assert found["ses:DescribeReceiptRuleSet"]["outcome"] == "ok"
    assert found["SES to bucket"]["do"] == "Fix rule set first."


def test_a_region_without_a_rule_set_suggests_the_region_in_the_database(ses, rows, settings):
    receive("a")
    reconcile(DOMAIN)
    settings.AWS_REGION = "eu-central-1"
    _, found = doctor()
    do = (
        "The database has 1 rule and 1 identity in AWS_REGION=eu-west-1, SES_RULE_SET=inbound-email-rules: "
        "set those if you mean them. Otherwise run `python manage.py ses_setup`."
    )
    assert [found[check]["do"] for check in ("active rule set", "rule set")] == [do, do]


def test_another_active_rule_set_is_named(ready):
    ses_client().create_receipt_rule_set(RuleSetName="theirs")
    ses_client().set_active_receipt_rule_set(RuleSetName="theirs")
    code, found = doctor()
    assert code == 1
    assert found["active rule set"]["seen"].startswith("theirs is active, not inbound-email-rules")
    assert ses_state(ready)["eu-west-1"]["active_rule_set"] == "theirs"


def test_nothing_is_written_with_credentials_of_another_account(ready, settings):
    settings.AWS_ACCOUNT_ID = "999999999999"
    code, found = doctor()
    assert code == 1
    assert found["credentials"]["do"] == "Set AWS_ACCOUNT_ID=123456789012, or use credentials of account 999999999999."
    assert [entry["action"] for entry in ready.journal()] == ["GetCallerIdentity"]


def test_nothing_is_written_with_credentials_of_another_account_than_the_ledger_s(ses, rows):
    receive("a")
    reconcile(DOMAIN)
    RuleSetState.objects.update(account="999999999999")
    ses.clear_journal()
    code, found = doctor()
    assert code == 1
    assert found["credentials"]["seen"].endswith("account 123456789012; the ledger belongs to account 999999999999.")
    assert [entry["action"] for entry in ses.journal()] == ["GetCallerIdentity"]


@pytest.mark.parametrize(
    ("code", "seen"),
    [
        ("InvalidClientTokenId", "AWS does not accept them (InvalidClientTokenId)."),
        ("SignatureDoesNotMatch", "AWS does not accept them (SignatureDoesNotMatch)."),
        ("ExpiredTokenException", "They have expired."),
    ],
)
def test_refused_credentials_end_the_calls_to_aws(ready, code, seen):
    fault(ready, "GetCallerIdentity", "error", service="sts", code=code, status=403)
    exit_code, found = doctor()
    assert (exit_code, found["credentials"]["seen"]) == (1, seen)
    assert found["clock"]["outcome"] == "ok"
    assert found["SES to bucket"]["do"] == "Fix credentials first."
    assert [entry["action"] for entry in ready.journal()] == ["GetCallerIdentity"]


def test_without_sts_the_other_checks_still_run(ready):
    fault(ready, "GetCallerIdentity", "dropped", service="sts")
    code, found = doctor()
    assert code == 0
    assert found["credentials"]["outcome"] == "warning"
    assert found["clock"]["outcome"] == "skipped"
    assert found["SES to bucket"]["outcome"] == "ok"


def test_an_unreachable_ses_is_reported_once(ready):
    fault(ready, "*", "dropped", times=None)
    code, found = doctor()
    assert code == 1
    assert [check for check, result in found.items() if result["outcome"] == "failed"] == ["SES"]
    assert calls(ready, "ses", "sesv2") == ["DescribeActiveReceiptRuleSet"]
    assert found["bucket"]["outcome"] == "ok"


def test_without_a_region_no_call_is_made(ready, settings):
    settings.AWS_REGION = ""
    code, found = doctor()
    assert (code, found["region"]["outcome"]) == (1, "failed")
    assert ready.journal() == []


@pytest.mark.parametrize(
    ("variables", "seen"),
    [
        ({"AWS_ENDPOINT_URL": "nonsense"}, "AWS's own settings cannot be used: Invalid endpoint: nonsense"),
        ({"AWS_PROFILE": "nope"}, "AWS's own settings cannot be used: The config profile (nope) could not be found"),
        ({"AWS_ENDPOINT_URL_S3": "https://s3.eu-west-1.amazonaws.com"}, "The services are in different places: "),
    ],
)
def test_invalid_endpoints_get_no_call(ready, environment, variables, seen):
    environment(**variables)
    code, found = doctor()
    assert (code, found["endpoints"]["outcome"]) == (1, "failed")
    assert found["endpoints"]["seen"].startswith(seen)
    assert ready.journal() == []


def test_invalid_settings_are_reported_and_not_sent_to_ses(ready, settings):
    settings.LAMBDA_FUNCTION_NAME, settings.AWS_ACCOUNT_ID = "process", ""
    code, found = doctor()
    assert (code, found["configuration"]["outcome"]) == (1, "failed")
    assert "LAMBDA_FUNCTION_NAME" in found["configuration"]["seen"]
    assert found["probe rule"]["do"] == "Fix configuration first."
    assert calls(ready, "ses", "sesv2") == []
    assert found["s3:DeleteObject"]["outcome"] == "ok"


def test_an_empty_secret_key_is_reported_without_a_traceback(ready, settings):
    settings.SECRET_KEY = ""
    code, found = doctor()
    assert (code, found["configuration"]["seen"]) == (1, "The SECRET_KEY setting must not be empty.")
