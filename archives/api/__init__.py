"""The API of exports and imports. Only `archives.urls` imports it."""
