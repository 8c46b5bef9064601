from django.apps import AppConfig


class ArchivesConfig(AppConfig):
    name = "archives"

    def ready(self) -> None:
        from archives.exports.task import exports_left, run_exports
        from archives.uploads.task import imports_left, run_imports
        from mail.worker.tasks import PeriodicTask, add_task

        add_task(PeriodicTask("the exports", run_exports, 2.0, "completed", "export", exports_left))
        add_task(PeriodicTask("the imports", run_imports, 2.0, "finished", "import", imports_left))
