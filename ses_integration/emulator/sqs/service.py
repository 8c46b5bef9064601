"""ReceiveMessage, DeleteMessage and ChangeMessageVisibility (Amazon SQS API Reference)."""

from __future__ import annotations

import select
import socket
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from moto.sqs.models import sqs_backends

from ses_integration.emulator.sqs.queue import InvalidHandle, Queue, Received
from ses_integration.emulator.wire.calls import Call
from ses_integration.emulator.wire.errors import AwsError, error_response
from ses_integration.emulator.wire.responses import Response
from ses_integration.emulator.wire.serialize import serialized

Parameters = Mapping[str, Any]
_MAX_WAIT = 20
_MAX_VISIBILITY = 43_200


def serves(call: Call) -> bool:
    """Whether `serve` answers the call. moto answers the others."""
    return call.service == "sqs" and call.action in _OPERATIONS


def serve(call: Call) -> Response:
    """Return the response, even if it is an error."""
    try:
        return serialized(call, _OPERATIONS[call.action](_queue(call), call))
    except AwsError as error:
        return error_response("sqs", error)


def _receive(queue: Queue, call: Call) -> dict[str, Any]:
    parameters = call.parameters
    count = _number(parameters, "MaxNumberOfMessages", 1, lowest=1, highest=10)
    wait = _number(parameters, "WaitTimeSeconds", queue.receive_message_wait_time_seconds, highest=_MAX_WAIT)
    visibility = _number(parameters, "VisibilityTimeout", queue.visibility_timeout, highest=_MAX_VISIBILITY)
    wanted = {*parameters.get("AttributeNames", []), *parameters.get("MessageSystemAttributeNames", [])}
    received = queue.receive(
        count, wait, visibility, client_gone=lambda: _is_closed(call.environ.get("werkzeug.socket"))
    )
    return {"Messages": [_described(item, wanted) for item in received]} if received else {}


def _described(received: Received, wanted: Iterable[str]) -> dict[str, Any]:
    message = received.message
    described = {
        "MessageId": message.id,
        "ReceiptHandle": received.handle,
        "MD5OfBody": message.body_md5,
        "Body": message.body,
    }
    if message.message_attributes:
        described["MessageAttributes"] = message.message_attributes
        described["MD5OfMessageAttributes"] = message.attribute_md5
    attributes = {
        "SenderId": message.sender_id,
        "SentTimestamp": str(message.sent_timestamp),
        "ApproximateReceiveCount": str(received.count),
        "ApproximateFirstReceiveTimestamp": str(received.first_received),
    }
    shown = {name: value for name, value in attributes.items() if "All" in wanted or name in wanted}
    return {**described, "Attributes": shown} if shown else described


def _delete(queue: Queue, call: Call) -> None:
    _checked(queue.delete_message, call.parameters["ReceiptHandle"])


def _delete_batch(queue: Queue, call: Call) -> dict[str, Any]:
    return _batch(call, lambda entry: _checked(queue.delete_message, entry["ReceiptHandle"]))


def _change(queue: Queue, call: Call) -> None:
    _change_one(queue, call.parameters)


def _change_batch(queue: Queue, call: Call) -> dict[str, Any]:
    return _batch(call, lambda entry: _change_one(queue, entry))


def _change_one(queue: Queue, entry: Parameters) -> None:
    seconds = _number(entry, "VisibilityTimeout", 0, highest=_MAX_VISIBILITY)
    _checked(queue.change_visibility, entry["ReceiptHandle"], seconds)


def _batch(call: Call, apply: Callable[[Parameters], None]) -> dict[str, Any]:
    """Apply each entry on its own, as SQS does."""
    entries = call.parameters.get("Entries", [])
    if not 1 <= len(entries) <= 10:
        code = "TooManyEntriesInBatchRequest" if entries else "EmptyBatchRequest"
        raise AwsError(f"AWS.SimpleQueueService.{code}", "A batch request has 1 to 10 entries.")
    successful, failed = [], []
    for entry in entries:
        try:
            apply(entry)
            successful.append({"Id": entry["Id"]})
        except AwsError as error:
            failed.append({"Id": entry["Id"], "SenderFault": True, "Code": error.code, "Message": error.message})
    return {"Successful": successful, "Failed": failed}


def _checked(change: Callable[..., None], handle: str, *details: object) -> None:
    try:
        change(handle, *details)
    except InvalidHandle:
        raise AwsError(
            "ReceiptHandleIsInvalid", f'The input receipt handle "{handle}" is not a valid handle.'
        ) from None


def _number(parameters: Parameters, name: str, default: int, *, lowest: int = 0, highest: int) -> int:
    value = int(parameters.get(name, default))
    if not lowest <= value <= highest:
        raise AwsError(
            "InvalidParameterValue", f"Value {value} for parameter {name} is not from {lowest} to {highest}."
        )
    return value


def _queue(call: Call) -> Queue:
    name = str(call.parameters.get("QueueUrl", "")).rpartition("/")[2]
    queue = sqs_backends[call.account][call.region].queues.get(name)
    if not isinstance(queue, Queue):
        raise AwsError("AWS.SimpleQueueService.NonExistentQueue", "The specified queue does not exist.")
    return queue


def _is_closed(connection: socket.socket | None) -> bool:
    """Whether the client has closed its end. It sends nothing while it waits for an answer."""
    if connection is None:
        return False
    try:
        readable, _, _ = select.select([connection], [], [], 0)
        return bool(readable) and connection.recv(1, socket.MSG_PEEK) == b""
    except (OSError, ValueError):
        return True


_OPERATIONS: dict[str, Callable[[Queue, Call], dict[str, Any] | None]] = {
    "ReceiveMessage": _receive,
    "DeleteMessage": _delete,
    "DeleteMessageBatch": _delete_batch,
    "ChangeMessageVisibility": _change,
    "ChangeMessageVisibilityBatch": _change_batch,
}
