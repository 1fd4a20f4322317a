"""The nouns of the application."""

from creator.models.api_key import ApiKey, IdempotentCall
from creator.models.audit import AuditEntry
from creator.models.brand import Brand, VoiceConsent
from creator.models.history import Operation, StoryVersion
from creator.models.incoming import Incoming
from creator.models.job import Event, Job, Worker
from creator.models.notice import Notice
from creator.models.publication import Channel, Publication
from creator.models.ranking import (
    CoinTally,
    DailySalt,
    Interaction,
    OfferedList,
    PublishedTerms,
    Ranker,
    Tally,
)
from creator.models.schedule import Schedule
from creator.models.story import Alternative, Brief, Revision, Scene, Story, Variant
from creator.models.together import Comment, Presence, ReviewLink
from creator.models.upload import Upload
from creator.models.webhook import Delivery, Endpoint, EndpointSecret, Message
from creator.models.workspace import Collection, Invitation, Membership, User, Workspace

__all__ = [
    "Alternative",
    "ApiKey",
    "AuditEntry",
    "Brand",
    "Brief",
    "Channel",
    "CoinTally",
    "Collection",
    "Comment",
    "DailySalt",
    "Delivery",
    "Endpoint",
    "EndpointSecret",
    "Event",
    "IdempotentCall",
    "Incoming",
    "Interaction",
    "Invitation",
    "Job",
    "Membership",
    "Message",
    "Notice",
    "OfferedList",
    "Operation",
    "Presence",
    "Publication",
    "PublishedTerms",
    "Ranker",
    "ReviewLink",
    "Revision",
    "Scene",
    "Schedule",
    "Story",
    "StoryVersion",
    "Tally",
    "Upload",
    "User",
    "Variant",
    "VoiceConsent",
    "Worker",
    "Workspace",
]
