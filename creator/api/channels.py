"""The channel of a key, and where its feeds are."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from django.http import Http404, HttpRequest, HttpResponse
from ninja import Router, Schema
from pydantic import Field

from creator.api.contract import answers, sent
from creator.api.keys import ChannelKey, key_of
from creator.models import Channel
from creator.services import feeds

if TYPE_CHECKING:
    Sound = str
else:
    Sound = Literal[("", *Channel.Sound.values)]
router = Router(tags=["channels"], auth=ChannelKey())


class ChannelItem(Schema):
    """Where a workspace publishes to."""

    slug: str
    name: str
    surface: str = Field(description="Which thresholds of the policy hold for it.")
    public: bool = Field(description="Its feeds need no key.")
    labelled: bool = Field(description="Cards and videos show that they were made with AI.")
    sound: Sound = Field(
        description="Whether videos are offered as sound alone, and when a voice in it says that it was made with AI."
    )
    feeds: dict[str, str] = Field(description='Kind of feed ("json", "atom", "rss", "sitemap") -> its address.')
    scopes: list[str] = Field(description="What this key may do there.")


class ChannelList(Schema):
    """The channels that a key opens."""

    items: list[ChannelItem]


def _told(channel: Channel, scopes: list[str]) -> ChannelItem:
    return ChannelItem(
        slug=channel.slug, name=channel.name, surface=channel.surface, public=channel.public, scopes=scopes,
        labelled=channel.labelled, sound=channel.sound,
        feeds={kind: feeds.address(channel, kind) for kind in feeds.KINDS},
    )  # fmt: skip


@router.get("", response=answers(ChannelList), summary="Channels of the key")
def list_channels(request: HttpRequest) -> HttpResponse:
    """A key is of one channel. Any scope."""
    key = key_of(request)
    return sent(ChannelList(items=[_told(key.channel, key.scopes)]))


@router.get("/{slug:slug}", response=answers(ChannelItem), summary="One channel")
def get_channel(request: HttpRequest, slug: str) -> HttpResponse:
    """The key's channel; any other is not there for it. Any scope."""
    key = key_of(request)
    if slug != key.channel.slug:
        raise Http404
    return sent(_told(key.channel, key.scopes))
