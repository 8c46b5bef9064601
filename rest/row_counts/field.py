"""The column that holds a count."""

from __future__ import annotations

from typing import Any

from django.db import models
from django.db.models import F, Model


class RowCount(models.PositiveIntegerField):  # type: ignore[type-arg]  # cannot be subscripted
    """A count that only triggers write: `save()` keeps what the database has. Fixtures do not contain it."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **{**kwargs, "default": 0, "db_default": 0, "editable": False, "serialize": False})

    def pre_save(self, model_instance: Model, add: bool) -> Any:
        return 0 if add else F(self.attname)
