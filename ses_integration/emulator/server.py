"""The emulator on a socket, in a background thread."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from typing import Any

from ses_integration.emulator import preparation
from ses_integration.emulator.application import Application
from ses_integration.emulator.control.faults import Faults, parse_faults
from ses_integration.emulator.control.journal import Journal
from ses_integration.emulator.dns.server import DnsServer
from ses_integration.emulator.hooks import behaviour
from ses_integration.emulator.hooks.receiver import Hooks
from ses_integration.emulator.http_server import HttpServer, listening, loopback
from ses_integration.emulator.preparation import MailSetup
from ses_integration.emulator.receiving.mailroom import Mailroom
from ses_integration.emulator.receiving.smtp import HOST, SmtpServer
from ses_integration.emulator.ses.call_rate import CallRate
from ses_integration.emulator.ses.service import Ses
from ses_integration.emulator.state.accounts import DEFAULT_ACCOUNT, SesAccounts, SesRegion

# The serving thread checks this often whether to stop, so `stop` takes about this long.
_POLL_SECONDS = 0.05


class Emulator:
    """An emulated AWS at a loopback address.

    Accepts any credentials, so it listens on another address only with `any_host`. Keeps everything in memory.

    `verify_new`: verify new identities at once, not when their DNS records are published. `dns_port`: also serve DNS, on this
    port. `smtp_port`: also receive mail, on this port. `now`: the clock for rates.
    """

    def __init__(
        self,
        host: str = "127.0.0.1",
        port: int = 0,
        calls_per_second: float | None = None,
        verify_new: bool = True,
        dns_port: int | None = None,
        smtp_port: int | None = None,
        now: Callable[[], float] = time.monotonic,
        any_host: bool = False,
    ) -> None:
        self._host = host if any_host else loopback(host)
        self._smtp_host = host if any_host else HOST
        self._port = port
        self._faults = Faults()
        self._journal = Journal()
        self._ses = Ses(SesAccounts(verify_new=verify_new, now=now), CallRate(calls_per_second, now))
        self._mailroom = Mailroom(self._ses)
        self._hooks = Hooks()
        self._aws = Application(self._ses, self._faults, self._journal, self._mailroom, self._hooks)
        self._dns_port = dns_port
        self._dns: DnsServer | None = None
        self._smtp_port = smtp_port
        self._smtp: SmtpServer | None = None
        self._server: HttpServer | None = None
        self._thread: threading.Thread | None = None

    @property
    def url(self) -> str:
        """The address it listens on. Raises RuntimeError before `start`."""
        if self._server is None:
            raise RuntimeError("The emulator is not started.")
        host = f"[{self._host}]" if ":" in self._host else self._host
        return f"http://{host}:{self._server.port}"

    @property
    def dns_address(self) -> str:
        """Where it serves DNS, for DNS_RESOLVERS. Empty if it does not."""
        return self._dns.address if self._dns else ""

    @property
    def smtp_address(self) -> str:
        """Where it receives mail, as `host:port`. Empty if it does not."""
        return self._smtp.address if self._smtp else ""

    def start(self) -> None:
        """Listen and serve from a background thread. Calls are accepted when this returns.

        Raises OSError if the port is in use.
        """
        if self._server is not None:
            raise RuntimeError("The emulator is started already.")
        # werkzeug would exit the process if the port is in use, so the socket is bound here.
        with listening(self._host, self._port) as bound:
            if self._dns_port is not None:
                zone = self._ses.accounts.zone
                self._dns = DnsServer(lambda query, _: zone.answer(query), self._dns_port)
                self._dns.start()
            if self._smtp_port is not None:
                self._smtp = SmtpServer(self._mailroom, self._smtp_port, self._smtp_host)
                self._smtp.start()
            self._server = HttpServer(self._host, self._port, self._aws, fd=bound.fileno())
        self._thread = threading.Thread(
            target=self._server.serve_forever, args=(_POLL_SECONDS,), name="aws-emulator", daemon=True
        )
        self._thread.start()

    def stop(self) -> None:
        """Stop listening, and end calls that a fault is delaying. May be called twice."""
        server, thread = self._server, self._thread
        self._server = self._thread = None
        self._aws.cancel_delayed()
        if self._dns is not None:
            self._dns.stop()
            self._dns = None
        if self._smtp is not None:
            self._smtp.stop()
            self._smtp = None
        if server is not None and thread is not None:
            server.shutdown()
            thread.join()
            server.close_connections()
            # Those that have begun meanwhile.
            self._aws.cancel_delayed()

    def serve_forever(self) -> None:
        """Serve until another thread calls `stop`, or a signal handler raises."""
        if self._server is None:
            self.start()
        thread = self._thread
        try:
            if thread is not None:
                thread.join()
        finally:
            self.stop()

    def reset(self) -> None:
        """Clear rules, identities, buckets, faults and journal, and restore rate limit and quotas. Keeps DNS records."""
        self._aws.reset()

    def prepare(self, region: str, *, rule_set: str, bucket: str) -> None:
        """Create the active rule set and the bucket, as `ses_setup` does, without HTTP. Not while calls are running."""
        preparation.prepare_rules(self.region(region), rule_set=rule_set, bucket=bucket)

    def prepare_mail(self, region: str, *, topic: str = "inbound-mail", queue: str = "inbound-mail") -> MailSetup:
        """Create topic, queue, dead-letter queue and raw subscription, as `ses_setup` does, without HTTP.

        The topic signs with version 2. The queue keeps messages for 14 days, hides received ones for 120 seconds, and moves
        those received ten times to `<queue>-dead`. Rules are not changed: the setting SES_TOPIC_ARN does that.
        """
        return preparation.prepare_mail(region, topic=topic, queue=queue, url=self.url)

    def deliver(self, sender: str, recipients: Sequence[str], raw: bytes) -> list[str]:
        """Receive a mail without SMTP, and return its SES ids: one for each region that takes it.

        Object and notification are there when it returns. Leaves out recipients that SES refuses; raises MailboxUnavailable
        (`receiving.mailroom`) if it refuses all. Fast enough for 10,000 mails in some seconds.
        """
        return self._mailroom.deliver(sender, recipients, raw)

    def mails(self) -> list[dict[str, Any]]:
        """The mails received so far, in the format of `GET /_mail`."""
        return self._mailroom.listed()

    def behave(self, hook: str, **answer: Any) -> None:
        """How a receiver of webhooks answers from now on, in the format of `POST /_hooks/NAME/behave`."""
        self._hooks.behave(hook, behaviour.parse(answer))

    def hook_requests(self, hook: str) -> list[dict[str, Any]]:
        """The requests that a receiver of webhooks remembers, in the format of `GET /_hooks/NAME`."""
        return self._hooks.requests(hook)

    def outbox(self) -> list[dict[str, Any]]:
        """The mails that were sent, in the format of `GET /_outbox`."""
        return self._aws.sent.listed()

    def bounce(self, message_id: str, **details: Any) -> dict[str, Any]:
        """Let a mail that was sent bounce, in the format of `POST /_outbox/bounce`."""
        return self._aws.sent.bounce({"messageId": message_id, **details})

    def complain(self, message_id: str, **details: Any) -> dict[str, Any]:
        """Let a recipient complain, in the format of `POST /_outbox/complain`."""
        return self._aws.sent.complain({"messageId": message_id, **details})

    def limit_sending(self, **limits: Any) -> None:
        """Change the limits of sending, in the format of `POST /_sending`."""
        self._aws.sent.set_limits(limits)

    def journal(self) -> list[dict[str, Any]]:
        """The calls so far, in the format of `GET /_journal`."""
        return self._journal.entries()

    def clear_journal(self) -> None:
        self._journal.clear()

    def add_faults(self, *faults: dict[str, Any]) -> None:
        """Add faults, each in the format of `POST /_faults`."""
        self._faults.add(parse_faults(list(faults)))

    def clear_faults(self) -> None:
        """Remove the faults that have not been used up."""
        self._faults.clear()

    def region(self, name: str) -> SesRegion:
        """The state of SES in a region, to change it without HTTP. Not while calls are running."""
        return self._ses.accounts.region(DEFAULT_ACCOUNT, name)

    def set_quotas(self, **quotas: int | None) -> None:
        """Change quotas, named as in `GET /_quotas`. None restores the published value."""
        with self._ses.lock:
            self._ses.accounts.quotas.change(quotas)
