from __future__ import annotations

import time
from argparse import ArgumentParser, ArgumentTypeError
from collections.abc import Sequence
from pathlib import Path
from statistics import median
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.core.management.base import CommandError
from django.utils import timezone

from backoffice.text import plural, size
from mail.models import Message
from mail.trial import follow
from mail.trial.compose import SPAM, VIRUS, CannotCompose, Draft, read_file, with_line_ends
from mail.trial.smtp import Accepted, SmtpFailed, SmtpServer, is_this_machine
from mail.trial.steps import Steps, is_finished, why_not_finished
from rest.names.canonical import canonical_part
from ses_integration import api
from ses_integration.cli.base import CommandWithExitCodes, ses_errors_as_command_errors

SENDER = "Test <sender@example.net>"
WAIT_SECONDS = 30.0
# Each recipient of a mail needs a reply; SES takes 100.
MOST = 100_000


class Command(CommandWithExitCodes):
    help = (
        "Send a test mail to the emulated SES, over SMTP, and follow it until it has been delivered (--wait). Exit code 0 when "
        "it was accepted and, with --wait, delivered or stored as its route says, 1 when it was refused or on an error, 2 when "
        "that did not happen in time."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("recipients", metavar="TO", nargs="+", help="an address, such as hello@example.com")
        parser.add_argument("--from", dest="sender", metavar="ADDRESS", default=SENDER, help=f"default: {SENDER}")
        parser.add_argument("--subject", default="Test mail")
        parser.add_argument("--text", default="", help="the text; default: a sentence")
        parser.add_argument("--html", default="", help="the same as HTML")
        parser.add_argument("--attach", metavar="FILE", type=Path, action="append", default=[], help="may be repeated")
        parser.add_argument(
            "--file", metavar="x.eml", type=Path, help="send this mail as it is, instead of composing one"
        )
        parser.add_argument("--count", metavar="N", type=_count, default=1, help="so many mails, over one connection")
        parser.add_argument("--spam", action="store_true", help="the emulated SES takes it for spam")
        parser.add_argument("--virus", action="store_true", help="the emulated SES finds a virus in it")
        parser.add_argument(
            "--server",
            metavar="HOST:PORT",
            type=_server,
            help="an SMTP server, which may be another machine; default: SMTP_HOST and SMTP_PORT, on this machine",
        )
        parser.add_argument(
            "--wait",
            metavar="SECONDS",
            type=_seconds,
            nargs="?",
            const=WAIT_SECONDS,
            help=f"print each step until it has been delivered; default: {WAIT_SECONDS:g} seconds",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            draft = _draft(options)
            host, port = options["server"] or _own_server()
            since = timezone.now()
            sent = self._send(draft, host, port, options["count"])
        except (CannotCompose, SmtpFailed) as error:
            raise CommandError(str(error)) from error
        if options["wait"] is not None:
            self._wait(sent, follow.Follower(sent, since), options["wait"])

    def _send(self, draft: Draft, host: str, port: int, count: int) -> list[Accepted]:
        sent = []
        with SmtpServer(host, port) as server:
            begun = time.monotonic()
            for number in range(1, count + 1):
                rfc_id, mail = draft.compose(number, count)
                sent.append(server.send(draft.envelope_from, draft.recipients, rfc_id, mail))
        seconds = max(sent[-1].at - begun, 1e-6)
        if count == 1:
            self._say(0, f"{server.name} has accepted {size(sent[0].size)}: {sent[0].answer}")
        else:
            total = size(sum(mail.size for mail in sent))
            rate = f"{count / seconds:,.0f} a second"
            self._say(0, f"{server.name} has accepted {plural(count, 'mail')}, {total}, in {seconds:.2f} s: {rate}")
        return sent

    def _wait(self, sent: Sequence[Accepted], follower: follow.Follower, seconds: float) -> None:
        if follower.unknown:
            raise CommandError(f"--wait follows mail of domains in the database; this is none: {follower.unknown[0]}.")
        accepted = sent[-1].at
        progress: follow.Progress
        steps = Steps()
        listed_at: dict[str, float] = {}
        for progress in follower.follow(seconds):
            after = time.monotonic() - accepted
            for row in progress.listed:
                listed_at.setdefault(row.pk, after)
                if len(sent) == 1:
                    for step in steps.new(row):
                        self._say(after, step)
        if len(sent) > 1 and listed_at:
            times = sorted(listed_at.values())
            self._say(
                times[-1], f"{len(times)} of {progress.expected} listed, half of them after {median(times):.2f} s"
            )
            self._say(after, f"{progress.read} of {plural(len(sent), 'mail')} read")
            self._say(after, progress.outcomes or "Nothing to deliver")
        self._finish(progress, seconds)

    def _finish(self, progress: follow.Progress, seconds: float) -> None:
        """Exit with 2 unless each mail is where it belongs, and say why if nothing above does."""
        if not progress.all_listed:
            with ses_errors_as_command_errors():
                why = follow.why_not_listed(api.mail_source(), lambda: api.MailQueue().depth())
            self._fail(f"Not listed within {seconds:g} s. {why}")
        unread = [row.message for row in progress.listed if row.message.state == Message.State.ARRIVED]
        if unread:
            self._fail(f"Not read within {seconds:g} s. {follow.why_not_read(unread[0])}")
        waiting = [row for row in progress.listed if not is_finished(row)]
        if waiting:
            self._fail(f"Not delivered within {seconds:g} s. {why_not_finished(waiting[0])}")
        if any(row.message.state != Message.State.INGESTED for row in progress.listed) or progress.dead:
            raise SystemExit(2)

    def _say(self, after: float, text: str) -> None:
        self.stdout.write(f"{after * 1000:7,.0f} ms  {text}")
        self.stdout.flush()

    def _fail(self, text: str) -> None:
        self.stderr.write(text)
        raise SystemExit(2)


def _draft(options: dict[str, Any]) -> Draft:
    verdicts = [name for name, wanted in ((SPAM, options["spam"]), (VIRUS, options["virus"])) if wanted]
    if options["file"] is not None and (options["text"] or options["html"] or options["attach"]):
        raise CommandError("--file sends a complete mail, so --text, --html and --attach do not go with it.")
    for address in options["recipients"]:
        if "@" not in address.strip("@"):
            raise CommandError(f"{address!r} is not an email address such as hello@example.com.")
    return Draft(
        sender=options["sender"],
        # The envelope is ASCII, unless the server knows SMTPUTF8.
        recipients=[to if to.isascii() else canonical_part(to) for to in options["recipients"]],
        subject=options["subject"],
        text=options["text"],
        html=options["html"],
        verdicts=verdicts,
        raw=None if options["file"] is None else with_line_ends(read_file(options["file"])),
        attachments=[(path.name, read_file(path)) for path in options["attach"]],
    )


def _own_server() -> tuple[str, int]:
    host = settings.SMTP_HOST.strip("[]")
    if not is_this_machine(host):
        raise CommandError(
            f"SMTP_HOST is {host}, which is not this machine. Test mail goes there only with --server {host}:{settings.SMTP_PORT}."
        )
    return host, settings.SMTP_PORT


def _server(text: str) -> tuple[str, int]:
    try:
        parts = urlsplit(f"//{text}")
        host, port = parts.hostname, parts.port
    except ValueError:
        host, port = None, None
    if not host or not port or parts.netloc != text or "@" in text:
        raise ArgumentTypeError(f"{text!r} is not HOST:PORT, such as 127.0.0.1:2525")
    return host, port


def _count(text: str) -> int:
    if not (text.isascii() and text.isdigit() and 1 <= int(text[:9]) <= MOST):
        raise ArgumentTypeError(f"{text!r} is not a number from 1 to {MOST:,}")
    return int(text)


def _seconds(text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = -1
    if not 0 <= seconds <= 86_400:
        raise ArgumentTypeError(f"{text!r} is not a number of seconds, up to 86400")
    return seconds
