"""The home page, and the numbers of the menu."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from django.test import Client

from backoffice.site import MENU
from desk.pages.badges import badges
from desk.pages.home import last_day, more
from desk.pages.tiles import tiles
from desk.state.values import Finding, Kind, LastDay, LastSweep, Level, MailFigures, Quota, State, Tally, WorkerSeen
from inbound.tests.support.admin_site import count_statements, open_links, staff, text
from inbound.tests.support.factories import DomainFactory, EmailAddressFactory, WorkerFactory

NOW = datetime(2026, 11, 26, 3, 12, tzinfo=UTC)
HOME, BADGES = "/admin/", "/admin/badges/"


def lines(state: State) -> dict[str, list[str]]:
    return {tile.title: list(tile.lines) for tile in tiles(state)}


def test_tiles_of_an_installation_at_work():
    worker = WorkerSeen("ses_worker", "web01", 412, "1", NOW, NOW - timedelta(seconds=4), is_alive=True)
    state = State(
        at=NOW,
        region="eu-west-1",
        rule_set="rules",
        account="1",
        workers=[worker],
        by_level={Level.PENDING: Tally(3, NOW - timedelta(minutes=14)), Level.NEEDS_YOU: Tally(1, None)},
        mail=MailFigures(NOW - timedelta(minutes=2), 1204, 2, 3),
        sweep=LastSweep(NOW, NOW - timedelta(minutes=6), differences=2, foreign_rules=1),
        quotas=[Quota("rules", 27, 200), Quota("identities", 9000, 10_000, foreign=3)],
    )
    assert lines(state) == {
        "Mail": ["3 domains without DNS records", "last 2 min ago", "1,204 in 24 h", "2 domains silent for 7 days"],
        "Work": ["1 needs you", "3 pending", "oldest 14 min"],
        "Drift": ["2 differences", "1 foreign rule", "compared 6 min ago", "next in 1 h"],
        "Capacity": ["27 of 200 rules", "9,000 of 10,000 identities (3 not ours)"],
        "Workers": ["ses_worker on web01, 4 s ago"],
    }
    assert [tile.title for tile in tiles(state) if tile.css] == ["Work", "Capacity"]


def test_tiles_of_a_new_installation():
    assert lines(State(at=NOW, region="", rule_set="", account="")) == {
        "Mail": ["none is stored", "0 in 24 h"],
        "Work": ["nothing is pending"],
        "Drift": ["not compared with SES yet"],
        "Capacity": ["not known yet"],
        "Workers": ["none is alive"],
    }


def test_a_line_that_stands_for_many_things_leaves_none_of_them_out():
    dead = Finding(Kind.DELIVERY, Level.NEEDS_YOU, "received mail", "500 deliveries given up", number=500)
    state = State(NOW, "", "", "", findings=[dead], by_level={Level.NEEDS_YOU: Tally(503)})
    assert more(state, [Level.NEEDS_YOU], [dead]) == 3


def test_the_last_day_tells_only_what_has_happened():
    assert list(last_day(LastDay(domains_deleted=12, keys_revoked=1))) == ["12 domains deleted", "1 API key revoked"]


def test_without_a_worker_nothing_is_said_to_be_done(ses, admin_client: Client):
    assert "Will be done without you" not in text(admin_client.get(HOME))
    assert "No ses_worker has ever run" in text(admin_client.get(HOME))


def test_home_opens_pages_that_exist(ses, admin_client: Client):
    WorkerFactory()
    EmailAddressFactory()
    assert "/admin/work/" in open_links(admin_client, HOME)


def test_the_number_of_statements_does_not_depend_on_the_number_of_domains(ses, admin_client: Client):
    counts = []
    for number in (3, 20):
        for _ in range(number):
            DomainFactory()
        counts.append((count_statements(admin_client, HOME), count_statements(admin_client, BADGES)))
    assert counts[0] == counts[1]


def test_badges_count_what_waits_and_say_what_is_urgent(ses, admin_client: Client):
    shown = admin_client.get(BADGES).json()["badges"]
    assert shown["desk"] == shown["work"] == {"text": "1", "isUrgent": True}
    assert shown["deletions"] == {"text": "", "isUrgent": False}


def test_a_badge_counts_everything_that_its_page_is_about():
    def told(*kinds: Kind) -> dict[str, object]:
        state = State(NOW, "", "", "", by_kind={kind: Tally(1) for kind in kinds})
        return {name: badge["text"] for name, badge in badges(state).items() if badge["text"]}

    assert told(Kind.DOMAIN, Kind.SES_CHANGE, Kind.UNANSWERED_CALL) == {"domains": "3"}
    assert told(Kind.STORED_MAIL, Kind.PROOF, Kind.DELETION) == {"deletions": "3"}
    assert told(Kind.EVENT, Kind.DELIVERY) == {"deliveries": "2"}


def test_every_badge_of_the_menu_is_told():
    wanted = {entry.badge for entry in MENU if entry.badge}
    assert set(badges(State(NOW, "", "", ""))) == wanted


def test_only_those_who_may_view_marks_see_the_state(ses, client: Client):
    staff(client)
    shown = text(client.get(HOME))
    assert "Your user may not see the state" in shown
    assert "ses_worker" not in shown
    for page in ("work", "drift", "capacity", "badges"):
        assert client.get(f"/admin/{page}/").status_code == 403
        assert f"/admin/{page}/" not in shown
    staff(client, "ses_integration.view_domainsync")
    assert "No ses_worker has ever run" in text(client.get(HOME))
