"""Look-ups by time in the address of a list, also of times that do not exist."""

from __future__ import annotations

import pytest
from django.contrib import admin
from django.db.models import DateTimeField
from django.test import Client

TIMES = [
    (f"/admin/{model._meta.app_label}/{model._meta.model_name}/", field.name)
    for model in admin.site._registry
    for field in model._meta.get_fields()
    if isinstance(field, DateTimeField)
]
LOOKUPS = [
    *(
        f"{part}={year}"
        for part in ("year", "iso_year", "date__year")
        for year in ("-1", "0", "9999", "10000", "9" * 20)
    ),
    *(
        "year__range=1",
        "year__in=1,-1",
        "year__gte=-1",
        "iso_year__lt=10000",
        "hour__isnull=1",
        "month=13",
        "day=x",
        "week=-1",
    ),
    *("in=0001-01-01", "in=9999-12-31", "range=2026-02-01", "range=9999-12-31,0001-01-01", "isnull=2"),
    *("gte=10000-01-01", "date=2026-02-30", "lt=9999-12-31T23:59:59-14:00", "exact=infinity", "time=25:00"),
]


@pytest.mark.parametrize(("path", "field"), TIMES)
def test_no_time_makes_a_list_fail(transactional_db: None, admin_client: Client, path: str, field: str) -> None:
    admin_client.raise_request_exception = False
    answers = {lookup: admin_client.get(f"{path}?{field}__{lookup}").status_code for lookup in LOOKUPS}
    assert {lookup: status for lookup, status in answers.items() if status not in (200, 302, 400)} == {}
