"""Admin pages of people and of what lets them in: `users`, `groups` and `keys`. Only Django imports it."""

from django.contrib import admin

from inbound.admin import groups as groups
from inbound.admin import keys as keys
from inbound.admin import users as users

admin.site.site_header = "inbound"
admin.site.site_title = "inbound"
admin.site.index_title = "Inbound mail on SES"
# "View site" would lead to a 404 of the API.
admin.site.site_url = None
