"""The scripts of a page."""

from __future__ import annotations

import re
from functools import cache
from posixpath import dirname, join, normpath
from typing import Any

from django import template
from django.conf import settings
from django.templatetags.static import static
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

register = template.Library()
IMPORTED = re.compile(r'^import .*?"(\.{1,2}/[\w./-]+\.js)";$', re.MULTILINE)


@register.simple_tag(takes_context=True)
def modules(context: dict[str, Any], *names: str) -> SafeString:
    """Script elements of modules, and before them what these import, so that none waits for its importer to come."""
    needed = dict.fromkeys(each for name in names for each in (name, *imported(name)))
    ahead = format_html_join("\n  ", '<link rel="modulepreload" href="{}">', ((static(each),) for each in needed))
    nonce = context["csp_nonce"]
    run = [(static(name), nonce) for name in names]
    return format_html(
        "{}\n  {}", ahead, format_html_join("\n  ", '<script type="module" src="{}" nonce="{}"></script>', run)
    )


@cache
def imported(name: str) -> tuple[str, ...]:
    """All modules that one of ours needs, those of its imports included, nearest first; each once, and not itself."""
    found: dict[str, None] = {name: None}
    for here in (waiting := [name]):
        text = (settings.ROOT / "static" / here).read_text()
        for each in (normpath(join(dirname(here), path)) for path in IMPORTED.findall(text)):
            if each not in found:
                found[each] = None
                waiting.append(each)
    return tuple(found)[1:]
