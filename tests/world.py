"""One workspace with everything in it, so that every address has something real behind it."""

from __future__ import annotations

import json
import re
import secrets
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any
from uuid import UUID

import numpy as np
from allauth.usersessions.models import UserSession
from django.contrib.auth.models import Group
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver
from django.utils import timezone

from creator import jobs
from creator.models import (
    ApiKey,
    Brand,
    Channel,
    Endpoint,
    Invitation,
    Job,
    Membership,
    Notice,
    OfferedList,
    Publication,
    Schedule,
    Story,
    User,
    VoiceConsent,
)
from creator.services import keys, lists, publications, query_pictures, review_links, reviews, schedules, webhooks
from creator.services.notices import USUAL
from creator.services.people import invite
from media_processing.models import Asset, Rendition
from media_processing.sound import write_wav
from moderation import services as moderation
from moderation.models import BannedHash, Decision, Policy, Proposal, Review, Verdict
from tests.conftest import Cast
from tests.factories import finished_story
from tests.media_processing.makers import picture_bytes

NOWHERE = UUID("7b0e2d0c-4b0d-4d2e-9d0a-111111111111")
NO_NUMBER = 987_654


@dataclass
class World:
    """A workspace with a draft, a case, a live story, a failed job, a banned hash and an app's key."""

    cast: Cast
    owner: User
    draft: Story
    submitted: Story
    live: Story
    review: Review
    publication: Publication
    channel: Channel
    key: ApiKey
    secret: str
    other_secret: str
    failed: Job
    waiting: Job
    banned: BannedHash
    clip: Asset
    rendition: Rendition
    group: Group
    question: str
    """Token of a picture that Alice asked with."""
    link: str
    """Token of a review link to the draft."""
    consent: VoiceConsent
    brand: Brand
    endpoint: Endpoint
    schedule: Schedule
    notice: Notice
    """That Alice's story was decided on."""
    offered: OfferedList
    session: UserSession
    """Of Alice's, on another machine."""
    bobs: Membership
    invitation: Invitation
    proposal: Proposal
    clients: dict[str, Client] = field(default_factory=dict)

    @property
    def asset(self) -> Asset:
        found = Asset.objects.filter(workspace=self.cast.workspace, kind="image").first()
        assert found is not None
        return found


def build(cast: Cast, clip: bytes) -> World:
    """Make it. Alice wrote everything, Mo decides."""
    from media_processing import services as media

    owner = User.objects.create_superuser("olga", password="olga-has-a-long-password")
    Membership.objects.create(workspace=cast.workspace, user=owner, role="admin")
    draft, submitted, live = (finished_story(cast.workspace, cast.alice, formats=("card:1x1",)) for _ in range(3))
    for story, title in ((draft, "Draft of the river"), (submitted, "Submitted river"), (live, "Live river")):
        Story.objects.filter(pk=story.pk).update(title=title)
    from creator.services import variants

    for story in (draft, submitted, live):
        story.refresh_from_db()
        for variant in story.variants.all():
            variant.made_from = variants.made_from(story, variant)
            variant.save()
    channel = publications.default_channel(cast.workspace)
    review = reviews.submit(submitted, by=cast.alice)
    decided = reviews.submit(live, by=cast.alice)
    reviews.decide(decided, by=cast.mo, verb="approve", version=decided.version, note="Seen it.")
    live.refresh_from_db()
    publication = publications.publish(live, channel, by=cast.alice)
    live.refresh_from_db()
    key, secret = keys.make(channel, name="River phone")
    other_secret = keys.make(publications.default_channel(cast.other), name="Hill phone")[1]
    failed = jobs.submit("make_story", workspace=cast.workspace, person=cast.alice, story=draft)
    Job.objects.filter(pk=failed.pk).update(state=Job.State.FAILED, error="The voice was away.")
    waiting = jobs.submit(
        "import_assets", workspace=cast.workspace, person=cast.alice, files=[], licence="CC0", credit="", tags=[],
        results=[{"name": "river.jpg", "asset": None, "created": False, "error": "It is empty.", "next_step": ""}],
    )  # fmt: skip
    banned = BannedHash.objects.create(workspace=cast.workspace, pdq="f0" * 32, note="river ban")
    moved, _ = media.store_asset(cast.workspace.pk, clip, title="Moving river", alt="A river", licence="CC0")
    assert publication.renditions.exists()
    rendition = publication.renditions.first()
    offered = lists.offer(channel).list
    assert rendition is not None
    assert offered is not None
    return World(
        cast=cast, owner=owner, draft=draft, submitted=submitted, live=live, review=review, publication=publication,
        channel=channel, key=key, secret=secret, other_secret=other_secret, failed=failed, waiting=waiting,
        banned=banned, clip=moved, rendition=rendition, group=Group.objects.create(name="River group"),
        question=query_pictures.keep(cast.workspace, cast.alice, picture_bytes()),
        link=review_links.make(draft, by=cast.alice, note="A reader")[1],
        consent=VoiceConsent.objects.create(
            workspace=cast.workspace, name="River voice", speaker="Rita River", statement="Use it.", given="2026-01-05",
            sample=moved,
        ),
        brand=Brand.objects.create(workspace=cast.workspace, name="River"),
        proposal=Proposal.objects.create(
            workspace=cast.workspace, kind="review.bulk", detail={"verb": "reject", "cases": []}, proposed_by=cast.bob
        ),
        schedule=schedules.plan(draft, channel, at=timezone.now() + timedelta(days=2), by=cast.alice),
        endpoint=webhooks.add_endpoint(channel, "https://river.example/hook", ["content.removed"], by=cast.ada)[0],
        notice=Notice.objects.get(person=cast.alice, kind=Notice.Kind.DECIDED),
        offered=offered,
        session=_session_of(cast.alice),
        bobs=Membership.objects.get(workspace=cast.workspace, user=cast.bob),
        invitation=invite(cast.workspace, role="editor", by=cast.ada),
    )  # fmt: skip


def _session_of(user: User) -> UserSession:
    client = Client()
    client.force_login(user, backend="django.contrib.auth.backends.ModelBackend")
    return UserSession.objects.get(session_key=client.session.session_key)


def routes() -> Iterator[tuple[str, URLPattern]]:
    """Every address of the application as it is written, with its pattern."""

    def walk(patterns: list[Any], before: str) -> Iterator[tuple[str, URLPattern]]:
        for each in patterns:
            here = before + str(each.pattern)
            if isinstance(each, URLResolver):
                yield from walk(each.url_patterns, here)
            else:
                yield here, each

    return walk(get_resolver().url_patterns, "")


def rows_of_admin(world: World) -> dict[str, Any]:
    """app/model of the admin -> the id of a row of the world."""
    decision = Decision.objects.filter(workspace=world.cast.workspace).first()
    policy = Policy.objects.filter(workspace=world.cast.workspace).first()
    verdict = Verdict.objects.filter(workspace=world.cast.workspace).first()
    assert decision is not None
    assert policy is not None
    assert verdict is not None
    return {
        "auth/group": world.group.pk, "creator/workspace": world.cast.workspace.pk, "creator/user": world.cast.bob.pk,
        "creator/channel": world.channel.pk, "creator/apikey": world.key.pk, "creator/story": world.draft.pk,
        "media_processing/asset": world.asset.pk, "creator/job": world.failed.pk,
        "creator/publication": world.publication.pk, "moderation/review": world.review.pk,
        "moderation/verdict": verdict.pk,
        "moderation/decision": decision.pk, "moderation/policy": policy.pk, "moderation/bannedhash": world.banned.pk,
        "moderation/picturebank": world.banned.bank_id,
        "creator/ranker": world.offered.ranker_id,
    }  # fmt: skip


def address(route: str, world: World, *, nowhere: bool = False) -> str:
    """A route with ids filled in: of the world's own rows, or (`nowhere`) of none at all."""
    if route.startswith("admin/^"):
        return "/admin/creator/"
    if route == "admin/(?P<url>.*)$":
        return "/admin/no/such/page"
    if route == "^api/":
        return "/api/elsewhere"
    story = world.draft
    for part, chosen in (
        ("/stories/<uuidstr", world.live), ("/review/", story), ("/publish/", world.live), ("/withdraw/", world.live),
    ):  # fmt: skip
        if part in route and not route.startswith("admin/"):
            story = chosen
    asset = world.clip if "sprite" in route else world.asset
    job = world.waiting if "import" in route or "cancel" in route else world.failed
    values: dict[str, Any] = {
        "story_id": story.pk, "asset_id": asset.pk, "job_id": job.pk, "rendition_id": world.rendition.pk,
        "key_id": world.key.pk, "review_id": world.review.pk, "family": "Roboto", "weight": "Regular", "mood": "calm",
        "version": 1, "bank_id": world.banned.bank_id, "kind": "object", "name": "car", "consent_id": world.consent.pk,
        "brand_id": world.brand.pk, "endpoint_id": world.endpoint.pk, "schedule_id": world.schedule.pk,
        "form": "1x1", "variant_id": NO_NUMBER,
        "preset": "card-1x1", "format": "vtt", "slug": world.channel.slug, "scene_id": NOWHERE,
        "workspace": world.cast.workspace.slug, "channel": world.channel.slug, "feed_name": "atom.xml",
        "publication_id": world.publication.pk, "channel_id": world.channel.pk,
        "list_id": world.offered.pk,
        "token": world.question, "upload_id": NOWHERE, "notice_id": world.notice.pk,
        "session_id": world.session.pk, "workspace_id": world.cast.workspace.pk, "provider_id": "sso",
        "membership_id": world.bobs.pk, "invitation_id": world.invitation.pk, "language": "de",
        "proposal_id": world.proposal.pk,
    }  # fmt: skip
    model = re.match(r"admin/([a-z_]+/[a-z_]+)/<", route)
    if model and model.group(1) in rows_of_admin(world):
        values["object_id"] = values["id"] = rows_of_admin(world)[model.group(1)]
    if route.startswith("account/^"):
        return "/account/e-mail/MQ:made-up/" if "e-mail" in route else "/account/password/reset/1-made-up/"
    if route == "invitation/<str:token>/":
        return "/invitation/nobody:forged/" if nowhere else world.invitation.path
    if "e-mails" in route:
        values["kind"] = "decided"
    if "/banned/" in route:
        values["form"] = "csv"
    if "/cards/" in route:
        values["kind"] = "webp"
    if route.startswith("fonts/"):
        values["form"] = "ttf"
    if route.startswith("shared/"):
        shown, made = world.draft.scenes.first(), world.draft.variants.first()
        assert shown is not None
        assert made is not None
        values |= {"token": world.link, "asset_id": shown.asset_id, "rendition_id": made.rendition_id}
    if nowhere:
        values["token"] = "no-such-token"
        values |= dict.fromkeys(("story_id", "asset_id", "rendition_id", "list_id"), NOWHERE)
        values |= dict.fromkeys(
            ("job_id", "key_id", "review_id", "proposal_id", "consent_id", "brand_id", "notice_id", "endpoint_id",
             "bank_id", "schedule_id"),
            NO_NUMBER,
        )
        values |= dict.fromkeys(("session_id", "workspace_id", "membership_id"), NO_NUMBER)
        values["invitation_id"] = NOWHERE
        values["object_id"] = values["id"] = NOWHERE if "story" in route or "asset" in route else NO_NUMBER
        values["weight"] = "Thin"
    return "/" + re.sub(r"<(?:\w+:)?(\w+)>", lambda found: str(values[found.group(1)]), route)


def body(route: str, world: World) -> dict[str, Any]:
    """The arguments of Client.post that make a route do what it is for."""
    if route == "stories/<uuid:story_id>/comments/":
        return {"data": json.dumps({"do": "say", "text": "Shorter, please."}), "content_type": "application/json"}
    if route == "stories/<uuid:story_id>/edit/":
        scene = world.draft.scenes.first()
        assert scene is not None
        said = {"do": "edit_scene", "version": world.draft.version, "scene": str(scene.pk), "narration": "New words."}
        return {"data": json.dumps(said), "content_type": "application/json"}
    clause = moderation.clauses(moderation.active_policy(world.cast.workspace.pk))[0][0]
    forms: dict[str, dict[str, Any]] = {
        "": {"article": "The harbour got a new lighthouse. Fishers had asked for it.", "formats": ["card:1x1"],
             "seconds": "20", "tone": "calm"},
        "stories/<uuid:story_id>/versions/": {"name": "As agreed"},
        "stories/<uuid:story_id>/share/": {"note": "Dana", "days": "3"},
        "shared/<str:token>/": {"name": "Dana", "text": "Looks good."},
        "stories/<uuid:story_id>/render/": {"step": "renditions"},
        "stories/<uuid:story_id>/publish/": {"channel": [str(world.channel.pk)]},
        "stories/<uuid:story_id>/withdraw/": {"publication": str(world.publication.pk), "reason": "A mistake."},
        "library/picture/": {"picture": SimpleUploadedFile("a.png", b"no picture"), "asked": "kind=image"},
        "library/selection/": {"do": "tag", "tags": "river", "asset": [str(world.asset.pk)]},
        "library/copies/": {"do": "refresh"},
        "library/collections/": {"do": "create", "name": "Spring"},
        "library/uploads/": {
            "data": b"", "content_type": "text/plain",
            "headers": {"Tus-Resumable": "1.0.0", "Upload-Length": "9", "Upload-Metadata": "filename YS5wbmc="},
        },
        "library/import/": {"uploads": SimpleUploadedFile("a.png", b"\x89PNG"), "licence": "CC0 1.0", "tags": "river"},
        "settings/pronunciations/": {"lines": "Nguyen = win"},
        "settings/voices/": {
            "name": secrets.token_hex(4), "speaker": "Rita River", "statement": "Use it.", "given": "2026-01-05",
            "file": SimpleUploadedFile("rita.wav", write_wav(None, np.full(4 * 8_000, 900, np.int16), 8_000)),
        },
        "settings/brands/": {"name": secrets.token_hex(4), "paper_accent": "#7a1f5c"},
        "settings/brands/<int:brand_id>/": {"name": "River", "is_default": "on"},
        "settings/engines/choose/": {"role": "voice", "name": "coqui"},
        "settings/costs/": {"day": "10", "time_zone": "UTC"},
        "settings/policies/": {"do": "propose", "yaml": moderation.shipped_yaml(), "note": "As before"},
        "settings/policies/<int:version>/": {"do": "dry-run"},
        "settings/banned/": {
            "do": "import", "name": "Given", "file": SimpleUploadedFile("a.csv", b"raw_indicator\n" + b"a5" * 32)
        },
        "settings/account/": {"do": "keep", "first_name": "Alice", "last_name": "", "language": ""},
        "settings/people/": {"role": "editor", "address": ""},
        "settings/people/<int:membership_id>/role/": {"role": "moderator"},
        "invitation/<str:token>/": {
            "first_name": "Nora", "email": "nora@example.org", "password": "a-river-runs-under-the-bridge"
        },
        "account/password/reset/": {"email": f"{secrets.token_hex(4)}@example.org"},
        "settings/notices/": {"hour": "7", "time_zone": "Europe/Berlin", **{f"mail_{kind}": "now" for kind in USUAL}},
        "settings/channels/webhooks/": {
            "channel": str(world.channel.pk), "url": "https://river.example/other", "types": ["content.updated"]
        },
        "settings/channels/webhooks/<int:endpoint_id>/": {"do": "ping"},
        "settings/channels/": {"add": "channel", "name": "Feed", "slug": "feed", "surface": "site"},
        "sign-in/": {"login": "alice", "password": "alice-has-a-long-password"},
        "admin/review/<int:review_id>/": {
            "verb": "reject", "version": str(world.review.version), "reason": "quality", "clause": clause, "note": "No."
        },
    }  # fmt: skip
    return {"data": forms.get(route, {})}


def clients(world: World) -> dict[str, Client]:
    """Who asks: a browser each, and two apps with keys."""
    people = {
        "author": world.cast.alice, "editor": world.cast.bob, "moderator": world.cast.mo, "admin": world.cast.ada,
        "owner": world.owner, "stranger": world.cast.charlie,
    }  # fmt: skip
    made = {"anonymous": Client()}
    for name, user in people.items():
        made[name] = Client()
        made[name].force_login(user, backend="django.contrib.auth.backends.ModelBackend")
    made["key"] = Client(headers={"Authorization": f"Bearer {world.secret}"})
    made["other_key"] = Client(headers={"Authorization": f"Bearer {world.other_secret}"})
    return made
