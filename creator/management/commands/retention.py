"""Say what is too old to be kept, and let go of it."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.conf import settings
from django.core.management.base import CommandParser

from creator.management.commands._base import StoryloomCommand
from creator.services import retention


class Command(StoryloomCommand):
    help = "Count the drafts and rendered files that are too old to be kept; with --apply, let go of them."

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("--drafts", type=int, default=settings.KEEP_DRAFTS.days, help="days; 0: keep all")
        parser.add_argument("--renditions", type=int, default=settings.KEEP_RENDITIONS.days, help="days; 0: keep all")
        parser.add_argument("--apply", action="store_true", help="not only count")

    def work(self, **options: Any) -> dict[str, Any]:
        drafts, renditions = (timedelta(days=max(0, options[name])) for name in ("drafts", "renditions"))
        do = retention.apply if options["apply"] else retention.count
        old = do(drafts=drafts, renditions=renditions)
        return {"applied": options["apply"], **retention.told(old)}

    def show(self, result: dict[str, Any]) -> None:
        done = "gone" if result["applied"] else "would go (--apply does it)"
        self.stdout.write(f"drafts: {result['drafts']} {done}")
        self.stdout.write(f"rendered files: {result['renditions']}, {result['bytes'] / 1e6:.1f} MB {done}")
