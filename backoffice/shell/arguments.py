"""Arguments of several commands: types for argparse, and users as people name them."""

from __future__ import annotations

from argparse import ArgumentTypeError

from django.contrib.auth import get_user_model
from django.contrib.auth.models import User
from django.core.management.base import CommandError


def at_least_one(text: str) -> int:
    if not text.isascii() or not text.isdigit() or int(text) < 1:
        raise ArgumentTypeError(f"{text!r} is not a number from 1.")
    return int(text)


def user_of(name: str) -> User:
    """The user of this name, with blanks around it or in another case if only one user can be meant. Raises CommandError."""
    users = get_user_model()
    typed = users.normalize_username(name.strip())
    found = users._default_manager.filter(**{f"{users.USERNAME_FIELD}__iexact": typed})
    exact = next((user for user in found if user.get_username() == typed), None)
    if exact is None and len(found) != 1:
        raise CommandError(
            f"There is no user {name!r}. Add one in the admin under Users; `python manage.py createsuperuser` creates one "
            "that may do everything."
        )
    return exact or found[0]
