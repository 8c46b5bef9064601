"""Exports and imports of domains. All packages of the app and the apps above may import it."""

from archives.models.claimed import Claimed, ClaimedQuerySet
from archives.models.exports import Export, ExportPart, ExportQuerySet, export_id
from archives.models.imports import Import, ImportQuerySet, import_id
from archives.models.troubled import Troubled, troubled

__all__ = [
    "Claimed",
    "ClaimedQuerySet",
    "Export",
    "ExportPart",
    "ExportQuerySet",
    "Import",
    "ImportQuerySet",
    "Troubled",
    "export_id",
    "import_id",
    "troubled",
]
