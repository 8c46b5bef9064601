"""What an account may do is decided in `rest/access` alone: no other code compares owners and roles to find out."""

from __future__ import annotations

import ast
from pathlib import Path

from inbound.settings import BASE_DIR
from inbound.tests.docs.test_house_rules import FILES

WORDS = {"owner", "owner_id", "role", "caller_role", "domain_owner"}
# These compare the owners of two rows or names, or make the querysets that find what somebody sees.
OTHERS = {
    "addresses/admin/forms.py": "an address is routed to endpoints of its domain's owner",
    "addresses/deletion_plan.py": "the endpoint of an address may be that of somebody else after a mistake",
    "mail/delivery/replay.py": "mail is delivered to endpoints of its owner",
    "domains/deletion/report.py": "names that belong to others",
    "domains/lifecycle/held.py": "names that belong to others",
    "domains/lifecycle/mail_from.py": "names that belong to others",
    "domains/lifecycle/register.py": "names that belong to others",
    "domains/verification/claims.py": "names that belong to others",
    "domains/sharing/service.py": "nobody shares a domain with its owner",
    "domains/models/access.py": "querysets",
    "domains/models/deletion.py": "querysets",
}
# Apps without people.
OUTSIDE = ("bench", "ses_integration")


def _last_word(side: ast.expr) -> str:
    """The name that is compared: `owner_id` of `row.owner_id`, and `role_of` of `role_of(row)`."""
    match side:
        case ast.NamedExpr():
            return _last_word(side.value)
        case ast.Call():
            return _last_word(side.func)
        case ast.Attribute(value=ast.Name(id="Role")):
            return "role"
        case ast.Attribute(attr="pk", value=value):
            return _last_word(value)
        case ast.Attribute():
            return side.attr
        case ast.Name():
            return side.id
    return ""


def _compares(file: Path) -> bool:
    comparisons = [node for node in ast.walk(ast.parse((BASE_DIR / file).read_text())) if isinstance(node, ast.Compare)]
    equal = [node for node in comparisons if isinstance(node.ops[0], ast.Eq | ast.NotEq)]
    words = {_last_word(side) for node in equal for side in (node.left, *node.comparators)}
    return bool(words & {*WORDS, "role_of", "role_from"})


def test_no_other_code_compares_owners_or_roles():
    product = [file for file in FILES if "tests" not in file.parts and file.parts[0] not in OUTSIDE]
    elsewhere = {str(file) for file in product if file.parts[:2] != ("rest", "access") and _compares(file)}
    assert elsewhere == set(OTHERS)
