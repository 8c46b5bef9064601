from django.apps import AppConfig


class AddressesConfig(AppConfig):
    name = "addresses"

    def ready(self) -> None:
        from addresses import receivers  # noqa: F401
