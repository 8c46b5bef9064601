"""SES API v1 (2010-12-01): receipt rules, IP filters and identities.

Each function is the operation of that name in the SES API Reference, with the same names of parameters and results.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from ses_integration.emulator.ses.paging import page
from ses_integration.emulator.state.accounts import SesRegion
from ses_integration.emulator.state.identities import Identity
from ses_integration.emulator.state.receipt_rules import RuleSet
from ses_integration.emulator.state.validation import invalid
from ses_integration.emulator.wire.errors import AwsError

Parameters = Mapping[str, Any]
Result = dict[str, Any]
Operation = Callable[[SesRegion, Parameters], Result | None]


def _described(rule_set: RuleSet) -> Result:
    return {"Metadata": {"Name": rule_set.name, "CreatedTimestamp": rule_set.created}, "Rules": rule_set.rules}


def describe_active_receipt_rule_set(ses: SesRegion, parameters: Parameters) -> Result:
    """Return an empty result, not an error, if no rule set is active."""
    return {} if ses.rules.active is None else _described(ses.rules.rule_set(ses.rules.active))


def list_receipt_rule_sets(ses: SesRegion, parameters: Parameters) -> Result:
    """Return a single page: an account has at most 40."""
    rule_sets = sorted(ses.rules.rule_sets.values(), key=lambda rule_set: rule_set.name)
    return {"RuleSets": [_described(rule_set)["Metadata"] for rule_set in rule_sets]}


def verify_domain_identity(ses: SesRegion, parameters: Parameters) -> Result:
    """Register a new domain, or look again for the records of one that has failed. The token of a domain never changes."""
    identity = _registered_domain(ses, parameters)
    if identity.status == "Failed":
        identity.status = "Pending"
    return {"VerificationToken": identity.verification_token}


def verify_domain_dkim(ses: SesRegion, parameters: Parameters) -> Result:
    """Register a new domain. The three tokens of a domain never change."""
    identity = _registered_domain(ses, parameters)
    identity.dkim_started = True
    return {"DkimTokens": identity.dkim_tokens}


def delete_identity(ses: SesRegion, parameters: Parameters) -> None:
    """Succeed for an unknown identity, too."""
    ses.identities.delete(parameters["Identity"])


def list_identities(ses: SesRegion, parameters: Parameters) -> Result:
    """Return at most 1000 per page, which is the default."""
    kind = parameters.get("IdentityType")
    if kind not in (None, "Domain", "EmailAddress"):
        raise invalid("identityType", "Member must satisfy enum value set: [Domain, EmailAddress]")
    matching = [
        identity for identity in ses.identities.named() if kind is None or identity.is_domain == (kind == "Domain")
    ]
    size = parameters.get("MaxItems", 1000)
    if not 1 <= size <= 1000:
        raise invalid("maxItems", "Member must be between 1 and 1000")
    shown, token = page(matching, parameters.get("NextToken"), size)
    result: Result = {"Identities": [identity.name for identity in shown]}
    return result if token is None else {**result, "NextToken": token}


def get_identity_verification_attributes(ses: SesRegion, parameters: Parameters) -> Result:
    """Omit unknown identities."""
    attributes = {}
    for identity in _known(ses, parameters):
        attributes[identity.name] = {"VerificationStatus": identity.status}
        if identity.is_domain:
            attributes[identity.name]["VerificationToken"] = identity.verification_token
    return {"VerificationAttributes": attributes}


def get_identity_dkim_attributes(ses: SesRegion, parameters: Parameters) -> Result:
    return {
        "DkimAttributes": {
            identity.name: {
                "DkimEnabled": identity.dkim_started,
                "DkimVerificationStatus": identity.dkim_status,
                "DkimTokens": identity.dkim_tokens,
            }
            for identity in _known(ses, parameters)
        }
    }


def set_identity_mail_from_domain(ses: SesRegion, parameters: Parameters) -> None:
    """Refuse an unknown identity."""
    identity = ses.identities.find(parameters["Identity"])
    if identity is None:
        raise AwsError("InvalidParameterValue", f"Identity <{parameters['Identity']}> does not exist.")
    behavior = parameters.get("BehaviorOnMXFailure", "UseDefaultValue")
    if behavior not in ("UseDefaultValue", "RejectMessage"):
        raise invalid("behaviorOnMXFailure", "Member must satisfy enum value set: [UseDefaultValue, RejectMessage]")
    ses.identities.set_mail_from(identity, parameters.get("MailFromDomain"), behavior)


def get_identity_mail_from_domain_attributes(ses: SesRegion, parameters: Parameters) -> Result:
    attributes: dict[str, dict[str, str]] = {}
    for identity in _known(ses, parameters):
        attributes[identity.name] = {"BehaviorOnMXFailure": "UseDefaultValue"}
        if identity.mail_from is not None:
            attributes[identity.name] = {
                "MailFromDomain": identity.mail_from.domain,
                "MailFromDomainStatus": identity.mail_from.status,
                "BehaviorOnMXFailure": identity.mail_from.behavior_on_mx_failure,
            }
    return {"MailFromDomainAttributes": attributes}


def _registered_domain(ses: SesRegion, parameters: Parameters) -> Identity:
    domain = parameters["Domain"]
    if "@" in domain:
        raise AwsError("InvalidParameterValue", f"Invalid domain name: {domain}")
    return ses.identities.find_or_create(domain)


def _known(ses: SesRegion, parameters: Parameters) -> list[Identity]:
    """The requested identities that exist. A request may name at most 100."""
    names = parameters["Identities"]
    if len(names) > 100:
        raise invalid("identities", "Member must have length less than or equal to 100")
    found = (ses.identities.find(name) for name in names)
    return [identity for identity in found if identity is not None]


OPERATIONS: dict[str, Operation] = {
    "CreateReceiptRuleSet": lambda ses, p: ses.rules.create_receipt_rule_set(p["RuleSetName"]),
    "CloneReceiptRuleSet": lambda ses, p: ses.rules.clone_receipt_rule_set(p["RuleSetName"], p["OriginalRuleSetName"]),
    "DeleteReceiptRuleSet": lambda ses, p: ses.rules.delete_receipt_rule_set(p["RuleSetName"]),
    "SetActiveReceiptRuleSet": lambda ses, p: ses.rules.set_active_receipt_rule_set(p.get("RuleSetName")),
    "DescribeActiveReceiptRuleSet": describe_active_receipt_rule_set,
    "DescribeReceiptRuleSet": lambda ses, p: _described(ses.rules.rule_set(p["RuleSetName"])),
    "ListReceiptRuleSets": list_receipt_rule_sets,
    "CreateReceiptRule": lambda ses, p: ses.rules.create_receipt_rule(p["RuleSetName"], p["Rule"], p.get("After")),
    "UpdateReceiptRule": lambda ses, p: ses.rules.update_receipt_rule(p["RuleSetName"], p["Rule"]),
    "DeleteReceiptRule": lambda ses, p: ses.rules.delete_receipt_rule(p["RuleSetName"], p["RuleName"]),
    "DescribeReceiptRule": lambda ses, p: {"Rule": ses.rules.describe_receipt_rule(p["RuleSetName"], p["RuleName"])},
    "SetReceiptRulePosition": lambda ses, p: ses.rules.set_receipt_rule_position(
        p["RuleSetName"], p["RuleName"], p.get("After")
    ),
    "ReorderReceiptRuleSet": lambda ses, p: ses.rules.reorder_receipt_rule_set(p["RuleSetName"], p["RuleNames"]),
    "CreateReceiptFilter": lambda ses, p: ses.filters.create_receipt_filter(p["Filter"]),
    "DeleteReceiptFilter": lambda ses, p: ses.filters.delete_receipt_filter(p["FilterName"]),
    "ListReceiptFilters": lambda ses, p: {"Filters": ses.filters.list_receipt_filters()},
    "VerifyDomainIdentity": verify_domain_identity,
    "VerifyDomainDkim": verify_domain_dkim,
    "DeleteIdentity": delete_identity,
    "ListIdentities": list_identities,
    "GetIdentityVerificationAttributes": get_identity_verification_attributes,
    "GetIdentityDkimAttributes": get_identity_dkim_attributes,
    "SetIdentityMailFromDomain": set_identity_mail_from_domain,
    "GetIdentityMailFromDomainAttributes": get_identity_mail_from_domain_attributes,
}
