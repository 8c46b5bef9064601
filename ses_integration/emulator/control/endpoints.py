"""Control endpoints: read the emulator's state and change its behaviour. AWS has no paths that start with `/_`."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from http import HTTPStatus
from typing import Any

from ses_integration.emulator.control import dns_records
from ses_integration.emulator.control.dns_records import InvalidRecords
from ses_integration.emulator.control.faults import Faults, InvalidFault, parse_faults
from ses_integration.emulator.control.journal import Journal
from ses_integration.emulator.ses.service import Ses
from ses_integration.emulator.state.identities import STATUSES
from ses_integration.emulator.state.quotas import InvalidQuotas
from ses_integration.emulator.wire.responses import Response, json_response

Endpoints = Mapping[tuple[str, str], Callable[[Any], object]]


class InvalidBody(ValueError):
    """The body is not valid. The message says why."""


class Control:
    """One method per endpoint, which takes the parsed JSON body and returns the JSON to send.

    `more`: endpoints of packages above this one. They raise InvalidBody for a body that is not valid, and may return a
    Response. One whose path ends with `/*` takes the rest of the path instead of a body.
    """

    def __init__(
        self, ses: Ses, faults: Faults, journal: Journal, reset: Callable[[], None], more: Endpoints | None = None
    ) -> None:
        self._ses = ses
        self._faults = faults
        self._journal = journal
        self._reset = reset
        self._endpoints: dict[tuple[str, str], Callable[[Any], object]] = {
            **(more or {}),
            ("GET", "/_health"): lambda body: {"status": "ok"},
            ("GET", "/_ses"): lambda body: self._ses_state(),
            ("GET", "/_journal"): lambda body: journal.entries(),
            ("DELETE", "/_journal"): lambda body: self._clear_journal(),
            ("GET", "/_faults"): lambda body: faults.listed(),
            ("POST", "/_faults"): self._add_faults,
            ("DELETE", "/_faults"): lambda body: self._clear_faults(),
            ("GET", "/_clock"): lambda body: self._clock(),
            ("POST", "/_clock"): self._set_clock,
            ("POST", "/_identities"): self._set_identities,
            ("GET", "/_quotas"): lambda body: self._quotas(),
            ("POST", "/_quotas"): self._set_quotas,
            ("GET", "/_dns"): lambda body: self._dns(),
            ("POST", "/_dns"): self._add_dns_records,
            ("DELETE", "/_dns"): self._remove_dns_records,
            ("POST", "/_reset"): lambda body: self._reset_all(),
        }

    def serve(self, method: str, path: str, body: bytes) -> Response:
        path = path.rstrip("/")
        above, _, name = path.rpartition("/")
        endpoint, named = self._endpoints.get((method, path)), self._endpoints.get((method, f"{above}/*"))
        if endpoint is None and named is None:
            known = sorted(f"{method} {path}" for method, path in self._endpoints)
            return json_response({"error": f"There is no {method} {path}.", "endpoints": known}, HTTPStatus.NOT_FOUND)
        try:
            answer = endpoint(json.loads(body) if body else None) if endpoint else named and named(name)
            return answer if isinstance(answer, Response) else json_response(answer)
        except json.JSONDecodeError as error:
            return json_response({"error": f"The body is not JSON: {error}."}, HTTPStatus.BAD_REQUEST)
        except (InvalidBody, InvalidQuotas, InvalidFault, InvalidRecords) as error:
            return json_response({"error": str(error)}, HTTPStatus.BAD_REQUEST)

    def _ses_state(self) -> object:
        with self._ses.lock:
            return self._ses.accounts.as_dict()

    def _clear_journal(self) -> object:
        self._journal.clear()
        return []

    def _add_faults(self, body: Any) -> object:
        self._faults.add(parse_faults(body))
        return self._faults.listed()

    def _clear_faults(self) -> object:
        self._faults.clear()
        return []

    def _clock(self) -> object:
        return {"calls_per_second": self._ses.rate.calls_per_second}

    def _set_clock(self, body: Any) -> object:
        if not isinstance(body, dict) or set(body) != {"calls_per_second"}:
            raise InvalidBody("The body is {'calls_per_second': a number, 0 or null}.")
        rate = body["calls_per_second"]
        if rate is not None and (isinstance(rate, bool) or not isinstance(rate, int | float) or not 0 <= rate < 1e9):
            raise InvalidBody("'calls_per_second' is a number from 0, or null.")
        self._ses.rate.set(rate)
        return self._clock()

    def _set_identities(self, body: Any) -> object:
        known = {"verify_new", "identity", "status"}
        if not isinstance(body, dict) or not body or set(body) - known or ("identity" in body) != ("status" in body):
            raise InvalidBody("The body has 'verify_new', or 'identity' and 'status', or all three.")
        verify_new = body.get("verify_new", self._ses.accounts.settings.verify_new)
        if not isinstance(verify_new, bool):
            raise InvalidBody("'verify_new' is true or false.")
        if "status" in body and body["status"] not in STATUSES:
            raise InvalidBody(f"'status' is one of {', '.join(STATUSES)}.")
        with self._ses.lock:
            if "identity" in body and not self._ses.accounts.set_status(str(body["identity"]), body["status"]):
                raise InvalidBody(f"There is no identity {body['identity']}.")
            self._ses.accounts.settings.verify_new = verify_new
        return {"verify_new": verify_new}

    def _quotas(self) -> object:
        with self._ses.lock:
            return self._ses.accounts.quotas.as_dict()

    def _set_quotas(self, body: Any) -> object:
        with self._ses.lock:
            self._ses.accounts.quotas.change(body)
            return self._quotas()

    def _dns(self) -> object:
        return dns_records.listed(self._ses.accounts.zone)

    def _add_dns_records(self, body: Any) -> object:
        dns_records.add(self._ses.accounts.zone, body)
        return self._dns()

    def _remove_dns_records(self, body: Any) -> object:
        dns_records.remove(self._ses.accounts.zone, body)
        return self._dns()

    def _reset_all(self) -> object:
        self._reset()
        return {"status": "ok"}
