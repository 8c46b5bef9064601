from __future__ import annotations

from typing import Any

from django.apps import apps

from inbound.tests.support.database import empty_tables
from inbound.tests.support.factories import DomainFactory, UserFactory
from inbound.tests.support.prepared import verified_domain
from ses_integration.aws import account
from ses_integration.conf import ses_config

# They differ between any two domains.
VOLATILE = {"id", "pk", "domain_id", "entry_id", "owner_id", "created_at", "updated_at", "changed_at", "checked_at"}
VOLATILE |= {
    "expires_at",
    "mail_from_verified_at",
    "password",
    "date_joined",
    "username",
    "checking_since",
    "next_check",
}


def state(ses) -> dict[str, Any]:
    models = [
        model for app in ("auth", "domains", "ses_integration") for model in apps.get_app_config(app).get_models()
    ]
    rows = {
        model.__name__: [
            {name: value for name, value in row.items() if name not in VOLATILE}
            for row in model._default_manager.values()
        ]
        for model in models
    }
    return {**rows, "SES": ses.region(ses_config().region).as_dict()}


def test_a_prepared_domain_is_as_the_factory_creates_it(ses):
    states = []
    for create in (
        lambda: DomainFactory(owner=UserFactory(), name="example.com"),
        lambda: verified_domain(ses, UserFactory(), "example.com"),
        lambda: verified_domain(ses, UserFactory(), "example.com"),
    ):
        empty_tables()
        ses.reset()
        config = ses_config()
        ses.prepare(config.region, rule_set=config.rule_set, bucket=config.bucket)
        account.record(config, account.of_credentials(config))
        domain = create()
        domain.refresh_from_db()
        states.append(state(ses))
    assert states[0] == states[1] == states[2]
