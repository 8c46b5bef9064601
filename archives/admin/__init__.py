"""Admin pages of archives: exports with their downloads, and imports."""

from archives.admin import exports as exports
from archives.admin import imports as imports
