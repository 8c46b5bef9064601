"""Several requests, mail workers and deletions at the same time."""

from __future__ import annotations

import pytest

from archives.imports.refusals import CannotImport
from archives.models import Import
from archives.tests.exports.test_concurrently import together
from archives.tests.uploads.uploading import contents, make_due, start, with_mails
from archives.uploads.start import ImportRunning
from archives.uploads.task import run_imports
from domains.deletion.service import delete_domain, resume_deletions
from domains.models import Domain, DomainDeletion
from inbound.tests.support.aws import stored_keys
from mail.models import Message

pytestmark = [pytest.mark.postgresql, pytest.mark.django_db(transaction=True)]

ARCHIVE = with_mails(9, 9)


@pytest.mark.parametrize("with_mail", [True, False])
def test_of_several_requests_one_imports_the_domain(user, with_mail):
    def post() -> str:
        try:
            return start(user, ARCHIVE, with_mail=with_mail).pk
        except ImportRunning as running:
            return f"running {running.row.pk}"
        except CannotImport as error:
            return error.code

    answers = together(post)
    row = Import.objects.get()
    assert Domain.objects.count() == 1
    assert answers.count(row.pk) == 1
    assert set(answers) <= {row.pk, "DOMAIN_EXISTS", f"running {row.pk}"}


def test_of_several_requests_for_a_domain_that_exists_one_adds_its_mail(user):
    start(user, ARCHIVE, with_mail=False)

    def post() -> str:
        try:
            return start(user, ARCHIVE).pk
        except ImportRunning as running:
            return f"running {running.row.pk}"

    answers = together(post)
    row = Import.objects.get(with_mail=True)
    assert sorted(answers) == sorted([row.pk, *[f"running {row.pk}"] * 3])


def test_several_workers_take_turns_at_the_same_import(user, small_batches):
    start(user, ARCHIVE)

    def take_turns() -> int:
        return sum(run_imports(seconds=0) for _ in range(200) if Import.objects.exclude(state="done").exists())

    assert sum(together(take_turns)) == 1
    row = Import.objects.get()
    assert (row.state, row.stored + row.existing, row.problem) == ("done", 18, "")
    assert len(contents(Domain.objects.get())) == Message.objects.count() == 18


@pytest.mark.parametrize("attempt", range(3))
def test_a_deletion_during_an_import_leaves_nothing(user, small_batches, attempt):
    start(user, ARCHIVE)
    for _ in range(attempt):
        run_imports(seconds=0)
    domain = Domain.objects.get()
    tasks = iter([lambda: run_imports(), lambda: delete_domain(domain=domain, requested_by="jo")])
    together(lambda: next(tasks)(), 2)
    # An import that has seen the deletion before it was ended waits for a minute.
    make_due()
    for _ in range(3):
        run_imports()
        resume_deletions()
    assert DomainDeletion.objects.get().finished_at is not None
    assert (stored_keys(), Import.objects.filter(state="erasing").count(), Message.objects.count()) == ([], 0, 0)
