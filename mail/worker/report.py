"""What `mail_worker --once` says: what it has done, and what is left."""

from __future__ import annotations

from collections import Counter

from backoffice.text import plural
from mail.arrival.sweep import unfinished
from mail.models import Delivery, Message
from mail.worker.tasks import PERIODIC
from ses_integration.api import MailQueue, SesError

DONE = {
    "noted": ("noted {}", "mail"),
    "swept": ("compared the bucket for {}", "domain"),
    "found": ("found {} that nothing had told of", "mail"),
    "ingested": ("read {}", "mail"),
    "missing": ("gave up {} that S3 does not have", "mail"),
    "delivery delivered": ("made {}", "delivery"),
    "delivery to be retried": ("tried {} in vain", "delivery"),
    **{task.done: (f"{task.done} {{}}", task.noun) for task in PERIODIC},
}


def done(counts: Counter[str]) -> str:
    """What a run has done, in a sentence."""
    parts = [text.format(plural(counts[name], noun)) for name, (text, noun) in DONE.items() if counts[name]]
    sentence = f"{', '.join(parts) or 'nothing was due'}."
    return sentence[0].upper() + sentence[1:]


def pending(source: str, *, swept: bool) -> list[str]:
    """What is left to do, as parts of a sentence. `swept`: the run was to sweep everything."""
    arrived = Message.objects.live().filter(state=Message.State.ARRIVED).count()
    erasing = Message.objects.filter(state=Message.State.ERASING, erased_at=None).count()
    deliveries = Delivery.objects.live().due().filter(endpoint__is_active=True).count()
    sweeps = unfinished().count() if swept else 0
    return [
        *([f"{plural(arrived, 'mail')} to read{_why()}"] if arrived else []),
        *([f"{plural(deliveries, 'delivery')} to make"] if deliveries else []),
        *([f"{plural(erasing, 'mail')} to erase"] if erasing else []),
        *([f"the sweep of {plural(sweeps, 'domain')}"] if sweeps else []),
        *(_in_queue() if source == "sqs" else []),
    ]


def _why() -> str:
    """The reason that most of the mail has that could not be read."""
    problems = Counter(
        Message.objects.live()
        .filter(state=Message.State.ARRIVED)
        .exclude(problem="")
        .values_list("problem", flat=True)[:1000]
    )
    return f" ({problems.most_common(1)[0][0].rstrip('.')})" if problems else ""


def _in_queue() -> list[str]:
    try:
        depth = MailQueue().depth()
    except SesError as error:
        return [f"the queue ({error.sentence.rstrip('.')})"]
    notifications = depth.waiting + depth.in_flight
    return [
        *([plural(notifications, "notification")] if notifications else []),
        *([f"{plural(depth.dead_letters, 'notification')} in the dead-letter queue"] if depth.dead_letters else []),
    ]
