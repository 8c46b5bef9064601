"""Send many mails to the emulated SES, and run a mail worker until nothing is left."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from collections.abc import Sequence
from typing import Any

from bench.mail import mails
from inbound.tests.processes.support.mail_stack import MailStack
from inbound.tests.processes.support.stack import ROOT

SENDERS = 2


def send(stack: MailStack, count: int, recipients: Sequence[str], subject: str = "Invoice") -> None:
    """Send from some connections at a time, as the emulator takes one mail of each after the other. `recipients` take turns."""
    shares = [(count * part // SENDERS, count * (part + 1) // SENDERS) for part in range(SENDERS)]
    threads = [
        threading.Thread(target=_send, args=(stack, recipients, begin, end, subject), daemon=True)
        for begin, end in shares
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def _send(stack: MailStack, recipients: Sequence[str], begin: int, end: int, subject: str) -> None:
    with stack.smtp() as smtp:
        for number, mail in enumerate(mails.ordinary(end - begin, recipients[0], f"{subject}-{begin}"), begin):
            smtp.sendmail("jo@example.net", [recipients[number % len(recipients)]], mail)


def once(stack: MailStack, *options: str) -> dict[str, Any]:
    """Run a mail worker until nothing is left, and return what it took (`worker_process`)."""
    command = [sys.executable, "-m", "bench.mail.worker_process", *options]
    done = subprocess.run(command, env=stack.env, cwd=ROOT, stdout=subprocess.PIPE, text=True, check=True)
    figures: dict[str, Any] = json.loads(done.stdout)
    return figures
