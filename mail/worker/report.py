"""What `mail_worker --once` says: what it has done, and what is left."""

from __future__ import annotations

from collections import Counter

from backoffice.text import plural
from mail.arrival.sweep import unfinished
from mail.status import figures, wording
from mail.worker.tasks import PERIODIC

DONE = {
    "noted": ("noted {}", "mail"),
    "swept": ("compared the bucket for {}", "domain"),
    "found": ("found {} without a notification", "mail"),
    "ingested": ("read {}", "mail"),
    "missing": ("gave up {} that S3 does not have", "mail"),
    "delivery delivered": ("made {}", "delivery"),
    "delivery to be retried": ("tried {} in vain", "delivery"),
}


def done(counts: Counter[str]) -> str:
    """What a run has done, in a sentence."""
    texts = DONE | {task.done: (f"{task.done} {{}}", task.noun) for task in PERIODIC}
    parts = [text.format(plural(counts[name], noun)) for name, (text, noun) in texts.items() if counts[name]]
    sentence = f"{', '.join(parts) or 'nothing was due'}."
    return sentence[0].upper() + sentence[1:]


def pending(source: str, *, swept: bool) -> list[str]:
    """What is left to do, as parts of a sentence. `swept`: the run was to sweep everything."""
    reading, due, erasing = figures.to_read(), figures.deliveries_due(), figures.to_erase()
    sweeps = unfinished().count() if swept else 0
    return [
        *([wording.mails_to_read(reading)] if reading.number else []),
        *([wording.deliveries_due(due)] if due.number else []),
        *([wording.mails_to_erase(erasing)] if erasing.number else []),
        *filter(None, [task.left() for task in PERIODIC]),
        *([f"the sweep of {plural(sweeps, 'domain')}"] if sweeps else []),
        *(wording.notifications(figures.queue()) if source == "sqs" else []),
    ]
