"""Ask every surface, as an operator and as the owner of the domains."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.contrib.auth.models import User
from rest_framework.test import APIClient

from desk.tests.surfaces.reading import Said, read


@pytest.fixture
def surfaces(api: APIClient, admin_user: User) -> Callable[[], Said]:
    """`surfaces()`: what all of them say now. `user` owns the domains and asks the API."""
    return lambda: read(api, admin_user)
