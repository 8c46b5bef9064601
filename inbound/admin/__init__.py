"""Admin pages of people and of what lets them in: `users`, `groups` and `keys`. Only Django imports it."""

from inbound.admin import groups as groups
from inbound.admin import keys as keys
from inbound.admin import users as users
