"""Write the content API's OpenAPI document, docs/openapi.json."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from creator.api import api

WHERE = Path(settings.ROOT) / "docs" / "openapi.json"


def written() -> str:
    """The document as it stands in the repository: the same on every machine."""
    document = dict(api.get_openapi_schema(path_prefix="/api/v1/"))
    return json.dumps(document, indent=1, ensure_ascii=False, sort_keys=True) + "\n"


class Command(BaseCommand):
    help = "Write docs/openapi.json, from which clients are generated."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--check", action="store_true", help="write nothing; fail where the file is another")

    def handle(self, *args: Any, **options: Any) -> None:
        text = written()
        if not options["check"]:
            WHERE.write_text(text)
            self.stdout.write(f"Written: {WHERE.name}, {len(text) // 1024} KB.")
        elif not WHERE.is_file() or WHERE.read_text() != text:
            raise CommandError("docs/openapi.json isn't what the API does. Run: python manage.py openapi")
