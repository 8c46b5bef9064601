"""Which mails are in the same thread, as far as a user sees them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

from django.db.models import Exists, F, OuterRef, Window
from django.db.models.functions import RowNumber

from mail.models import MessageReference, ReceivedEmail

# Mails of a thread, and of those that share one Message-ID. The newest ones count.
MOST = 1_000
# Message-IDs that are looked for: more than such a thread has, unless somebody makes them up.
MOST_IDS = 2 * MOST
# Each finds what refers to, or is referred to by, what the one before has found.
ROUNDS = 20
# Values in one statement.
AT_ONCE = 10_000


@dataclass(slots=True)
class _Search:
    """What is known of a thread. `new`: what the last round has found."""

    members: set[int]
    new: set[int]
    digests: set[str] = field(default_factory=set)

    def wants(self, digests_of: dict[int, set[str]]) -> set[str]:
        """The Message-IDs of the new mails that no round has looked for."""
        found = set().union(*(digests_of.get(message, ()) for message in self.new)) - self.digests
        wanted = set(sorted(found)[: max(0, MOST_IDS - len(self.digests))])
        self.digests |= wanted
        self.new = set()
        return wanted

    def add(self, found: set[int]) -> set[int]:
        """Add the newest of these, and return them."""
        added = set(sorted(found - self.members, reverse=True)[: max(0, MOST - len(self.members))])
        self.members |= added
        self.new |= added
        return added

    def absorb(self, other: _Search) -> None:
        self.members |= other.members
        self.new |= other.new
        self.digests |= other.digests


def threads_of(user: Any, messages: Collection[int]) -> dict[int, set[int]]:
    """The thread of each of these messages that the user sees: the ids of its messages, itself included.

    Two mails are in a thread if they have or refer to the same Message-ID, and so on from mail to mail. Unless a thread is longer
    than the limits, the result for a message does not depend on the others. At most two statements a round for all of them, and
    a few rounds as a rule.
    """
    # By member. Searches that meet go on as one: whoever sends a thousand mails of one thread must not cause a thousand searches.
    search_of = {message: _Search({message}, {message}) for message in messages}
    digests_of: dict[int, set[str]] = defaultdict(set)
    messages_of: dict[str, set[int]] = defaultdict(set)
    for _ in range(ROUNDS):
        active = [search for search in {id(search): search for search in search_of.values()}.values() if search.new]
        if not active:
            break
        for message, digest in _digests(set().union(*(search.new for search in active)) - digests_of.keys()):
            digests_of[message].add(digest)
        wanted = [(min(search.members), search.wants(digests_of)) for search in active]
        for digest, message in _messages(user, set().union(*(digests for _, digests in wanted)) - messages_of.keys()):
            messages_of[digest].add(message)
        for member, digests in wanted:
            _extend(search_of, member, set().union(*(messages_of.get(digest, ()) for digest in digests)))
    return {message: search_of[message].members for message in messages}


def _extend(search_of: dict[int, _Search], member: int, found: set[int]) -> None:
    """Add what has been found to the search of a member, with the searches that have found it before."""
    search = search_of[member]
    for message in found & search_of.keys():
        other = search_of[message]
        if other is not search:
            search, other = sorted((search, other), key=lambda one: len(one.members), reverse=True)
            search.absorb(other)
            search_of |= dict.fromkeys(other.members, search)
    search_of |= dict.fromkeys(search.add(found), search)


def _digests(messages: set[int]) -> Iterator[tuple[int, str]]:
    for some in _parts(messages):
        yield from MessageReference.objects.filter(message__in=some).values_list("message_id", "digest")


def _messages(user: Any, digests: set[str]) -> Iterator[tuple[str, int]]:
    """The newest messages that the user sees and that have or refer to each of these Message-IDs."""
    received = ReceivedEmail.objects.live().visible_to(user).filter(message=OuterRef("message"))
    newest = Window(RowNumber(), partition_by=F("digest"), order_by=F("message").desc())
    for some in _parts(digests):
        rows = MessageReference.objects.filter(Exists(received), digest__in=some).annotate(place=newest)
        yield from rows.filter(place__lte=MOST).values_list("digest", "message_id")


def _parts(values: Iterable[Any]) -> Iterator[list[Any]]:
    rest = iter(values)
    while part := list(islice(rest, AT_ONCE)):
        yield part
