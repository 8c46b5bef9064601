"""Make room for the groups viewer, operator and administrator: one that has such a name keeps its members and permissions."""

from typing import Any

from django.db import migrations

NAMES = ("viewer", "operator", "administrator")


def rename_groups(apps: Any, schema_editor: Any) -> None:
    groups = apps.get_model("auth", "Group").objects.using(schema_editor.connection.alias)
    for group in groups.filter(name__in=NAMES):
        name = f"{group.name} (own)"
        while groups.filter(name=name).exists():
            name = f"{name} (own)"
        group.name = name
        group.save(update_fields=["name"])


class Migration(migrations.Migration):
    dependencies = [("inbound", "0001_initial"), ("auth", "0012_alter_user_first_name_max_length")]

    operations = [migrations.RunPython(rename_groups, migrations.RunPython.noop, elidable=True)]
