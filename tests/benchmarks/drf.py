"""The same list from Django REST Framework with its usual serializers, mounted beside ours: what to compare with."""

from __future__ import annotations

import hashlib
from typing import Any

from django.urls import path
from rest_framework import authentication, exceptions, generics, pagination, serializers

from creator.models import ApiKey, Publication
from creator.services.links import base_url
from creator.urls import urlpatterns as ours
from media_processing.models import Rendition


class KeyAuthentication(authentication.BaseAuthentication):
    """A key's hash in the table, as TokenAuthentication looks for a token."""

    def authenticate(self, request: Any) -> Any:
        secret = request.headers.get("Authorization", "").removeprefix("Bearer ")
        rows = ApiKey.objects.filter(digest=hashlib.sha256(secret.encode()).hexdigest(), revoked__isnull=True)
        key = rows.select_related("channel__workspace").first()
        if key is None:
            raise exceptions.AuthenticationFailed
        return key, key


class RenditionSerializer(serializers.ModelSerializer):  # type: ignore[type-arg]
    url = serializers.SerializerMethodField()

    class Meta:
        model = Rendition
        fields = ("id", "recipe", "content_type", "digest", "size", "width", "height", "seconds", "url")

    def get_url(self, rendition: Rendition) -> str:
        return f"{base_url()}/api/v1/renditions/{rendition.pk}"


class StorySerializer(serializers.ModelSerializer):  # type: ignore[type-arg]
    title = serializers.CharField(source="story.title")
    summary = serializers.CharField(source="story.summary")
    hashtags = serializers.JSONField(source="story.hashtags")
    renditions = RenditionSerializer(many=True)

    class Meta:
        model = Publication
        fields = ("id", "title", "summary", "language", "hashtags", "published", "updated", "renditions")


class Pages(pagination.CursorPagination):
    ordering = ("-published", "id")
    page_size = 20


class Stories(generics.ListAPIView):  # type: ignore[type-arg]
    authentication_classes = (KeyAuthentication,)
    permission_classes = ()
    serializer_class = StorySerializer
    pagination_class = Pages

    def get_queryset(self) -> Any:
        rows = Publication.objects.live().filter(channel=self.request.auth.channel_id).defer("document")
        return rows.select_related("story").prefetch_related("renditions")


urlpatterns = [path("drf/stories", Stories.as_view()), *ours]
