"""Checks of the queue and its dead-letter queue. Pure."""

from __future__ import annotations

from ses_integration.doctor.checks.permissions import not_proven
from ses_integration.doctor.checks.topic import SET_UP, allows, listed, name_of
from ses_integration.doctor.probes.response import Response
from ses_integration.doctor.results import CheckResult, failed, ok, warning
from ses_integration.setup.names import MailNames
from ses_integration.setup.policies import Statement, statements
from ses_integration.setup.queues import DAY, OF_QUEUE, RETENTION, dead_letter_arn

NO_QUEUE = "AWS.SimpleQueueService.NonExistentQueue"
ATTRIBUTES = "sqs:GetQueueAttributes"
SEND = "sqs:sendmessage"


def check_queue(names: MailNames, response: Response) -> CheckResult:
    """`response`: to GetQueueAttributes."""
    if response.code == NO_QUEUE:
        return failed("queue", f"There is no queue {names.queue}.", f"Correct SES_QUEUE_URL, or create it. {SET_UP}")
    if response.denied:
        return failed(
            "queue", f"AWS does not allow {ATTRIBUTES}.", f"Allow it on {names.queue_arn} for these credentials."
        )
    if not response.succeeded:
        return not_proven("queue", response)
    waiting, taken = depth(response)
    return ok("queue", f"{names.queue} exists: {waiting} waiting, {taken} being read.")


def depth(response: Response) -> tuple[int, int]:
    """How many messages wait, and how many a reader has taken. Approximate."""
    held = response.body.get("Attributes", {})
    return int(held.get("ApproximateNumberOfMessages", 0)), int(held.get("ApproximateNumberOfMessagesNotVisible", 0))


def check_queue_policy(names: MailNames, response: Response) -> CheckResult:
    """Whether the topic, and nobody outside the account, may send to the queue."""
    found = statements(response.body.get("Attributes", {}).get("Policy", ""))
    senders = [statement for statement in found if allows(statement, SEND)]
    if not any(_is_of_topic(statement, names.topic_arn) for statement in senders):
        return failed("queue policy", "The topic may not send to the queue.", SET_UP)
    others = [statement for statement in senders if not _is_ours(statement, names)]
    if others:
        return warning(
            "queue policy",
            f"Others than the topic may send to the queue, too: {', '.join(map(name_of, others))}.",
            "Remove their statements from its policy: what they send is believed.",
        )
    return ok("queue policy", "It admits only the topic.")


def _is_ours(statement: Statement, names: MailNames) -> bool:
    """Whether it admits only our topic, or what IAM allows in our account, as a new queue's policy does."""
    principal = statement.get("Principal", {})
    accounts = listed(principal.get("AWS", [])) if isinstance(principal, dict) else []
    own = {names.account, f"arn:{names.partition}:iam::{names.account}:root"}
    return _is_of_topic(statement, names.topic_arn) or (bool(accounts) and own.issuperset(accounts))


def _is_of_topic(statement: Statement, topic_arn: str) -> bool:
    sources = [
        each
        for condition in statement.get("Condition", {}).values()
        for key, value in condition.items()
        if key.lower() == "aws:sourcearn"
        for each in listed(value)
    ]
    return sources == [topic_arn]


def check_queue_settings(response: Response) -> CheckResult:
    held = response.body.get("Attributes", {})
    days, hidden = int(held.get("MessageRetentionPeriod", 0)) / DAY, int(held.get("VisibilityTimeout", 0))
    if days * DAY < OF_QUEUE["MessageRetentionPeriod"]:
        return warning("queue settings", f"It keeps messages for {days:g} days instead of 14.", SET_UP)
    if hidden < (least := OF_QUEUE["VisibilityTimeout"]):
        return warning(
            "queue settings",
            f"Messages that are being read come again after {hidden} instead of {least} seconds.",
            SET_UP,
        )
    return ok("queue settings", f"It keeps messages for {days:g} days.")


def check_redrive(response: Response) -> CheckResult:
    """Whether the queue has a dead-letter queue."""
    redrive = response.body.get("Attributes", {}).get("RedrivePolicy", "")
    if not dead_letter_arn(redrive):
        return warning(
            "dead-letter queue",
            "None: a notification that cannot be processed is read again for 14 days.",
            SET_UP,
        )
    return ok("dead-letter queue", f"It is {dead_letter_arn(redrive).rpartition(':')[2]}.")


def check_dead_letters(name: str, response: Response) -> CheckResult:
    """Whether something lies in the dead-letter queue. `response`: to its GetQueueAttributes."""
    if response.code == NO_QUEUE:
        return failed("dead letters", f"There is no queue {name}: what is moved there is lost.", SET_UP)
    if response.denied:
        return warning(
            "dead letters",
            f"Not checked: {ATTRIBUTES} is not allowed on {name}.",
            "Allow it, so that ses_status can count them, too.",
        )
    if not response.succeeded:
        return not_proven("dead letters", response)
    waiting, taken = depth(response)
    if waiting + taken:
        return warning(
            "dead letters",
            f"{waiting + taken} in {name}: notifications that could not be processed. The sweep finds their mail.",
            "The runbook says what to do (Dead letters).",
        )
    if int(response.body["Attributes"].get("MessageRetentionPeriod", 0)) < RETENTION["MessageRetentionPeriod"]:
        return warning("dead letters", f"{name} keeps them for less than 14 days.", SET_UP)
    return ok("dead letters", "None.")
