"""Forms of the pages. One that a single view shows may stand beside that view."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, get_args

from django import forms
from django.core.files.uploadedfile import UploadedFile
from django.utils.translation import gettext_lazy as _

from creator.models import Channel, User
from creator.services import brands, drafting, keys, stories
from media_processing import fonts
from media_processing.models import Asset
from media_processing.timeline import CaptionMotion, Look
from moderation.models import Review
from moderation.services import REASONS

if TYPE_CHECKING:
    ChannelModelForm = forms.ModelForm[Channel]
else:
    ChannelModelForm = forms.ModelForm

LENGTHS = ((20, "~20 s"), (40, "~40 s"), (60, "~1 min"), (90, "~90 s"))
LICENCES = ("Own work", "CC0 1.0", "CC BY 4.0", "CC BY-SA 4.0", "Licensed", "Public domain")
MAX_ARTICLE = 2_000_000
"""Bytes of an article's file."""


class BriefForm(forms.Form):
    """What the editor asks for."""

    article = forms.CharField(
        required=False, max_length=400_000, strip=True, label=_("What's the story?"), widget=forms.Textarea
    )
    file = forms.FileField(required=False, label=_("Attach an article"), allow_empty_file=False)
    formats = forms.MultipleChoiceField(
        widget=forms.CheckboxSelectMultiple, label=_("Formats"),
        error_messages={"required": _("Choose at least one format.")},
    )  # fmt: skip
    language = forms.ChoiceField(label=_("Language"), required=False)
    seconds = forms.TypedChoiceField(choices=LENGTHS, coerce=int, initial=40, label=_("Length"))
    tone = forms.ChoiceField(
        choices=[(name, _(said)) for name, said in drafting.TONES.items()], initial="calm", label=_("Tone")
    )
    audience = forms.CharField(required=False, max_length=200, label=_("Audience"))

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        formats = stories.formats_offered()
        self.fields["formats"].choices = formats  # type: ignore[attr-defined]
        self.fields["formats"].initial = [value for value, _title in formats if value in ("video:9x16", "card:1x1")]
        self.fields["language"].choices = [("", _("Article's language")), *stories.languages_offered()]  # type: ignore[attr-defined]

    def clean_file(self) -> UploadedFile[Any] | None:
        file: UploadedFile[Any] | None = self.cleaned_data["file"]
        if file and (file.size or 0) > MAX_ARTICLE:
            raise forms.ValidationError(_("That file is larger than 2 MB. Paste the part that matters."))
        return file

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or {}
        if not self.errors and not cleaned.get("article") and not cleaned.get("file"):
            self.add_error("article", _("Paste an article, a link or a few notes, or attach a file."))
        return cleaned

    def wish(self) -> dict[str, Any]:
        """The arguments of stories.create."""
        cleaned = self.cleaned_data
        wish: dict[str, Any] = {
            name: cleaned[name] for name in ("formats", "language", "seconds", "tone", "audience")
        }
        if cleaned.get("file"):
            file = cleaned["file"]
            return {**wish, "article": file.read(), "name": file.name, "content_type": file.content_type or ""}
        if re.fullmatch(r"https?://\S+", cleaned["article"]):
            return {**wish, "url": cleaned["article"]}
        return {**wish, "article": cleaned["article"]}


class _FilesInput(forms.ClearableFileInput):
    allow_multiple_selected = True


class _FilesField(forms.FileField):
    """Several files."""

    widget = _FilesInput

    def clean(self, data: Any, initial: Any = None) -> list[UploadedFile[Any]]:
        if not data:
            raise forms.ValidationError(_("Choose at least one file."))
        return [super(_FilesField, self).clean(file, initial) for file in data]


class ImportForm(forms.Form):
    """Files for the library."""

    uploads = _FilesField(label=_("Files"), allow_empty_file=True)
    licence = forms.CharField(max_length=100, label=_("Licence"), initial="Own work")
    credit = forms.CharField(required=False, max_length=200, label=_("Credit"))
    tags = forms.CharField(required=False, max_length=300, label=_("Tags"), help_text=_("With commas: river, trees"))

    def clean_tags(self) -> list[str]:
        return [tag for tag in (word.strip() for word in self.cleaned_data["tags"].split(",")) if tag]


class DecisionForm(forms.Form):
    """A moderator's decision on a case. Only the approval of what nobody said a word against needs no grounds."""

    verb = forms.ChoiceField(choices=(("approve", "Let it through"), ("reject", "Hold it back")))
    version = forms.IntegerField(min_value=1, widget=forms.HiddenInput)
    reason = forms.ChoiceField(choices=(("", _("Choose a reason")), *REASONS), required=False, label=_("Reason"))
    clause = forms.CharField(required=False, max_length=60, label=_("Policy clause"))
    note = forms.CharField(required=False, max_length=2000, widget=forms.Textarea, label=_("Note to the author"))

    def __init__(self, *args: Any, review: Review, **kwargs: Any) -> None:
        asked = [reason["clause"] for reason in review.reasons if reason.get("clause")]
        kwargs.setdefault("initial", {"version": review.version, "clause": asked[0] if asked else ""})
        super().__init__(*args, **kwargs)
        self.clean_case = review.kind == Review.Kind.SUBMISSION and not review.reasons

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or {}
        if cleaned.get("verb") == "approve" and self.clean_case:
            cleaned["reason"] = cleaned.get("reason") or "within_policy"
            return cleaned
        if not cleaned.get("reason"):
            self.add_error("reason", _("Say why, so that the author knows what to change."))
        if not cleaned.get("clause"):
            self.add_error("clause", _("Say which rule you applied."))
        return cleaned


SURFACES = (("site", _("Site")), ("app", _("App")), ("ads", _("Ads")), ("internal", _("Internal")))


class ChannelForm(ChannelModelForm):
    """A place to publish to."""

    surface = forms.ChoiceField(
        choices=SURFACES,
        help_text=_("Which thresholds of the policy hold for it."),
    )

    class Meta:
        model = Channel
        fields = ("name", "slug", "surface")
        labels = {"slug": _("Name in addresses")}  # noqa: RUF012


class ConsentForm(forms.Form):
    """Somebody's word that their voice may be imitated."""

    name = forms.CharField(max_length=60, label=_("Name of the voice"), help_text=_("As editors choose it."))
    speaker = forms.CharField(max_length=120, label=_("Whose voice it is"))
    statement = forms.CharField(
        max_length=4000, label=_("What the person agreed to, in their words"),
        widget=forms.Textarea(attrs={"rows": 4}),
    )  # fmt: skip
    given = forms.DateField(label=_("When"), widget=forms.DateInput(attrs={"type": "date"}))
    file = forms.FileField(
        required=False, label=_("A recording of the person"), help_text=_("3 to 30 seconds of speech.")
    )
    asset = forms.ModelChoiceField(
        Asset.objects.none(), required=False, label=_("Or one of the library"), empty_label=_("None")
    )

    def __init__(self, *args: Any, workspace_id: int, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        sounds = Asset.objects.in_workspace(workspace_id).filter(kind=Asset.Kind.AUDIO).order_by("title")
        self.fields["asset"].queryset = sounds  # type: ignore[attr-defined]

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or {}
        if not self.errors and not cleaned.get("file") and not cleaned.get("asset"):
            self.add_error("file", _("Attach a recording of the person, or choose one of the library."))
        return cleaned

    def consent(self) -> dict[str, Any]:
        """The arguments of voices.record."""
        said = self.cleaned_data
        words: dict[str, Any] = {name: said[name] for name in ("name", "speaker", "statement", "given")}
        return {**words, "sample": said["file"] or said["asset"]}


class BrandForm(forms.Form):
    """What a workspace's stories wear."""

    name = forms.CharField(max_length=100, label=_("Name"), help_text=_("Stands on cards where there is no logo."))
    is_default = forms.BooleanField(required=False, label=_("Stories that name no brand wear this one"))
    logo = forms.ModelChoiceField(Asset.objects.none(), required=False, label=_("Logo"), empty_label=_("None"))
    file = forms.FileField(
        required=False, label=_("Or upload one"), widget=forms.FileInput(attrs={"accept": "image/*"}),
        help_text=_("A PNG or WebP without a background."),
    )  # fmt: skip
    headline = forms.ChoiceField(required=False, label=_("Font of headlines"))
    text = forms.ChoiceField(required=False, label=_("Font of other text"))
    caption_style = forms.ChoiceField(required=False, label=_("Captions"))
    intro = forms.ModelChoiceField(
        Asset.objects.none(), required=False, label=_("Videos begin with"), empty_label=_("None")
    )
    outro = forms.ModelChoiceField(
        Asset.objects.none(), required=False, label=_("Videos end with"), empty_label=_("None")
    )

    def __init__(self, *args: Any, workspace_id: int, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        own = Asset.objects.in_workspace(workspace_id).order_by("title")
        shown = own.filter(kind__in=(Asset.Kind.IMAGE, Asset.Kind.VIDEO))
        for name, assets in (("logo", own.filter(kind=Asset.Kind.IMAGE)), ("intro", shown), ("outro", shown)):
            self.fields[name].queryset = assets  # type: ignore[attr-defined]
        families = [("", _("The program's own")), *fonts.families().items()]
        for name in brands.FONTS:
            self.fields[name].choices = families  # type: ignore[attr-defined]
        motions = [("", _("The program's own")), *((each, _(each.capitalize())) for each in get_args(CaptionMotion))]
        self.fields["caption_style"].choices = motions  # type: ignore[attr-defined]
        for name, label in brands.COLOURS.items():
            usual = getattr(Look(), name)
            self.fields[name] = forms.CharField(
                required=False, max_length=30, label=_(label), initial=usual,
                widget=forms.TextInput(attrs={"type": "color", "data-usual": usual}),
            )  # fmt: skip

    def colours(self) -> dict[str, str]:
        """Those that aren't the program's own."""
        said = {name: self.cleaned_data[name] for name in brands.COLOURS}
        return {name: colour for name, colour in said.items() if colour.upper() != getattr(Look(), name)}

    def brand(self) -> dict[str, Any]:
        """The arguments of brands.keep."""
        said = self.cleaned_data
        return {
            "name": said["name"], "colours": self.colours(),
            "font_families": {name: said[name] for name in brands.FONTS}, "caption_style": said["caption_style"],
            "logo": said["file"] or said["logo"], "intro": said["intro"], "outro": said["outro"],
            "is_default": said["is_default"],
        }  # fmt: skip


class KeyForm(forms.Form):
    """An app's key to a channel: what it may do there, in whose name, how long and how often."""

    channel = forms.ModelChoiceField(Channel.objects.none(), label=_("Channel"), empty_label=None)
    name = forms.CharField(max_length=100, label=_("App"))
    scopes = forms.MultipleChoiceField(
        required=False, label=_("It may"), initial=["stories:read"],
        choices=[(name, _(said)) for name, said in keys.SCOPES.items()], widget=forms.CheckboxSelectMultiple,
    )  # fmt: skip
    person = forms.ModelChoiceField(
        User.objects.none(), required=False, label=_("In the name of"), empty_label=_("Nobody: the app itself"),
        help_text=_("It may never do more than this person. Reviews need a moderator."),
    )  # fmt: skip
    days = forms.TypedChoiceField(
        required=False, coerce=int, empty_value=None, label=_("Ends"), initial=365,
        choices=[(30, _("In 30 days")), (90, _("In 90 days")), (365, _("In a year")), ("", _("Never"))],
    )  # fmt: skip
    rate = forms.IntegerField(
        required=False, min_value=1, max_value=1_000_000, initial=keys.RATE, label=_("Requests a minute")
    )

    def __init__(self, *args: Any, workspace_id: int, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        people = User.objects.filter(memberships__workspace=workspace_id, is_active=True).order_by("username")
        self.fields["channel"].queryset = Channel.objects.filter(workspace_id=workspace_id)  # type: ignore[attr-defined]
        self.fields["person"].queryset = people  # type: ignore[attr-defined]

    def wish(self) -> dict[str, Any]:
        """The arguments of keys.make."""
        said = self.cleaned_data
        return {
            "name": said["name"], "scopes": said["scopes"] or ["stories:read"], "person": said["person"],
            "days": said["days"], "rate": said["rate"] or keys.RATE,
        }  # fmt: skip
