"""Every address of the application."""

from __future__ import annotations

from django.urls import URLPattern, URLResolver, path, re_path
from django.views.generic import RedirectView

from creator.admin import site
from creator.api import api
from creator.api.errors import anything_else
from creator.views import (
    alternatives,
    asking,
    brands,
    cards,
    copies,
    costs,
    drafts,
    events,
    exchange,
    fonts,
    health,
    illustrator,
    jobs,
    library,
    media,
    music,
    places,
    pronunciations,
    recording,
    settings,
    shelves,
    signing,
    stories,
    studio,
    tools,
    transcripts,
    voices,
    wording,
)

urlpatterns: list[URLPattern | URLResolver] = [
    path("", stories.index, name="stories"),
    path("stories/<uuid:story_id>/", studio.story, name="story"),
    path("stories/<uuid:story_id>/tile/", stories.tile, name="story-tile"),
    path("stories/<uuid:story_id>/document/", studio.data, name="story-document"),
    path("stories/<uuid:story_id>/acts/", studio.acts, name="story-acts"),
    path("stories/<uuid:story_id>/edit/", studio.edit, name="story-edit"),
    *(
        path(f"stories/<uuid:story_id>/{verb}/", studio.act, {"verb": verb}, name=f"story-{verb}")
        for verb in studio.ACTS
    ),
    path("stories/<uuid:story_id>/recording/", recording.upload, name="story-recording"),
    path("stories/<uuid:story_id>/translate/", wording.translate, name="story-translate"),
    path("stories/<uuid:story_id>/exchange/", exchange.page, name="story-exchange"),
    path(
        "stories/<uuid:story_id>/exchange/<int:variant_id>.zip", exchange.download, name="story-exchange-download"
    ),
    path("stories/<uuid:story_id>/drafts/", drafts.page, name="story-drafts"),
    path("stories/<uuid:story_id>/drafts/offered/", drafts.offered, name="story-drafts-offered"),
    path("stories/<uuid:story_id>/cards/<str:form>.<slug:kind>", cards.card, name="story-card"),
    path("library/", library.index, name="library"),
    path("library/import/", library.bring_in, name="library-import"),
    path("library/import/<int:job_id>/", library.import_state, name="library-import-state"),
    path("library/picture/", asking.take_picture, name="library-picture"),
    path("library/selection/", shelves.selection, name="library-selection"),
    path("library/collections/", shelves.collections_page, name="collections"),
    path("library/copies/", copies.page, name="copies"),
    path("library/<uuid:asset_id>/", library.asset, name="asset"),
    path("library/<uuid:asset_id>/again/", alternatives.again_in_library, name="asset-again"),
    path("library/<uuid:asset_id>/tools/", tools.page, name="asset-tools"),
    path("library/<uuid:asset_id>/transcript/", transcripts.page, name="transcript"),
    path("library/<uuid:asset_id>/transcript/act/", transcripts.act, name="transcript-act"),
    path("jobs/", jobs.index, name="jobs"),
    path("jobs/tray/", jobs.tray, name="jobs-tray"),
    path("jobs/<int:job_id>/cancel/", jobs.cancel, name="job-cancel"),
    path("jobs/<int:job_id>/retry/", jobs.retry, name="job-retry"),
    path("settings/", RedirectView.as_view(pattern_name="engines"), name="settings"),
    path("palette/", places.palette, name="palette"),
    path("settings/appearance/", places.appearance, name="appearance"),
    path("settings/engines/", settings.engines_page, name="engines"),
    path("settings/engines/choose/", settings.choose_engine, name="engine-choose"),
    path("settings/pronunciations/", pronunciations.index, name="pronunciations"),
    path("settings/pronunciations/heard.wav", pronunciations.heard, name="pronunciations-heard"),
    path("settings/brands/", brands.page, name="brands"),
    path("settings/brands/<int:brand_id>/", brands.page, name="brand"),
    path("settings/brands/<int:brand_id>/remove/", brands.remove, name="brand-remove"),
    path("settings/brands/tried.webp", brands.tried, name="brand-tried"),
    path("settings/voices/", voices.page, name="voices"),
    path("settings/voices/heard.wav", voices.heard, name="voice-heard"),
    path("settings/voices/<int:consent_id>/withdraw/", voices.withdraw, name="voice-withdraw"),
    path("settings/illustrator/", illustrator.index, name="illustrator"),
    path("settings/illustrator/drawn.webp", illustrator.tried, name="illustrator-tried"),
    path("settings/illustrator/<slug:kind>/<slug:name>.webp", illustrator.small, name="illustrator-small"),
    path("settings/costs/", costs.page, name="costs"),
    path("settings/costs.csv", costs.as_csv, name="costs-csv"),
    path("settings/channels/", settings.channels, name="channels"),
    path("settings/channels/keys/<int:key_id>/revoke/", settings.revoke_key, name="key-revoke"),
    path("sign-in/", signing.sign_in, name="sign-in"),
    path("sign-in/link/", signing.link, name="sign-in-link"),
    path("sign-out/", signing.sign_out, name="sign-out"),
    path("events/", events.stream, name="events"),
    path("events/poll/", events.poll, name="events-poll"),
    path("music/<slug:mood>.wav", music.sample, name="music-sample"),
    path("media/renditions/<uuid:rendition_id>/", media.rendition, name="rendition"),
    path("media/assets/<uuid:asset_id>/", media.asset, name="asset-file"),
    path("media/assets/<uuid:asset_id>/thumbnail/", media.thumbnail, name="thumbnail"),
    path("media/assets/<uuid:asset_id>/sprite/", media.sprite, name="sprite"),
    path("media/questions/<str:token>/", asking.kept_picture, name="query-picture"),
    path("media/assets/<uuid:asset_id>/blurred/", media.blurred, name="blurred"),
    path("fonts/<str:family>-<str:weight>.ttf", fonts.font, name="font"),
    path("healthz", health.healthz, name="healthz"),
    path("admin/", site.urls),
    path("api/v1/", api.urls),
    re_path(r"^api/", anything_else),
]

handler403 = "creator.views.errors.forbidden"
handler404 = "creator.views.errors.not_found"
handler500 = "creator.views.errors.broken"
