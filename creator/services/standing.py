"""How assets stand with moderation, as a filter of the library: what the active policy makes of their pictures."""

from __future__ import annotations

from typing import Any

from django.db.models import CharField, F, FloatField, Func, Q, QuerySet, Value
from django.db.models.expressions import Case, When
from django.db.models.fields.json import KeyTextTransform
from django.db.models.functions import Cast
from django.db.models.lookups import GreaterThanOrEqual
from django.utils.translation import gettext_noop

from creator.models import Scene, Workspace
from creator.services.judging import SURFACE
from moderation import services as moderation
from moderation.models import Verdict
from search import services as search
from search.models import Moment

STATES = {
    "pass": "Passed",
    "review": "Needs a look",
    "block": "Blocked",
    "banned": "Banned",
    "unjudged": "Not judged yet",
}


class FrameDigest(Func):
    """`moderation.frame_digest` in SQL: names the frame of a file at a second."""

    output_field = CharField()
    arity = 2

    def as_sqlite(self, compiler: Any, connection: Any, **context: Any) -> Any:
        return self.as_sql(compiler, connection, template="SHA256({0} || '@' || printf('%%.3f', {1}))", **context)

    def as_postgresql(self, compiler: Any, connection: Any, **context: Any) -> Any:
        second = "to_char({1}::numeric, 'FM999999999990.000')"
        template = f"encode(sha256(convert_to({{0}} || '@' || {second}, 'UTF8')), 'hex')"
        return self.as_sql(compiler, connection, template=template, **context)

    def as_sql(self, compiler: Any, connection: Any, template: str = "", **_context: Any) -> Any:  # type: ignore[override]
        compiled = [compiler.compile(each) for each in self.source_expressions]
        return template.format(*(sql for sql, _ in compiled)), [value for _, params in compiled for value in params]


def state_filter(workspace: Workspace) -> search.Filter:
    """The filter `state:`. An asset stands as the gravest verdict on any of its frames says that a story has shown.

    As `moderation.weigh` does, but for scores in categories that the policy doesn't name: those it can't see.
    """
    verdicts = Verdict.objects.filter(workspace=workspace, kind="picture")
    if not verdicts.exists():
        return _filter({"unjudged": Q()})
    rules = moderation.active_policy(workspace.pk).rules
    levels = rules.get("surfaces", {}).get(SURFACE, {})
    expected = rules.get("expects", {}).get("picture", list(levels))

    def having(level: str, *, banned: bool | None = None) -> QuerySet[Verdict]:
        over = Q(pk__in=[])
        for category, thresholds in levels.items():
            if level in thresholds and banned in (None, category == "banned"):
                score = Cast(KeyTextTransform(category, "scores"), FloatField())
                over |= Q(GreaterThanOrEqual(score, Value(float(thresholds[level]))))
        return verdicts.filter(over)

    def of(found: QuerySet[Verdict]) -> Q:
        """The assets with a frame that these verdicts are about."""
        contents = found.values("content")
        return Q(pk__in=frames.filter(Q(frame__in=contents) | Q(shown__in=contents)).values("asset"))

    used = Scene.objects.filter(story__workspace=workspace, asset__isnull=False).values("asset")
    frames = Moment.objects.in_workspace(workspace.pk).filter(asset__in=used).order_by().annotate(
        frame=FrameDigest(F("asset__digest"), F("start")), shown=FrameDigest(F("asset__digest"), F("key_time"))
    )
    missing = of(verdicts.exclude(missing=[]))
    for category in expected:
        scored = verdicts.filter(scores__has_key=category)
        missing |= of(verdicts.exclude(content__in=scored.values("content")))
    return _filter({
        "banned": of(having("block", banned=True)), "block": of(having("block", banned=False)),
        "review": of(having("review")) | missing, "pass": of(verdicts), "unjudged": Q(),
    })  # fmt: skip


def _filter(conditions: dict[str, Q]) -> search.Filter:
    """From conditions of which the first that holds counts."""

    def condition(state: str) -> Q:
        if state not in STATES:
            raise ValueError(state)
        own = conditions.get(state, Q(pk__in=[]))
        for name, graver in conditions.items():
            if name == state:
                break
            own &= ~graver
        return own

    cases = [When(each, then=Value(state)) for state, each in conditions.items() if each]
    value = Case(*cases, default=Value("unjudged"), output_field=CharField())
    return search.Filter("state", gettext_noop("Moderation"), condition, STATES, value)
