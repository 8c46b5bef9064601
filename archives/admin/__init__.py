"""Admin pages of archives: the list of exports, and their downloads."""

from archives.admin import exports as exports
