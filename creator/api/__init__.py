"""The content API, version 1: what downstream apps read and write. Routers are thin; the work is in services."""

from __future__ import annotations

from creator.api import (
    assets,
    channels,
    drafts,
    events,
    jobs,
    lists,
    renditions,
    reports,
    reviews,
    schedules,
    search,
    stories,
    verify,
)
from creator.api.contract import ContentAPI, guarded, telling_ends
from creator.api.errors import handle_errors

api = ContentAPI(
    title="Storyloom content API",
    version="1",
    description="Approved stories of a channel, with renditions and captions; making, reviewing and publishing them; "
    "the library, for keys that may search.",
    urls_namespace="api",
    docs_url="/docs",
)
handle_errors(api)
api.add_decorator(guarded, mode="operation")
api.add_decorator(telling_ends, mode="view")
api.add_router("/stories", stories.router)
api.add_router("/stories", drafts.router)
api.add_router("/stories", schedules.router)
api.add_router("/drafts", drafts.lists)
api.add_router("/renditions", renditions.router)
api.add_router("/search", search.router)
api.add_router("/assets", assets.router)
api.add_router("/channels", channels.router)
api.add_router("/jobs", jobs.router)
api.add_router("/reviews", reviews.router)
api.add_router("/reports", reports.router)
api.add_router("/verify", verify.router)
api.add_router("/lists", lists.router)
api.add_router("/stories", lists.variants)
api.add_router("/events", events.router)
