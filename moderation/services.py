"""The verbs of moderation, as the application calls them."""

from __future__ import annotations

from moderation.cases import CLAIM, REASONS, Conflict, claim, decide, open_case, release, void
from moderation.engines.base import Look, Sight
from moderation.picture_banks import ban, exported, import_hashes, own_bank
from moderation.policies import activate, active_policy, clauses, new_version, shipped_rules, shipped_yaml
from moderation.policy_rules import PolicyError, as_yaml, differences, from_yaml
from moderation.verdicts import content_of, frame_digest, judge_picture, judge_text
from moderation.weighing import Outcome, Piece, heavier, weigh, weigh_for

__all__ = [
    "CLAIM", "REASONS", "Conflict", "Look", "Outcome", "Piece", "PolicyError", "Sight", "activate", "active_policy",
    "as_yaml", "ban", "claim", "clauses", "content_of", "decide", "differences", "exported", "frame_digest",
    "from_yaml", "heavier", "import_hashes", "judge_picture", "judge_text", "new_version", "open_case", "own_bank",
    "release", "shipped_rules", "shipped_yaml", "void", "weigh", "weigh_for",
]  # fmt: skip
