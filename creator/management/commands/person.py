"""Give out or delete what is kept of a person."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from django.core.management.base import CommandError, CommandParser

from creator.management.commands._base import StoryloomCommand
from creator.services import privacy, security


class Command(StoryloomCommand):
    help = "Export all that is kept of a person, or delete their account; what stays of them is a number in the log."

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("verb", choices=["export", "delete"])
        parser.add_argument("name", help="user name or e-mail address")
        parser.add_argument("--out", type=Path, help="of an export: a zip file; person-NAME.zip without it")
        parser.add_argument("--yes", action="store_true", help="of a deletion: don't ask")

    def work(self, **options: Any) -> dict[str, Any]:
        person = security.account_named(options["name"])
        if person is None:
            raise CommandError(f"There is no account {options['name']}. Settings > People lists those of a workspace.")
        if options["verb"] == "export":
            return privacy.export(person, options["out"] or Path(f"person-{person.username}.zip"))
        if not options["yes"] and input(f"Delete the account of {person} for good? Type {person.username}: ") != (
            person.username
        ):
            raise CommandError("Nothing was deleted.")
        number = person.pk
        privacy.forget(person, by=None)
        return {"deleted": options["name"], "number": number}

    def show(self, result: dict[str, Any]) -> None:
        if "file" in result:
            self.stdout.write(f"{result['file']}: {result['rows']} rows, {result['files']} files")
        else:
            self.stdout.write(f"Deleted. The audit log goes on naming user {result['number']}, and nothing else does.")
