"""What an account may do with a domain: the only place that decides it. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Any


class Role(StrEnum):
    """From the least to the most. The owner has no row that says so."""

    VIEWER = "viewer"
    MANAGER = "manager"
    OWNER = "owner"


class Deed(StrEnum):
    """What people do with a domain and what belongs to it, as it is said of them."""

    READ = "read it"
    CHECK = "have its DNS records checked"
    LEAVE = "leave it"
    CHANGE_ADDRESSES = "change its addresses"
    BLOCK = "block and unblock addresses"
    SET_CATCH_ALL = "change its catch-all"
    MARK = "mark its mail"
    DELIVER = "have its mail delivered"
    EXPORT = "export it"
    VERIFY = "start its verification and change its MAIL FROM domain"
    DELETE = "delete or restore it"
    ERASE_MAIL = "delete its mail"
    SHARE = "share it"
    # Endpoints and what they answer, keys, and where mail is stored.
    SEE_PRIVATE = "see how its mail is delivered"
    EXPORT_SECRETS = "export its secrets"
    # What no table names is the owner's.
    OTHER = "do this"


NEEDED: Mapping[Deed, Role] = {
    Deed.READ: Role.VIEWER,
    Deed.EXPORT: Role.VIEWER,
    Deed.LEAVE: Role.VIEWER,
    # It stores what DNS and SES say, as the worker does anyway.
    Deed.CHECK: Role.VIEWER,
    Deed.CHANGE_ADDRESSES: Role.MANAGER,
    Deed.BLOCK: Role.MANAGER,
    Deed.SET_CATCH_ALL: Role.MANAGER,
    Deed.MARK: Role.MANAGER,
    Deed.DELIVER: Role.MANAGER,
    Deed.VERIFY: Role.OWNER,
    Deed.DELETE: Role.OWNER,
    Deed.ERASE_MAIL: Role.OWNER,
    Deed.SHARE: Role.OWNER,
    Deed.SEE_PRIVATE: Role.OWNER,
    Deed.EXPORT_SECRETS: Role.OWNER,
    Deed.OTHER: Role.OWNER,
}
_RANK = {role: rank for rank, role in enumerate(Role)}


def may(role: str, deed: Deed) -> bool:
    return _RANK[Role(role)] >= _RANK[NEEDED[deed]]


def roles_for(deed: Deed) -> list[Role]:
    return at_least(NEEDED[deed])


def role_from(owner_id: Any, user_id: Any) -> Role:
    """The role of a user who has been found to see a row of this owner. Others than the owner are at least viewers."""
    return Role.OWNER if user_id == owner_id else Role.VIEWER


def member_from(owner_id: Any, user_id: Any) -> Any:
    """The user's id if they are not the owner: services look at their role under their lock."""
    return None if user_id == owner_id else user_id


def at_least(role: Role) -> list[Role]:
    """This role and those that may do more."""
    return [each for each in Role if _RANK[each] >= _RANK[role]]


def refusal(deed: Deed) -> str:
    """The sentence for somebody whose role is not enough."""
    if NEEDED[deed] == Role.OWNER:
        return f"This domain is shared with you. Only its owner can {deed}."
    return f"This domain is shared with you to read. To {deed}, you need the role {NEEDED[deed]}: ask its owner for it."
