"""The attribute SignatureVersion of topics, which moto stores but does not return."""

from __future__ import annotations

from typing import Any

from moto.sns.responses import SNSResponse

_attributes_of_moto = SNSResponse.get_topic_attributes


def _attributes(response: SNSResponse) -> Any:
    answer = _attributes_of_moto(response)
    topic = response.backend.get_topic(response._get_param("TopicArn"))
    if version := getattr(topic, "signature_version", ""):
        # Amazon SNS API Reference, GetTopicAttributes.
        answer.result["Attributes"]["SignatureVersion"] = version
    return answer


def return_signature_versions() -> None:
    """Let moto return it, in this process."""
    SNSResponse.get_topic_attributes = _attributes
