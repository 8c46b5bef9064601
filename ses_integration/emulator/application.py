"""The emulated AWS as a WSGI application: dispatch to control endpoints, SES and moto, and apply faults."""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, nullcontext, suppress
from dataclasses import replace
from functools import cache
from http import HTTPStatus
from uuid import uuid4

from moto.core.base_backend import BackendDict
from moto.core.model_instances import reset_model_data
from moto.moto_server import werkzeug_app

from ses_integration.emulator.control.endpoints import Control
from ses_integration.emulator.control.faults import BODIES, REFUSALS, Fault, Faults
from ses_integration.emulator.control.journal import NO_ANSWER, Journal
from ses_integration.emulator.hooks.receiver import PATH as HOOKS
from ses_integration.emulator.hooks.receiver import Hooks
from ses_integration.emulator.receiving.endpoints import endpoints
from ses_integration.emulator.receiving.mailroom import Mailroom
from ses_integration.emulator.s3 import service as s3
from ses_integration.emulator.sending.endpoints import SendingEndpoints
from ses_integration.emulator.sending.service import Sending
from ses_integration.emulator.ses.service import SERVICES, Ses
from ses_integration.emulator.sns import service as sns
from ses_integration.emulator.sns.posts import POSTS
from ses_integration.emulator.sns.signing import certificate, certificate_path
from ses_integration.emulator.sqs import service as sqs
from ses_integration.emulator.sqs.queue import close_queues, end_polls
from ses_integration.emulator.wire.calls import Call, parse_call
from ses_integration.emulator.wire.errors import AwsError, access_denied, error_response, failed, throttled
from ses_integration.emulator.wire.responses import ConnectionCut, Response, json_response, run_app
from ses_integration.emulator.wire.transfer import TRANSFER, Transfer
from ses_integration.emulator.wire.wsgi import Environ, StartResponse, read_body

HTML_PAGE = b"<html><head><title>Sign in</title></head><body><p>Sign in to use this network.</p></body></html>"

logger = logging.getLogger(__name__)


class _AnyCharacter(werkzeug_app.RegexConverter):  # type: ignore[misc]
    """Paths with line breaks, which keys of S3 may have. moto would answer 404."""

    def __init__(self, url_map: object, *items: str) -> None:
        super().__init__(url_map, f"(?s:{items[0]})")


werkzeug_app.RegexConverter = _AnyCharacter


class Application:
    """A WSGI application: `/_…` are the control endpoints and receivers of webhooks, everything else is an AWS call."""

    def __init__(self, ses: Ses, faults: Faults, journal: Journal, mailroom: Mailroom, hooks: Hooks) -> None:
        self._ses = ses
        self._faults = faults
        self._storing = threading.Lock()
        self._journal = journal
        self._mailroom = mailroom
        self._hooks = hooks
        self._sending = Sending(ses, mailroom)
        self.sent = SendingEndpoints(ses, self._sending)
        self._control = Control(ses, faults, journal, self.reset, {**endpoints(mailroom), **self.sent.endpoints()})
        self._moto = werkzeug_app.DomainDispatcherApplication(werkzeug_app.create_backend_app)
        # Otherwise moto lists the folder of its modules twice for each call.
        self._moto.get_backend_for_host = cache(self._moto.get_backend_for_host)
        # Set and replaced at each reset: delayed calls must not change the new state.
        self._discarded = threading.Event()

    def __call__(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        body = read_body(environ)
        path: str = environ.get("PATH_INFO", "")
        # Bucket names cannot start with an underscore, so the control endpoints hide no S3 path.
        if path == HOOKS or path.startswith(f"{HOOKS}/"):
            response = self._hooks.serve(environ, body)
        elif path.startswith("/_"):
            response = self._control.serve(environ["REQUEST_METHOD"], path, body)
        elif path.startswith("/SimpleNotificationService-") and path == certificate_path():
            response = Response(HTTPStatus.OK, [("Content-Type", "application/x-pem-file")], certificate())
        elif path.startswith("/moto-api"):
            response = json_response(
                {"error": "moto's own control endpoints are off; see /_reset."}, HTTPStatus.NOT_FOUND
            )
        else:
            response = self._serve(parse_call(environ, body))
        return response.send(environ, start_response)

    def reset(self) -> None:
        """Clear everything and end delayed calls."""
        with self._ses.lock:
            self.cancel_delayed()
            close_queues()
            self._faults.clear()
            self._ses.accounts.reset()
            self._ses.rate.reset()
            BackendDict.reset()
            reset_model_data()
            self._journal.clear()
            self._mailroom.clear()
            self._sending.outbox.clear()
            self._hooks.clear()
            POSTS.discard()

    def cancel_delayed(self) -> None:
        """End the calls that a fault is delaying, without applying them, and long polls, without a message, and slow answers."""
        end_polls()
        self._hooks.end_answers()
        self._discarded.set()
        self._discarded = threading.Event()

    def _serve(self, call: Call) -> Response:
        """Apply the call, unless a fault is waiting for it. Raises ConnectionCut to close the connection without a response."""
        fault = self._faults.take(call)
        if fault is not None and fault.kind == "late":
            threading.Thread(target=self._apply_late, args=(call, fault.seconds, self._discarded), daemon=True).start()
            raise ConnectionCut
        entry = self._journal.begin(call)
        if fault is not None and fault.kind in BODIES:
            transfer = call.environ.get(TRANSFER, Transfer())
            transfer.cut, transfer.seconds, transfer.ended = fault.kind == "cut_body", fault.seconds, self._discarded
        if fault is None or fault.kind in (*BODIES, "refuse_keys"):
            response = self._apply(call, fault)
        elif fault.kind in REFUSALS:
            response = error_response(call.service, _refusal(call, fault))
            entry.finish(response.status, applied=False)
            return response
        elif fault.kind == "page":
            entry.finish(fault.status, applied=False)
            return Response(fault.status, [("Content-Type", "text/html")], HTML_PAGE)
        elif fault.kind == "dropped":
            entry.finish(NO_ANSWER, applied=False)
            raise ConnectionCut
        elif fault.kind == "lost":
            entry.finish(NO_ANSWER, applied=self._apply(call).accepted)
            raise ConnectionCut
        else:
            response = self._apply_after(call, fault.seconds, self._discarded)
        entry.finish(response.status, applied=response.accepted)
        return response

    def _apply_late(self, call: Call, seconds: float, discarded: threading.Event) -> None:
        with suppress(ConnectionCut), self._after(seconds, discarded, call):
            entry = self._journal.begin(call)
            entry.finish(NO_ANSWER, applied=self._apply(call).accepted)

    def _apply_after(self, call: Call, seconds: float, discarded: threading.Event) -> Response:
        with self._after(seconds, discarded, call):
            return self._apply(call)

    @contextmanager
    def _after(self, seconds: float, discarded: threading.Event, call: Call) -> Iterator[None]:
        """Wait, then lock the state. Raises ConnectionCut if the emulator has been reset meanwhile."""
        discarded.wait(seconds)
        # A long poll must not hold up all others.
        with nullcontext() if call.action == "ReceiveMessage" else self._ses.lock:
            if discarded.is_set():
                raise ConnectionCut
            yield

    def _apply(self, call: Call, fault: Fault | None = None) -> Response:
        try:
            if self._sending.serves(call):
                return self._sending.serve(call)
            if call.service in SERVICES:
                return self._ses.serve(call)
            if sqs.serves(call):
                return sqs.serve(call)
            if sns.serves(call):
                return sns.serve(call)
            if s3.serves(call):
                return _with_request_id(s3.serve(call, fault))
            # moto closes what an object had before, even if another thread is still writing that.
            with self._storing if call.action == "PutObject" else nullcontext():
                return _with_request_id(run_app(self._moto, call.request()))
        except Exception:
            # A bug in the emulator or in moto, or a service that moto lacks here. The log tells the developer.
            logger.exception("%s:%s could not be emulated.", call.service, call.action)
            return error_response(call.service, failed(call.service))


def _with_request_id(response: Response) -> Response:
    """Add S3's request id, which moto omits (Amazon S3 API Reference, Common Response Headers)."""
    if any(name.lower() == "x-amz-request-id" for name, _ in response.headers):
        return response
    return replace(response, headers=[*response.headers, ("x-amz-request-id", str(uuid4()))])


def _refusal(call: Call, fault: Fault) -> AwsError:
    if fault.kind == "throttle":
        return throttled(call.service)
    if fault.kind == "fail":
        return failed(call.service)
    if fault.kind == "access_denied":
        return access_denied(call.service, call.action)
    return AwsError(fault.code, fault.message, status=fault.status)
