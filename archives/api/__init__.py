"""The API of exports. Only `archives.urls` imports it."""
