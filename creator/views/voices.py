"""Settings: the voices of the engine, to be heard, and whose voices may be imitated."""

from __future__ import annotations

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from creator.access import may, workspace_for
from creator.forms import ConsentForm
from creator.models import VoiceConsent, Workspace
from creator.services import choices, voices
from creator.views.people import person_of
from generation.engines.base import Speaker
from media_processing.engine import EngineError

LONGEST = 200
"""Characters that may be heard at once."""


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def page(request: HttpRequest) -> HttpResponse:
    """The engine's voices for a language, and the consents; a POST writes one down. Consents are for admins."""
    workspace = workspace_for(request.user, to="manage" if request.method == "POST" else "see")
    form = ConsentForm(request.POST or None, request.FILES or None, workspace_id=workspace.pk)
    if request.method == "POST" and form.is_valid():
        try:
            consent = voices.record(workspace, by=person_of(request), **form.consent())
        except EngineError as refused:
            form.add_error(None, f"{refused.message} {refused.next_step}".strip())
        else:
            messages.success(request, gettext("“%(name)s” may be chosen in the studio.") % {"name": consent.name})
            return redirect("voices")
    language = request.GET.get("language", "en")
    language = language if language in choices.LANGUAGES else "en"
    offered, error = _offered(workspace, language)
    engine = choices.engine("voice", workspace)
    can_manage = may(request.user, "manage")
    context = {
        "engine": engine, "offered": offered, "error": error, "language": language,
        "languages": choices.LANGUAGES.items(), "heard": not engine.leaves_the_machine, "example": _example(language),
        "form": form, "can_manage": can_manage, "tab": "voices", "longest": LONGEST,
        "consents": _consents(workspace) if can_manage else [],
    }  # fmt: skip
    return render(request, "settings/voices.html", context, status=422 if request.method == "POST" else 200)


def _offered(workspace: Workspace, language: str) -> tuple[list[Speaker], EngineError | None]:
    engine = choices.engine("voice", workspace)
    for problem in engine.problems():
        return [], problem
    if not engine.speaks(language):
        step = "Choose another language, or another voice under Settings > Engines."
        return [], EngineError(f"{engine.title} has no voice for {choices.LANGUAGES[language]}.", next_step=step)
    try:
        return voices.offered(workspace, language), None
    except EngineError as error:
        return [], error


def _consents(workspace: Workspace) -> list[tuple[VoiceConsent, int]]:
    """Each with the number of stories that have chosen its voice."""
    kept = VoiceConsent.objects.filter(workspace=workspace).select_related("sample", "recorded_by")
    return [(each, voices.users_of(each).count()) for each in kept]


def _example(language: str) -> str:
    """What is heard where nobody typed anything: the language's own name, which all but one voice can read."""
    name = choices.LANGUAGES[language] if language != "ja" else "にほんご"
    return f"{name}. 1, 2, 3, 4, 5."


@login_required
@require_safe
def heard(request: HttpRequest) -> HttpResponse:
    """A voice as it sounds: a WAV. 404 for too many words, one that isn't there, and an engine that costs money."""
    workspace = workspace_for(request.user)
    engine = choices.engine("voice", workspace)
    language = request.GET.get("language", "")
    if language not in choices.LANGUAGES or engine.leaves_the_machine:
        raise Http404("Nothing to hear.")
    said = request.GET.get("said", "").replace("\x00", "").strip() or _example(language)
    if len(said) > LONGEST:
        raise Http404("Too much to hear.")
    try:
        voice = request.GET.get("voice", "")
        voices.check(workspace, language, voice)
        speech = voices.speak(workspace, said, language=language, voice=voice)
    except EngineError as error:
        raise Http404(error.message) from error
    return HttpResponse(speech.sound, content_type="audio/wav", headers={"Cache-Control": "private, max-age=3600"})


@login_required
@require_POST
def withdraw(request: HttpRequest, consent_id: int) -> HttpResponse:
    """End a consent, and say which stories need another voice."""
    workspace = workspace_for(request.user, to="manage")
    consent = get_object_or_404(VoiceConsent, pk=consent_id, workspace=workspace)
    stories = voices.withdraw(consent, by=person_of(request))
    said = f"Nothing is spoken in the voice of {consent.speaker} any more."
    if stories:
        names = ", ".join(f"“{story.title or 'Untitled story'}”" for story in stories[:5])
        more = f" and {len(stories) - 5} more" if len(stories) > 5 else ""
        said += f" Choose another voice for {names}{more}: until then they can't be spoken anew."
    messages.success(request, said)
    return redirect("voices")
