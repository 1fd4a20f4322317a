"""Prepare the database."""

from __future__ import annotations

from typing import Any

from django.core.management.base import CommandParser

from creator.management.commands._base import StoryloomCommand
from creator.services import setup, upgrading


class Command(StoryloomCommand):
    help = "Migrate, make the first workspace and its people, and have the sample story made. Safe to run again."

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("--no-samples", action="store_true", help="leave the library empty")

    def work(self, **options: Any) -> dict[str, Any]:
        upgrading.upgrade()
        installation = setup.ensure()
        if not options["no_samples"]:
            setup.start_samples(installation)
        return {"workspace": installation.workspace.slug}

    def show(self, result: dict[str, Any]) -> None:
        self.stdout.write("Ready. Sign in with: python manage.py sign_in_link")
