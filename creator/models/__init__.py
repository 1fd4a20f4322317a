"""The nouns of the application."""

from creator.models.audit import AuditEntry
from creator.models.brand import Brand, VoiceConsent
from creator.models.job import Event, Job, Worker
from creator.models.publication import ApiKey, Channel, Publication
from creator.models.story import Alternative, Brief, Revision, Scene, Story, Variant
from creator.models.workspace import Collection, Membership, User, Workspace

__all__ = [
    "Alternative", "ApiKey", "AuditEntry", "Brand", "Brief", "Channel", "Collection", "Event", "Job", "Membership",
    "Publication", "Revision", "Scene", "Story", "User", "Variant", "VoiceConsent", "Worker", "Workspace",
]
