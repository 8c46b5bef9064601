"""`POST /hooks/sns`: where SNS tells of stored mail, instead of through a queue (docs/architecture/mail.md, "Arrival")."""

from __future__ import annotations

import logging
from http import HTTPStatus

from django.db import InterfaceError, OperationalError
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseNotAllowed, JsonResponse
from django.views.decorators.csrf import csrf_exempt

from mail.arrival.feedback import record_feedback
from mail.arrival.note import note
from mail.models import Message
from ses_integration.api import Arrival, Feedback, Forged, SesError, mail_source, receive_post

# Amazon SNS API Reference, Publish: a message has at most 256 KB, and one of SES a few.
MOST_BYTES = 256 * 1024

logger = logging.getLogger(__name__)


@csrf_exempt
def hooks_sns(request: HttpRequest) -> HttpResponse:
    """Note the mail of which SNS tells. The signature stands for credentials.

    SNS repeats a message after 5xx, and takes every other error as final.
    """
    if mail_source() != "sns":
        raise Http404
    if request.method != "POST":
        return HttpResponseNotAllowed(["POST"])
    # Before anything of the body is read.
    if int(request.META.get("CONTENT_LENGTH") or 0) > MOST_BYTES:
        return _refused("The message is too long.", HTTPStatus.REQUEST_ENTITY_TOO_LARGE)
    try:
        told = receive_post(request.body)
        if isinstance(told, Arrival) and note([told], source=Message.Source.TOPIC).refused:
            return _refused("The mail is in another bucket.", HTTPStatus.SERVICE_UNAVAILABLE)
        if isinstance(told, Feedback):
            record_feedback([told])
    except Forged as reason:
        logger.warning("Refused what was posted to %s: %s", request.path, reason)
        return _refused(str(reason), HTTPStatus.FORBIDDEN)
    except SesError as error:
        logger.error("%s: %s", request.path, error)
        return _refused(error.sentence, HTTPStatus.SERVICE_UNAVAILABLE)
    except (InterfaceError, OperationalError) as error:
        logger.error("%s: %s", request.path, error)
        return _refused("The database is not available at the moment.", HTTPStatus.SERVICE_UNAVAILABLE)
    return HttpResponse()


def _refused(sentence: str, status: HTTPStatus) -> JsonResponse:
    return JsonResponse({"error": sentence}, status=status)
