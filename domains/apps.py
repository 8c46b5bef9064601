from django.apps import AppConfig


class DomainsConfig(AppConfig):
    name = "domains"

    def ready(self) -> None:
        from domains import receivers  # noqa: F401
        from domains.dns import system_checks  # noqa: F401
