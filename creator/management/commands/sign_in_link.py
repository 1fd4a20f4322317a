"""Let somebody in without a password."""

from __future__ import annotations

from typing import Any

from django.core.management.base import CommandError, CommandParser

from creator.management.commands._base import StoryloomCommand
from creator.models import User
from creator.services import setup


class Command(StoryloomCommand):
    help = "Print a link that signs a person in once, within a day."

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("username", nargs="?", default=setup.OWNER)

    def work(self, **options: Any) -> dict[str, str]:
        user = User.objects.filter(username=options["username"], is_active=True).first()
        if user is None:
            names = ", ".join(User.objects.values_list("username", flat=True))
            there = f"People here: {names}." if names else "There is nobody yet: run `up` or `set_up` first."
            raise CommandError(f"There is no {options['username']!r}. {there}")
        return {"username": user.username, "link": setup.sign_in_link(user)}

    def show(self, result: dict[str, str]) -> None:
        self.stdout.write(result["link"])
