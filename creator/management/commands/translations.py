"""Find the words of pages, messages and scripts, and bring the catalogues in locale/ up to date."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from creator import catalogues


class Command(BaseCommand):
    help = "Collect what can be translated into locale/*/LC_MESSAGES/*.po, and compile them. Needs no gettext tools."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--check", action="store_true", help="change nothing; fail where something is untranslated")

    def handle(self, *args: Any, **options: Any) -> None:
        missing = 0
        for catalogue in catalogues.brought_up_to_date(write=not options["check"]):
            missing += len(catalogue.missing)
            self.stdout.write(f"{catalogue.path}: {catalogue.known} translated, {len(catalogue.missing)} missing")
            for text in catalogue.missing:
                self.stdout.write(f"  {text!r}")
        if options["check"] and missing:
            raise CommandError(f"{missing} texts are untranslated. Run translations, then fill in locale/.")
