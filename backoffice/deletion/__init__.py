"""Delete rows in the admin through the services that the API uses, with the plan and a typed name on the confirmation page.

- `pages`: the base class of the admins, with the page of one row and the action of the list
- `phrase`: what must be typed to confirm
"""

from backoffice.deletion.pages import Deleted, DeletesThroughService, PlanUsed

__all__ = ["Deleted", "DeletesThroughService", "PlanUsed"]
