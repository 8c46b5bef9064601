from django.apps import AppConfig
from django.db.models.signals import post_migrate


class InboundConfig(AppConfig):
    name = "inbound"

    def ready(self) -> None:
        from inbound import checks  # noqa: F401
        from inbound.people.groups import create_groups

        post_migrate.connect(create_groups, dispatch_uid="inbound.people.groups")
