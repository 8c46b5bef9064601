"""Facade of ses_integration: every name that the apps above may use, besides `admin/` and `cli/`.

An import contract enforces this. The names are grouped by what they are for, with the values that they take and return; each
is documented where it is defined.

A service that changes what SES should hold works in this order: inside its transaction it changes rows, reserves room in SES
(`reserve`) and marks the domain (`mark_dirty`; model signals do it, too). After the commit it waits (`reconcile`, inside a
`shared_deadline`) and asks what SES has confirmed (`Removal`, `domain_state`). If that is not enough, its answer
carries an `unconfirmed_warning`.
"""

from __future__ import annotations

from ses_integration.aws.clients import configured
from ses_integration.aws.rule_set import auto_setup
from ses_integration.coordination.deadline import shared_deadline
from ses_integration.coordination.quotas import QuotaExceeded, reserve
from ses_integration.drift.absence import AbsenceCheck
from ses_integration.drift.sweep import SesSweeper, sweep_database
from ses_integration.errors import NotConfigured, SesError
from ses_integration.plan.incarnation import Incarnation
from ses_integration.plan.simulate import Forecast, IdentityOutcome
from ses_integration.plan.spec import DomainSpec
from ses_integration.reconcile.backoff import retry_delay
from ses_integration.reconcile.loop import reconcile, reconcile_due
from ses_integration.reconcile.outbox import mark_dirty
from ses_integration.reconcile.queue import retry_now
from ses_integration.status.capacity import capacity
from ses_integration.status.confirmation import Removal, domain_state
from ses_integration.status.identities import RecordedIdentity, identities
from ses_integration.status.preview import configuration_problem, confirmed_at, own_rule_names, preview
from ses_integration.status.recipients import recipients_by_rule, recorded_recipients, rule_name_for
from ses_integration.status.sync_state import SyncState, pending_names, sync_states
from ses_integration.status.verification import check_identity, refresh_identities
from ses_integration.status.warning import unconfirmed_warning
from ses_integration.storage.erase import ErasedBatch
from ses_integration.storage.inventory import MailSize
from ses_integration.storage.mail import MailFolder

# Change what SES should hold, and wait for it.
__all__ = [
    "DomainSpec",
    "QuotaExceeded",
    "mark_dirty",
    "reconcile",
    "reserve",
    "retry_now",
    "shared_deadline",
]
# What SES has confirmed.
__all__ += [
    "Removal",
    "SyncState",
    "domain_state",
    "pending_names",
    "sync_states",
    "unconfirmed_warning",
]
# Recipients, for lists of addresses and domains.
__all__ += [
    "recipients_by_rule",
    "recorded_recipients",
    "rule_name_for",
]
# Identities and their verification.
__all__ += [
    "RecordedIdentity",
    "check_identity",
    "identities",
    "refresh_identities",
]
# Deletion plans.
__all__ += [
    "Forecast",
    "IdentityOutcome",
    "Incarnation",
    "configuration_problem",
    "confirmed_at",
    "own_rule_names",
    "preview",
]
# Stored mail.
__all__ += [
    "ErasedBatch",
    "MailFolder",
    "MailSize",
]
# Proof that a deleted domain has left nothing.
__all__ += [
    "AbsenceCheck",
]
# Tasks of the worker.
__all__ += [
    "SesSweeper",
    "auto_setup",
    "reconcile_due",
    "retry_delay",
    "sweep_database",
]
# Whether SES can be called, errors, and the quotas of SES.
__all__ += [
    "NotConfigured",
    "SesError",
    "capacity",
    "configured",
]
