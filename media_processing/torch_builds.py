"""Makes torchvision importable beside a torch of another build.

Registries often hold torch's CPU build beside torchvision's CUDA build, whose compiled operators then don't load, and
torchvision fails at import since it describes operators that nobody defined. On a matching install this does nothing.
"""

from __future__ import annotations

import threading
from typing import Any

_lock = threading.Lock()
_kept: list[Any] = []
"""Operator libraries live as long as the object that defined them."""


def mend_torchvision() -> None:
    """Define the schemas of torchvision's operators where its compiled ones can't be loaded. Call before open_clip."""
    import importlib
    import sys

    with _lock:
        if _kept or "torchvision" in sys.modules:
            return
        torch: Any = importlib.import_module("torch")
        try:
            importlib.import_module("torchvision")
        except (RuntimeError, ImportError):
            for name in [name for name in sys.modules if name.split(".")[0] == "torchvision"]:
                del sys.modules[name]
            library = torch.library.Library("torchvision", "DEF")
            for schema in ("nms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor",
                           "qnms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor"):
                library.define(schema)
            _kept.append(library)
