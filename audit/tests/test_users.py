from __future__ import annotations

import pytest
from django.contrib.auth.models import Group, Permission
from django.contrib.contenttypes.models import ContentType

from audit.models import Change
from inbound.tests.support.factories import UserFactory

pytestmark = pytest.mark.django_db(transaction=True)


def newest() -> tuple[str, str, object]:
    change = Change.objects.latest("pk")
    return change.action, change.object_name, change.after


def test_what_a_group_may_do_and_who_is_in_it_is_recorded():
    user, group = UserFactory(username="alice"), Group.objects.create(name="operators")
    assert newest() == ("added", "operators", {"name": "operators"})
    kind = ContentType.objects.get_for_model(Group)
    permission = Permission.objects.create(codename="look", name="Can look", content_type=kind)
    group.permissions.add(permission)
    assert newest() == ("changed", "operators", {"permissions": {"added": [str(permission)]}})
    user.groups.add(group)
    assert newest() == ("changed", "alice", {"groups": {"added": ["operators"]}})
    user.groups.remove(group)
    assert newest() == ("changed", "alice", {"groups": {"removed": ["operators"]}})
    user.user_permissions.set([permission])
    assert newest() == ("changed", "alice", {"permissions": {"added": [str(permission)]}})
    user.user_permissions.clear()
    assert newest() == ("changed", "alice", {"permissions": {"removed": "all"}})
    number = Change.objects.count()
    user.groups.add()
    assert Change.objects.count() == number
    group.delete()
    assert newest()[:2] == ("deleted", "operators")
