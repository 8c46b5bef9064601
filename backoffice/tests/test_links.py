"""Links between admin pages."""

from django.contrib.auth.models import User

from addresses.models import BlockedEmail, EmailAddress
from backoffice.links import NOTHING, joined, list_link, page_link, related_link, rows_of_domain
from domains.models import Domain


def test_a_page_link_escapes_key_and_text():
    assert (
        page_link("domains.domain", "indm_a/b", "<b>")
        == '<a href="/admin/domains/domain/indm_5Fa_2Fb/change/">&lt;b&gt;</a>'
    )


def test_a_list_link_encodes_its_filters():
    link = list_link("domains.domain", "all", name="a&b", owner__id__exact=1)
    assert link == '<a href="/admin/domains/domain/?name=a%26b&amp;owner__id__exact=1">all</a>'


def test_a_column_links_a_related_row():
    link = related_link("domain__owner__username").__func__
    domain = Domain(pk="indm_a", name="example.com", owner=User(pk=1, username="me"))
    assert link(EmailAddress(domain=domain)) == '<a href="/admin/auth/user/1/change/">me</a>'
    assert related_link("domain__name").__func__(EmailAddress(domain=domain)) == (
        '<a href="/admin/domains/domain/indm_5Fa/change/">example.com</a>'
    )
    assert (link.short_description, link.admin_order_field) == ("owner", "domain__owner__username")


def test_without_a_related_row_there_is_no_link():
    assert related_link("blocked_by__username").__func__(BlockedEmail()) == NOTHING
    assert related_link("blocked_by__username").__func__.short_description == "blocked by"


def test_links_are_joined_without_escaping_them_again():
    assert (
        joined([page_link("auth.user", 1, "a"), NOTHING], "<br>") == '<a href="/admin/auth/user/1/change/">a</a><br>-'
    )


def test_a_domain_name_leads_to_the_domain_and_its_deletions():
    assert rows_of_domain("example.com") == (
        '<a href="/admin/domains/domain/?name=example.com">domain</a>'
        ' · <a href="/admin/domains/domaindeletion/?name=example.com">deletions</a>'
    )
