from django.db import migrations, models
from django.db.backends.base.schema import BaseDatabaseSchemaEditor

COLUMNS = [
    ("domains_dnsrecord", "problem"),
    ("domains_dnsrecord", "value"),
    ("domains_domain", "status_reason"),
    ("domains_statuschange", "reason"),
]


def lift_limits(apps: object, schema_editor: BaseDatabaseSchemaEditor) -> None:
    """PostgreSQL changes no rows for this. SQLite has no limits, and would rebuild tables that triggers refer to."""
    if schema_editor.connection.vendor == "postgresql":
        for table, column in COLUMNS:
            schema_editor.execute(f"ALTER TABLE {table} ALTER COLUMN {column} TYPE text")


class Migration(migrations.Migration):
    dependencies = [
        ("domains", "0006_verification"),
    ]

    operations = [
        migrations.SeparateDatabaseAndState(
            database_operations=[migrations.RunPython(lift_limits, migrations.RunPython.noop)],
            state_operations=[
                migrations.AlterField(
                    model_name="dnsrecord",
                    name="problem",
                    field=models.TextField(blank=True, help_text="What the owner should do about it."),
                ),
                migrations.AlterField(
                    model_name="dnsrecord",
                    name="value",
                    field=models.TextField(),
                ),
                migrations.AlterField(
                    model_name="domain",
                    name="status_reason",
                    field=models.TextField(blank=True, help_text="Why the domain is not verified."),
                ),
                migrations.AlterField(
                    model_name="statuschange",
                    name="reason",
                    field=models.TextField(),
                ),
            ],
        ),
    ]
