"""All that is kept of a person, given to them; and their account deleted, with a number left in the log."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path

import pytest
from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from axes.models import AccessAttempt
from django.core.management import CommandError, call_command
from django.test import Client

from creator.models import ApiKey, AuditEntry, Channel, Comment, Invitation, Notice, Story, User
from creator.services import audit, keys, people, privacy
from media_processing.engine import EngineError
from media_processing.models import Asset
from moderation.models import Decision
from tests.conftest import Cast
from tests.factories import finished_story, picture
from tests.views.conftest import browser_of

pytestmark = pytest.mark.django_db
CANARY = "canary-of-a-second-factor"


@pytest.fixture
def story(cast: Cast) -> Story:
    return finished_story(cast.workspace, cast.alice)


def somebody(cast: Cast) -> User:
    """Alice, with everything that an account can have."""
    alice = cast.alice
    User.objects.filter(pk=alice.pk).update(email="alice@example.org", first_name="Alice", last_name="Liddell")
    alice.refresh_from_db()
    EmailAddress.objects.create(user=alice, email=alice.email, primary=True, verified=True)
    Authenticator.objects.create(user=alice, type=Authenticator.Type.TOTP, data={"secret": CANARY})
    people.invite(cast.workspace, role="editor", by=cast.ada, address="alice.other@example.org")
    Invitation.objects.update(accepted_by=alice)
    Asset.objects.filter(pk=picture(cast.workspace).pk).update(added_by=alice)
    AccessAttempt.objects.create(username="alice", ip_address="192.0.2.1", failures_since_start=1)
    Notice.objects.create(workspace=cast.workspace, address="alice@example.org", kind=Notice.Kind.INVITATION, once="x")
    return alice


def test_everything_that_points_at_a_person_is_in_the_document(cast: Cast, story: Story) -> None:
    alice = somebody(cast)
    Comment.objects.create(workspace=cast.workspace, story=story, author=alice, text="Mine.")
    others = Comment.objects.create(
        workspace=cast.workspace, story=story, author=cast.bob, text="Bob's own words.", resolved_by=alice
    )
    told = json.loads(privacy.as_json(privacy.document_of(alice)))
    assert told["person"]["email"] == "alice@example.org"
    assert [row["title"] for row in told["kept"]["creator.Story.author"]] == [story.title]
    assert [row["text"] for row in told["kept"]["creator.Comment.author"]] == ["Mine."]
    assert [row["id"] for row in told["kept"]["creator.Comment.resolved_by"]] == [others.pk]
    assert {"creator.Membership.user", "account.EmailAddress.user", "mfa.Authenticator.user"} <= set(told["kept"])


def test_no_secret_and_nobody_elses_words_are_in_it(cast: Cast, story: Story) -> None:
    alice = somebody(cast)
    Comment.objects.create(
        workspace=cast.workspace, story=story, author=cast.bob, text="Bob's own words.", resolved_by=alice
    )
    text = privacy.as_json(privacy.document_of(alice))
    assert CANARY not in text
    assert alice.password not in text
    assert "Bob's own words" not in text


def test_the_zip_holds_what_they_brought(cast: Cast, tmp_path: Path) -> None:
    alice = somebody(cast)
    told = privacy.export(alice, tmp_path / "alice.zip")
    with zipfile.ZipFile(tmp_path / "alice.zip") as pack:
        assert sorted(name.partition("/")[0] for name in pack.namelist()) == ["files", "person.json"]
    assert told["files"] == 1
    with pytest.raises(EngineError, match="can't be written"):
        privacy.export(alice, tmp_path / "nowhere" / "alice.zip")


def test_a_deleted_person_is_a_number_and_nothing_else(cast: Cast, story: Story) -> None:
    alice, number = somebody(cast), cast.alice.pk
    audit.record("story.make", story, by=alice, workspace=cast.workspace)
    entries = AuditEntry.objects.count()
    comment = Comment.objects.create(workspace=cast.workspace, story=story, author=cast.bob, text="@Alice, look.")
    comment.mentions.add(alice)
    told = Notice.objects.create(
        workspace=cast.workspace, person=cast.bob, kind=Notice.Kind.MENTION, once="y", about={"by": "Alice Liddell"}
    )
    privacy.forget(alice, by=alice)
    assert Notice.objects.get(pk=told.pk).about["by"] == "…"
    story.refresh_from_db()
    comment.refresh_from_db()
    assert (story.author, comment.text) == (None, "@…, look.")
    for model in (User, EmailAddress, Authenticator, Notice, AccessAttempt, Invitation, AuditEntry, Comment):
        rows = str(list(model._base_manager.values()))
        assert "alice" not in rows.lower().replace(CANARY, ""), model
        assert "Liddell" not in rows
    assert AuditEntry.objects.filter(actor=number).exists()
    assert AuditEntry.objects.count() > entries
    assert AuditEntry.objects.get(action="person.delete").subject == f"user:{number}"
    assert audit.verify().broken is None
    assert User.objects.create_user("new").pk != number


def test_their_keys_end_and_their_decisions_stay(cast: Cast) -> None:
    channel = Channel.objects.create(workspace=cast.workspace, slug="c", name="C")
    key, _secret = keys.make(channel, name="App", by=cast.ada, person=cast.mo)
    privacy.forget(cast.mo, by=None)
    assert not ApiKey.objects.filter(pk=key.pk).exists()
    assert not Decision.objects.filter(person=cast.mo.pk).exists()


def test_the_last_admin_and_the_last_superuser_stay(cast: Cast) -> None:
    with pytest.raises(EngineError, match="last admin"):
        privacy.forget(cast.ada, by=cast.ada)
    User.objects.filter(pk=cast.bob.pk).update(is_superuser=True)
    cast.bob.refresh_from_db()
    with pytest.raises(EngineError, match="Nobody else runs"):
        privacy.forget(cast.bob, by=cast.bob)
    assert User.objects.filter(pk__in=(cast.ada.pk, cast.bob.pk)).count() == 2


class TestPage:
    def fresh(self, user: User) -> Client:
        """Somebody who came by a link: there is no password to ask for again."""
        user.set_unusable_password()
        user.save()
        return browser_of(user)

    def test_a_person_downloads_what_is_kept(self, cast: Cast) -> None:
        answer = self.fresh(cast.alice).get("/settings/account/data.json")
        assert answer["Content-Disposition"].startswith("attachment")
        assert answer.json()["person"]["username"] == "alice"

    def test_the_password_is_asked_for_again(self, cast: Cast) -> None:
        for place in ("data.json", "delete/"):
            assert "/account/again/" in browser_of(cast.alice).get(f"/settings/account/{place}")["Location"]

    def test_deleting_takes_the_name(self, cast: Cast) -> None:
        client = self.fresh(cast.alice)
        assert "Type your user name" in client.get("/settings/account/delete/").content.decode()
        assert client.post("/settings/account/delete/", {"name": "bob"}).status_code == 400
        assert User.objects.filter(username="alice").exists()
        assert client.post("/settings/account/delete/", {"name": "alice"})["Location"] == "/sign-in/"
        assert not User.objects.filter(username="alice").exists()
        assert client.get("/").status_code == 302


class TestCommand:
    def test_it_exports_and_deletes(self, cast: Cast, tmp_path: Path) -> None:
        call_command("person", "export", "alice", "--out", str(tmp_path / "a.zip"), "--json")
        assert (tmp_path / "a.zip").stat().st_mode & 0o777 == 0o600
        call_command("person", "delete", "alice", "--yes", "--json")
        assert not User.objects.filter(username="alice").exists()

    def test_it_says_who_isnt_there(self, db: None) -> None:
        with pytest.raises(CommandError, match="no account nobody"):
            call_command("person", "export", "nobody")
