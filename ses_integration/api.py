"""Facade of ses_integration: every name that the apps above may use. Only their admin pages and commands may use more (ADR 11).

An import contract enforces this. Each name has a line below that says what it is for, and its documentation where it is defined.

A service that changes what SES should hold works in this order, inside a `shared_deadline`. In its transaction (`changing`) it
changes rows, reserves room in SES (`reserve`) and marks the domain (`mark_dirty`; model signals do it, too). On the next line
it calls `reconcile` with the generation of its change, and then asks what SES has confirmed
(`confirmation`). If that is not enough, its answer carries an `unconfirmed_warning`.
"""

from __future__ import annotations

from ses_integration.arrivals.arrival import Arrival, Verdicts
from ses_integration.arrivals.feedback import Feedback, FeedbackRecipient
from ses_integration.arrivals.fields import storable
from ses_integration.arrivals.queue import MailQueue
from ses_integration.arrivals.signature import Forged
from ses_integration.arrivals.topic import receive_post
from ses_integration.aws.clients import configured
from ses_integration.conf import mail_source
from ses_integration.coordination.clock import database_now, release_connection
from ses_integration.coordination.deadline import shared_deadline
from ses_integration.coordination.quotas import QuotaExceeded, reserve
from ses_integration.drift.absence import AbsenceCheck
from ses_integration.drift.sweep import sweep_database
from ses_integration.errors import NotConfigured, NotStored, SendingHalted, SendingRefused, SesError, Unanswered
from ses_integration.overview import ses_overview
from ses_integration.plan.simulate import IdentityOutcome
from ses_integration.plan.spec import DomainSpec, MailFrom
from ses_integration.reconcile.backoff import retry_delay
from ses_integration.reconcile.loop import reconcile, reconcile_due
from ses_integration.reconcile.outbox import changing, mark_dirty
from ses_integration.reconcile.queue import retry_now
from ses_integration.sending.feedback_mail import ensure_feedback_off
from ses_integration.sending.send import MOST_RAW_BYTES, send_mail
from ses_integration.sending.slots import sending_slot
from ses_integration.setup.prepare import auto_setup
from ses_integration.status import confirmation
from ses_integration.status.capacity import capacity
from ses_integration.status.identities import RecordedIdentity
from ses_integration.status.preview import Preview, own_rule_names
from ses_integration.status.recipients import RecordedRecipients
from ses_integration.status.sync_state import SyncState
from ses_integration.status.warning import unconfirmed_warning
from ses_integration.storage.archive import StoredArchive
from ses_integration.storage.erase import ErasedBatch
from ses_integration.storage.inventory import MailSize, StoredKey
from ses_integration.storage.mail import MailFolder
from ses_integration.storage.objects import StoredMail
from ses_integration.watch.sweeper import SesSweeper

# Change what SES should hold, and wait for it.
__all__ = [
    "DomainSpec",  # the description of a domain and its addresses that SES's rules are computed from
    "MailFrom",  # the MAIL FROM domain of a description
    "QuotaExceeded",  # the refusal of a change that SES has no room for
    "changing",  # the transaction of a change whose caller reconciles
    "database_now",  # the time by the clock that due times are compared with
    "mark_dirty",  # record in the transaction that domains have changed
    "reconcile",  # wait after the commit until SES follows a domain
    "release_connection",  # give the database connection back before waiting for somebody else
    "reserve",  # make sure in the transaction that SES has room for a domain's rules
    "retry_now",  # make domains due at once, whatever their back-off
    "shared_deadline",  # limit how long a request waits for AWS altogether
]
# What SES has confirmed.
__all__ += [
    "RecordedIdentity",  # what SES says about a domain's identity: recorded, or asked now
    "RecordedRecipients",  # what SES receives mail for, in lists of addresses and domains
    "SyncState",  # whether SES follows a domain's rows, and if not, why
    "confirmation",  # which addresses, rules and identities are confirmed to be gone: `recipients_left`, `domain_state`
    "ses_overview",  # what waits for SES, how full its quotas are, and what earlier settings have left
    "unconfirmed_warning",  # the warning in an answer about a change that is not confirmed
]
# Plan a deletion, carry it out, and prove that nothing is left.
__all__ += [
    "AbsenceCheck",  # what SES and S3 still have of deleted domains
    "ErasedBatch",  # what one step of `MailFolder.erase` has erased, to be recorded
    "IdentityOutcome",  # what becomes of the identity in a preview
    "MailFolder",  # a domain's stored mail: measure it, count it, list it, erase it
    "MailSize",  # how much mail `MailFolder.measure` has found
    "Preview",  # the rules, calls and identity that a deletion plan shows
    "own_rule_names",  # the rules of a domain that is about to be deleted
]
# Received mail.
__all__ += [
    "Arrival",  # a stored mail that SES has told of, or that a sweep has found
    "Forged",  # the error if SNS has not posted a message for our topic
    "MailQueue",  # the notifications in SQS: take them and delete them
    "NotStored",  # the error if S3 does not have the mail
    "StoredKey",  # an object that `MailFolder.keys` has listed
    "StoredMail",  # one object: read it, erase it
    "Verdicts",  # what SES thinks of a mail: spam, virus, SPF, DKIM, DMARC
    "mail_source",  # how stored mail becomes known: `sqs`, `sns`, `sweep` or `none`
    "receive_post",  # verify what SNS posts, and read it
    "storable",  # a text without what PostgreSQL refuses
]
# Archives of domains.
__all__ += [
    "StoredArchive",  # one archive in the bucket: upload it in parts, read it, erase it
]
# Mail that we send.
__all__ += [
    "MOST_RAW_BYTES",  # how large a mail may be that SES sends
    "Feedback",  # a bounce or a complaint that SES has told of
    "FeedbackRecipient",  # one of its recipients, with status and diagnostic
    "SendingHalted",  # the error if SES takes no mail of this kind now, with what to do
    "SendingRefused",  # the error if SES will never take this mail
    "ensure_feedback_off",  # before a domain sends: let SES report its bounces only as events
    "send_mail",  # send a mail to one recipient
    "sending_slot",  # claim the right to send a mail now, within the account's rate and quota
]
# Tasks of the worker.
__all__ += [
    "SesSweeper",  # find what others have changed in SES
    "auto_setup",  # prepare an emulated SES
    "reconcile_due",  # reconcile all domains that are due
    "retry_delay",  # how long to wait after a failure
    "sweep_database",  # find rows that were changed behind the outbox's back
]
# Configuration, quotas and errors.
__all__ += [
    "NotConfigured",  # the error if region, credentials or bucket are missing
    "SesError",  # the base class of all errors of AWS calls
    "Unanswered",  # the error if a call may have been applied, although nothing has said so
    "capacity",  # how much of SES's quotas is used
    "configured",  # whether AWS can be called at all
]
