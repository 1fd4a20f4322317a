"""Content addresses: what something was made from, as one short string."""

from __future__ import annotations

import hashlib
import json
from typing import Any


def digest_of(*parts: Any) -> str:
    """sha256 (hex) over JSON-able parts; the same parts in any process give the same digest."""
    text = json.dumps(parts, sort_keys=True, ensure_ascii=False, separators=(",", ":"), default=str)
    return hashlib.sha256(text.encode()).hexdigest()
