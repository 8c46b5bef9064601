"""A stack that receives mail: SMTP, topic and queue in the emulator, and a mail worker."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from pathlib import Path
from smtplib import SMTP

from inbound.tests.processes.support.stack import ROOT, Process, Stack, free_port


class MailStack(Stack):
    """`start` does not start the mail worker, so that mail can be received before it."""

    def __init__(self, folder: Path, database_url: str, root: Path = ROOT, /, **more: str) -> None:
        self._smtp_port = free_port()
        super().__init__(folder, database_url, root, **more)
        self.mail_worker = self.another_mail_worker("mail-worker")

    def settings(self, aws_port: int) -> dict[str, str]:
        return {
            "SES_TOPIC_ARN": "arn:aws:sns:eu-west-1:123456789012:inbound-mail",
            "SES_QUEUE_URL": f"http://127.0.0.1:{aws_port}/123456789012/inbound-mail",
        }

    def create_emulator(self, port: int) -> Process:
        ports = ["--port", str(port), "--smtp-port", str(self._smtp_port)]
        command = [sys.executable, "manage.py", "aws_emulator", *ports]
        return Process(command, self.env, self._folder / "emulator.log", lambda _: self.aws.up())

    def another_mail_worker(self, name: str, *options: str, **more: str) -> Process:
        return self._manage(name, "mail_worker", *options, ready=lambda said: "is running." in said, **more)

    def smtp(self) -> SMTP:
        """A connection to the emulated SES that receives mail."""
        return SMTP("127.0.0.1", self._smtp_port, local_hostname="localhost", timeout=60)

    def send(self, mails: Iterable[bytes], recipient: str, sender: str = "jo@example.net") -> None:
        """Send mails over one connection. Object and notification of each are there when this returns."""
        with self.smtp() as smtp:
            for mail in mails:
                smtp.sendmail(sender, [recipient], mail)
