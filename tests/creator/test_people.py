"""Who comes into a workspace, as what, and who goes: what each act leaves behind."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.core import mail
from django.utils import timezone

from creator import jobs
from creator.models import AuditEntry, Invitation, Membership, Notice, Story, User
from creator.services import audit, keys, notices, people, publications
from media_processing.engine import EngineError
from tests.conftest import Cast
from tests.factories import finished_story

pytestmark = pytest.mark.django_db


def membership(cast: Cast, user: User) -> Membership:
    return Membership.objects.get(workspace=cast.workspace, user=user)


def actions() -> list[str]:
    return list(AuditEntry.objects.order_by("number").values_list("action", flat=True))


def test_an_invitation_goes_by_email_with_a_link_that_no_row_holds(cast: Cast) -> None:
    invitation = people.invite(cast.workspace, role="moderator", by=cast.ada, address=" New@Example.org ")
    jobs.work_off()
    (sent,) = mail.outbox
    assert sent.to == ["new@example.org"]
    assert sent.subject == "ada invites you to River desk"
    assert invitation.path in str(sent.body)
    token = invitation.path.split("/")[2]
    assert Invitation.at(token) == invitation
    assert not [notice for notice in Notice.objects.all() if token in str(vars(notice))]
    assert actions() == ["invitation.make"]


@pytest.mark.parametrize("token", ["", "nonsense", "7b0e2d0c-4b0d-4d2e-9d0a-111111111111:forged", "a:b:c"])
def test_a_made_up_link_is_none(cast: Cast, token: str) -> None:
    assert Invitation.at(token) is None


def test_an_invitation_lets_one_person_in_once(cast: Cast) -> None:
    invitation = people.invite(cast.workspace, role="moderator", by=cast.ada)
    got = people.accept(invitation, cast.charlie)
    assert (got.workspace, got.role) == (cast.workspace, "moderator")
    with pytest.raises(EngineError, match="over"):
        people.accept(invitation, User.objects.create_user("late"))
    cast.charlie.refresh_from_db()
    assert cast.charlie.is_staff
    assert cast.charlie.workspace == cast.workspace
    assert actions()[-1] == "membership.make"


def test_a_link_ends_by_time_and_by_being_withdrawn(cast: Cast) -> None:
    old = people.invite(cast.workspace, role="editor", by=cast.ada)
    Invitation.objects.filter(pk=old.pk).update(expires=timezone.now() - timedelta(seconds=1))
    withdrawn = people.invite(cast.workspace, role="editor", by=cast.ada)
    people.withdraw(withdrawn, by=cast.ada)
    for each in (old, withdrawn):
        assert Invitation.at(each.path.split("/")[2]) is None
        with pytest.raises(EngineError):
            people.accept(each, cast.charlie)
    assert not Membership.objects.filter(workspace=cast.workspace, user=cast.charlie).exists()


def test_asking_again_replaces_the_open_invitation(cast: Cast) -> None:
    first = people.invite(cast.workspace, role="editor", by=cast.ada, address="new@example.org")
    people.invite(cast.workspace, role="admin", by=cast.ada, address="new@example.org")
    assert Invitation.at(first.path.split("/")[2]) is None
    assert cast.workspace.invitations.open().count() == 1


def test_a_member_is_not_invited_and_not_demoted_by_a_link(cast: Cast) -> None:
    User.objects.filter(pk=cast.bob.pk).update(email="Bob@example.org")
    with pytest.raises(EngineError, match="member already"):
        people.invite(cast.workspace, role="editor", by=cast.ada, address="bob@example.org")
    assert people.accept(people.invite(cast.workspace, role="editor", by=cast.ada), cast.ada).role == "admin"


def test_invitations_have_a_bound(cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(people, "OPEN_AT_MOST", 2)
    for _ in range(2):
        people.invite(cast.workspace, role="editor", by=cast.ada)
    with pytest.raises(EngineError, match="Too many"):
        people.invite(cast.workspace, role="editor", by=cast.ada)


def test_a_role_is_changed_and_written_down(cast: Cast) -> None:
    people.change_role(membership(cast, cast.bob), "moderator", by=cast.ada)
    cast.bob.refresh_from_db()
    assert cast.bob.is_staff
    people.change_role(membership(cast, cast.bob), "editor", by=cast.ada)
    cast.bob.refresh_from_db()
    assert not cast.bob.is_staff
    entries = AuditEntry.objects.filter(action="membership.change").order_by("number")
    assert [audit.detail_of(entry) for entry in entries] == [
        {"from": "editor", "to": "moderator"}, {"from": "moderator", "to": "editor"},
    ]  # fmt: skip
    assert entries[0].subject == f"user:{cast.bob.pk}"
    with pytest.raises(EngineError, match="no such role"):
        people.change_role(membership(cast, cast.bob), "king", by=cast.ada)


@pytest.mark.parametrize("inactive", [False, True])
def test_the_last_admin_stays(cast: Cast, inactive: bool) -> None:
    if inactive:  # an account that is switched off is no admin to count on
        gone = User.objects.create_user("gone", is_active=False)
        Membership.objects.create(workspace=cast.workspace, user=gone, role="admin")
    for attempt in (
        lambda: people.remove(membership(cast, cast.ada), by=cast.ada),
        lambda: people.change_role(membership(cast, cast.ada), "editor", by=cast.ada),
    ):
        with pytest.raises(EngineError, match="last admin"):
            attempt()
    people.change_role(membership(cast, cast.bob), "admin", by=cast.ada)
    people.remove(membership(cast, cast.ada), by=cast.bob)
    assert not Membership.objects.filter(workspace=cast.workspace, user=cast.ada).exists()


def test_the_keys_in_a_removed_persons_name_end(cast: Cast) -> None:
    channel = publications.default_channel(cast.workspace)
    theirs = keys.make(channel, name="Phone", person=cast.bob)[0]
    nobodys = keys.make(channel, name="Site")[0]
    people.remove(membership(cast, cast.bob), by=cast.ada)
    theirs.refresh_from_db()
    nobodys.refresh_from_db()
    assert theirs.revoked
    assert not nobodys.revoked


def test_what_a_removed_person_made_stays_and_their_mail_stops(cast: Cast) -> None:
    User.objects.filter(pk=cast.alice.pk).update(email="alice@example.org")
    story = finished_story(cast.workspace, cast.alice)
    notices.assigned(cast.alice, story=story, by=cast.bob, once="1")
    people.remove(membership(cast, cast.alice), by=cast.ada)
    assert Story.objects.get(pk=story.pk).author == cast.alice
    jobs.work_off()
    assert not mail.outbox
    assert actions()[-1] == "membership.remove"
