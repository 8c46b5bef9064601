"""Links between admin pages."""

from backoffice.links import NOTHING, joined, list_link, page_link, rows_of_domain, user_link


def test_a_page_link_escapes_key_and_text():
    assert (
        page_link("domains.domain", "indm_a/b", "<b>")
        == '<a href="/admin/domains/domain/indm_5Fa_2Fb/change/">&lt;b&gt;</a>'
    )


def test_a_list_link_encodes_its_filters():
    link = list_link("domains.domain", "all", name="a&b", owner__id__exact=1)
    assert link == '<a href="/admin/domains/domain/?name=a%26b&amp;owner__id__exact=1">all</a>'


def test_without_a_user_there_is_no_link():
    assert user_link(None, None) == NOTHING
    assert user_link(1, "me") == '<a href="/admin/auth/user/1/change/">me</a>'


def test_links_are_joined_without_escaping_them_again():
    assert (
        joined([page_link("auth.user", 1, "a"), NOTHING], "<br>") == '<a href="/admin/auth/user/1/change/">a</a><br>-'
    )


def test_a_domain_name_leads_to_the_domain_and_its_deletions():
    assert rows_of_domain("example.com") == (
        '<a href="/admin/domains/domain/?name=example.com">domain</a>'
        ' · <a href="/admin/domains/domaindeletion/?name=example.com">deletions</a>'
    )
