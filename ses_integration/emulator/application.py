"""The emulated AWS as one WSGI application: control endpoints, faults, the journal, SES, and moto for the rest."""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from http import HTTPStatus
from uuid import uuid4

from moto.core.base_backend import BackendDict
from moto.core.model_instances import reset_model_data
from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app

from ses_integration.emulator.control.endpoints import Control
from ses_integration.emulator.control.faults import REFUSALS, Fault, Faults
from ses_integration.emulator.control.journal import NO_ANSWER, Journal
from ses_integration.emulator.ses.service import SERVICES, Ses
from ses_integration.emulator.wire.calls import Call, parse_call
from ses_integration.emulator.wire.errors import AwsError, access_denied, error_response, failed, throttled
from ses_integration.emulator.wire.responses import ConnectionCut, Response, json_response, run_app
from ses_integration.emulator.wire.wsgi import Environ, StartResponse, read_body

PAGE = b"<html><head><title>Sign in</title></head><body><p>Sign in to use this network.</p></body></html>"

logger = logging.getLogger(__name__)


class Application:
    """What a client of AWS sees at the emulator's address."""

    def __init__(self, ses: Ses, faults: Faults, journal: Journal) -> None:
        self._ses = ses
        self._faults = faults
        self._journal = journal
        self._control = Control(ses, faults, journal, self.reset)
        self._moto = DomainDispatcherApplication(create_backend_app)
        # Set when the state that a waiting call was meant for has been forgotten.
        self._forgotten = threading.Event()

    def __call__(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        body = read_body(environ)
        path: str = environ.get("PATH_INFO", "")
        # No bucket's name begins with an underscore, so the control endpoints hide nothing of S3.
        if path.startswith("/_"):
            answer = self._control.answer(environ["REQUEST_METHOD"], path, body)
        elif path.startswith("/moto-api"):
            answer = json_response(
                {"error": "moto's own control endpoints are off; see /_reset."}, HTTPStatus.NOT_FOUND
            )
        else:
            answer = self._meet(parse_call(environ, body))
        return answer.send(environ, start_response)

    def reset(self) -> None:
        """Forget everything, calls that are still waiting included."""
        with self._ses.lock:
            self.cut_waiting()
            self._faults.clear()
            self._ses.accounts.reset()
            self._ses.rate.reset()
            BackendDict.reset()
            reset_model_data()
            self._journal.clear()

    def cut_waiting(self) -> None:
        """End the calls that wait for a fault's seconds, unapplied."""
        self._forgotten.set()
        self._forgotten = threading.Event()

    def _meet(self, call: Call) -> Response:
        """The call meets the fault that waits for it, if there is one."""
        fault = self._faults.take(call.service, call.action)
        if fault is not None and fault.fault == "late":
            threading.Thread(target=self._apply_late, args=(call, fault.seconds, self._forgotten), daemon=True).start()
            raise ConnectionCut
        entry = self._journal.begin(call)
        if fault is None:
            answer = self._apply(call)
        elif fault.fault in REFUSALS:
            answer = error_response(call.service, _refusal(call, fault))
            entry.finish(answer.status, applied=False)
            return answer
        elif fault.fault == "page":
            entry.finish(fault.status, applied=False)
            return Response(fault.status, [("Content-Type", "text/html")], PAGE)
        elif fault.fault == "dropped":
            entry.finish(NO_ANSWER, applied=False)
            raise ConnectionCut
        elif fault.fault == "lost":
            entry.finish(NO_ANSWER, applied=self._apply(call).accepted)
            raise ConnectionCut
        else:
            answer = self._apply_after(call, fault.seconds, self._forgotten)
        entry.finish(answer.status, applied=answer.accepted)
        return answer

    def _apply_late(self, call: Call, seconds: float, forgotten: threading.Event) -> None:
        with suppress(ConnectionCut), self._waited(seconds, forgotten):
            entry = self._journal.begin(call)
            entry.finish(NO_ANSWER, applied=self._apply(call).accepted)

    def _apply_after(self, call: Call, seconds: float, forgotten: threading.Event) -> Response:
        with self._waited(seconds, forgotten):
            return self._apply(call)

    @contextmanager
    def _waited(self, seconds: float, forgotten: threading.Event) -> Iterator[None]:
        """Let the time pass, then hold the state; cut the call if the state it was meant for is gone by then."""
        forgotten.wait(seconds)
        with self._ses.lock:
            if forgotten.is_set():
                raise ConnectionCut
            yield

    def _apply(self, call: Call) -> Response:
        try:
            if call.service in SERVICES:
                return self._ses.answer(call)
            return _with_request_id(run_app(self._moto, call.request()))
        except Exception:
            # A hole in the emulator or in moto, or a service that is not installed: say so where a developer looks.
            logger.exception("%s:%s could not be emulated.", call.service, call.action)
            return error_response(call.service, failed(call.service))


def _with_request_id(answer: Response) -> Response:
    """S3 sends one with every answer, to HEAD as well (Amazon S3 API Reference, Common Response Headers); moto does not."""
    if any(name.lower() == "x-amz-request-id" for name, _ in answer.headers):
        return answer
    return replace(answer, headers=[*answer.headers, ("x-amz-request-id", str(uuid4()))])


def _refusal(call: Call, fault: Fault) -> AwsError:
    if fault.fault == "throttle":
        return throttled(call.service)
    if fault.fault == "fail":
        return failed(call.service)
    if fault.fault == "access_denied":
        return access_denied(call.service, call.action)
    return AwsError(fault.code, fault.message, status=fault.status)
