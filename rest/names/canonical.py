"""Canonical form of domain names and addresses: lower case, IDNA. They are stored, sent and compared in it.

Pure functions. Names and addresses that have no canonical form raise ValueError.
"""

from __future__ import annotations

import re
import unicodedata

import idna
from idna.core import valid_contextj

DOMAIN_LIMIT = 253
LOCAL_PART_LIMIT = 64
# RFC 5321 dot-atom, in lower case. No quotes and no globs: SES refuses them as recipients
# (docs/architecture/ses.md, "Recipients").
LOCAL_PART = re.compile(r"[a-z0-9!#$%&'+/=?^_`{|}~-]+(?:\.[a-z0-9!#$%&'+/=?^_`{|}~-]+)*")
# Letters or an A-label (RFC 3696, 2). Anything else could make two domains share the name of a rule.
TOP_LABEL = re.compile(r"[a-z]{2,63}|xn--[a-z0-9-]{1,59}")
JOINERS = "\u200c\u200d"
LABEL = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?")


def normalise_domain(text: str) -> str:
    """The canonical form: `Bücher.Example. ` becomes `xn--bcher-kva.example`. For names that exist and for new ones.

    Refuses single labels.
    """
    try:
        labels = _unicode_mapped(text.strip()).removesuffix(".").split(".")
        name = ".".join(map(_ascii_label, labels))
    except UnicodeError as error:
        raise ValueError(f"not a domain name: {text!r}") from error
    labels = name.split(".")
    if len(name) > DOMAIN_LIMIT or len(labels) < 2 or not all(LABEL.fullmatch(label) for label in labels):
        raise ValueError(f"not a domain name: {text!r}")
    if not TOP_LABEL.fullmatch(labels[-1]):
        raise ValueError(f"not a domain name: {text!r}")
    return name


def _unicode_mapped(text: str) -> str:
    """The text in lower case and with its Unicode characters mapped (UTS 46), such as `。` to `.`."""
    return text.lower() if text.isascii() else idna.uts46_remap(text, std3_rules=False, transitional=False)


def _ascii_label(label: str) -> str:
    """The label as an A-label if it is not ASCII. Checks UTS 46 only: registries sell more than IDNA 2008 allows, such as `❤`."""
    if not all(_may_join(label, at) for at, character in enumerate(label) if character in JOINERS):
        raise UnicodeError
    if not label.isascii():
        return f"xn--{label.encode('punycode').decode()}"
    if label.startswith("xn--"):
        decoded = label[4:].encode().decode("punycode")
        if decoded.isascii() or _unicode_mapped(decoded) != decoded or _ascii_label(decoded) != label:
            raise UnicodeError
    return label


def _may_join(label: str, at: int) -> bool:
    """Whether an invisible joiner may stand here: where scripts need it (RFC 5892, A.1 and A.2), or between parts of an emoji."""
    before, after = label[:at].rstrip("\ufe0f"), label[at + 1 :]
    emoji = [bool(part) and unicodedata.category(part) in ("So", "Sk") for part in (before[-1:], after[:1])]
    try:
        return all(emoji) or valid_contextj(label, at)
    except ValueError:
        return False  # a character beside it is not assigned


def normalise_address(text: str) -> str:
    """The canonical form: `A+x@Example.COM` becomes `a+x@example.com`. The local part must be ASCII."""
    local, at, domain = text.strip().rpartition("@")
    # Checked before lower(), which turns the Kelvin sign into an ASCII `k`.
    if not at or not local.isascii() or domain != domain.strip():
        raise ValueError(f"not an email address: {text!r}")
    local = local.lower()
    if len(local) > LOCAL_PART_LIMIT or not LOCAL_PART.fullmatch(local):
        raise ValueError(f"not an email address: {text!r}")
    return f"{local}@{normalise_domain(domain)}"


def canonical_part(text: str) -> str:
    """The canonical form of a part of a name or an address, for searches: `Info@BÜCHER.` becomes `info@xn--bcher-kva`.

    A text that cannot be a part of one is only turned into lower case.
    """
    local, at, domain = text.strip().rpartition("@")
    try:
        labels = _unicode_mapped(domain).removesuffix(".").split(".")
        return f"{local.lower()}{at}{'.'.join(map(_ascii_label, labels))}"
    except UnicodeError:
        return text.lower()
