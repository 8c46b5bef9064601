"""App configuration: load the system checks and register the reconciler that runs after a commit."""

from django.apps import AppConfig


class SesIntegrationConfig(AppConfig):
    name = "ses_integration"
    verbose_name = "SES"

    def ready(self) -> None:
        from ses_integration import checks  # noqa: F401
        from ses_integration.reconcile import loop, outbox

        outbox.register_reconciler(loop.reconcile)
