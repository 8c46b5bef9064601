"""The page "Changes". Only Django imports it."""

from audit.admin import changes as changes
