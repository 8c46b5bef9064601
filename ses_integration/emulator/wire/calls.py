"""Parse an HTTP request into an AWS call: service, operation, account, region and parameters."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from urllib.parse import parse_qs

from botocore.exceptions import UnknownServiceError
from moto.core.parse import PROTOCOL_PARSERS, RequestParserError
from moto.core.request import Request, determine_request_protocol
from moto.core.routing import get_service_router
from moto.core.utils import get_service_model
from moto.iam.models import get_account_id_from
from werkzeug.exceptions import NotFound

from ses_integration.emulator.wire.wsgi import Environ, with_body

logger = logging.getLogger(__name__)

UNKNOWN_ACTION = "Unknown"


@dataclass(frozen=True)
class Call:
    """One AWS call. `parameters` have the names of the service's model in botocore. An unsigned call has no `access_key`."""

    service: str
    action: str
    account: str
    region: str
    parameters: Mapping[str, Any]
    environ: Environ = field(repr=False)
    body: bytes = field(repr=False)
    access_key: str = ""

    def request(self) -> Environ:
        """The WSGI environment of the request, with an unread body."""
        return with_body(self.environ, self.body)


@dataclass(frozen=True)
class CredentialScope:
    """The credential scope of a signed request (AWS Signature Version 4)."""

    access_key: str
    region: str
    service: str


# moto treats an unsigned request as one to S3.
_UNSIGNED = CredentialScope(access_key="", region="us-east-1", service="s3")


def parse_call(environ: Environ, body: bytes) -> Call:
    """Parse a request. Unknown parts stay empty, and moto answers as it would on its own."""
    scope = _scope(environ)
    service = scope.service
    if service == "ses" and environ.get("PATH_INFO", "").startswith("/v2/"):
        service = "sesv2"
    # The same form, in which Python need not unescape each of 500 recipients.
    form = body.replace(b"%40", b"@") if service == "ses" else body
    action, parameters = _operation(service, with_body(environ, form))
    return Call(
        service=service,
        action=action,
        account=environ.get("HTTP_X_MOTO_ACCOUNT_ID") or str(get_account_id_from(scope.access_key)),
        access_key=scope.access_key,
        region=scope.region,
        parameters=parameters,
        environ=environ,
        body=body,
    )


def readable(value: object) -> Any:
    """Parameters as JSON-compatible values. Bytes become `n bytes`."""
    if isinstance(value, Mapping):
        return {str(name): readable(member) for name, member in value.items()}
    if isinstance(value, list | tuple):
        return [readable(member) for member in value]
    if isinstance(value, bytes):
        return f"{len(value)} bytes"
    if isinstance(value, datetime):
        return value.isoformat()
    return value


def _scope(environ: Environ) -> CredentialScope:
    authorization = environ.get("HTTP_AUTHORIZATION", "")
    if "Credential=" in authorization:
        credential = authorization.partition("Credential=")[2].split(",")[0]
    else:
        credential = parse_qs(environ.get("QUERY_STRING", "")).get("X-Amz-Credential", [""])[0]
    parts = credential.split("/")
    if len(parts) != 5:
        return _link_of_sns(environ) or _UNSIGNED
    access_key, _date, region, service, _terminator = parts
    return CredentialScope(access_key=access_key, region=region, service=service.lower())


def _link_of_sns(environ: Environ) -> CredentialScope | None:
    """SubscribeURL and UnsubscribeURL in messages of SNS, which are not signed."""
    query = parse_qs(environ.get("QUERY_STRING", ""))
    arn = (query.get("TopicArn") or query.get("SubscriptionArn") or [""])[0].split(":")
    if query.get("Action", [""])[0] not in ("ConfirmSubscription", "Unsubscribe") or len(arn) < 6:
        return None
    return CredentialScope(access_key="", region=arn[3], service="sns")


def _operation(service: str, environ: Environ) -> tuple[str, dict[str, Any]]:
    request = Request(environ)
    action = UNKNOWN_ACTION
    path_parameters: Mapping[str, Any] = {}
    try:
        operation, path_parameters = get_service_router(service).match(request)
        action = str(operation.name)
        protocol = determine_request_protocol(get_service_model(service), request.content_type)
        parameters = PROTOCOL_PARSERS[protocol](operation, map_type=dict).parse(
            {
                "method": request.method,
                # The parser looks at all keys many times, and `values` would collect those of URL and form anew each time.
                "values": request.form or request.values,
                "headers": request.headers,
                "body": request.data,
                "url_path": request.path,
                "url_params": path_parameters,
            }
        )
    except (UnknownServiceError, NotFound, NotImplementedError):
        return str(request.values.get("Action", action)), {}
    except RequestParserError:
        return action, dict(path_parameters)
    except Exception:
        # moto's parser may raise anything. A request it cannot parse is still a call.
        logger.warning("The parameters of %s %s could not be read.", service, action, exc_info=True)
        return action, {}
    return action, dict(parameters)
