from typing import Any

from django.db import migrations

# The domains of all addresses in a config, in lower case, possibly with a trailing dot. Only `*` if an address may be written
# in a way that this does not understand: with spaces, comments, escapes or characters outside ASCII after the @. The limit is
# that of a domain name with its dot; an index refuses texts of some thousand characters.
FUNCTION = r"""
    CREATE FUNCTION endpoints_named_domains(config jsonb) RETURNS text[]
    LANGUAGE sql IMMUTABLE PARALLEL SAFE COST 1000 AS $$
      SELECT CASE
        WHEN config::text ~ '@[^"]*([^!-~]|[(\\])' THEN ARRAY['*']
        ELSE ARRAY(
          SELECT left((regexp_matches(lower(config::text COLLATE "C"), '@([a-z0-9.-]+)', 'g'))[1], 254)
        )
      END
    $$
"""
# Without the list of pending entries, which every search would read.
INDEX = """
    CREATE INDEX endpoints_by_domain ON endpoints_endpoint USING gin (endpoints_named_domains(config))
    WITH (fastupdate = off)
"""


def create(apps: Any, editor: Any) -> None:
    if editor.connection.vendor == "postgresql":
        editor.execute(FUNCTION)
        editor.execute(INDEX)


def drop(apps: Any, editor: Any) -> None:
    if editor.connection.vendor == "postgresql":
        editor.execute("DROP INDEX endpoints_by_domain")
        editor.execute("DROP FUNCTION endpoints_named_domains")


class Migration(migrations.Migration):
    dependencies = [("endpoints", "0001_initial")]

    operations = [migrations.RunPython(create, drop)]
