"""Admin pages of people and of what lets them in: `users`, `groups`, `keys` and `sign_ins`. `error_pages` are shown in place of
a page. Only Django and `urls` import it.
"""

from inbound.admin import groups as groups
from inbound.admin import keys as keys
from inbound.admin import sign_ins as sign_ins
from inbound.admin import users as users
