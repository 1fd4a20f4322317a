"""Makes torchvision and torchaudio importable beside a torch of another build.

Package registries often hold torch's CPU build beside the CUDA builds of torchvision and torchaudio, whose compiled
parts then don't load. Both libraries break off at import over that, though open_clip, whisper, diffusers and coqui only
need their Python parts. What this module does, and only where the compiled parts can't be loaded:

- torchvision: defines the schemas of the operators `nms` and `qnms`, which torchvision describes at import. Calling
  them still fails: there is no kernel behind them.
- torchaudio: puts a module in the place of `torchaudio._extension` that says that the compiled part isn't available, as
  torchaudio itself does in a build without it.

On a matching install it does nothing. Engines call `mend_torch()` in `_load`, before anything that imports the two.
"""

from __future__ import annotations

import importlib
import importlib.util
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

_lock = threading.RLock()
_kept: list[Any] = []
"""Operator libraries live as long as the object that defined them."""
_SCHEMAS = (
    "nms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor",
    "qnms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor",
)


def mend_torch() -> tuple[str, ...]:
    """Prepare torchvision and torchaudio for import. Gives the names of those that needed it; may be called again."""
    return tuple(name for name, mend in (("torchvision", mend_torchvision), ("torchaudio", mend_torchaudio)) if mend())


def mend_torchvision() -> bool:
    """Define torchvision's operator schemas where its compiled ones can't be loaded; whether that was needed."""
    with _lock:
        if _kept or "torchvision" in sys.modules or not _installed("torchvision"):
            return bool(_kept)
        torch: Any = importlib.import_module("torch")
        if _loads(torch, "torchvision", "_C*.so", "_C*.pyd") or _defined(torch):
            return False
        library = torch.library.Library("torchvision", "DEF")
        for schema in _SCHEMAS:
            library.define(schema)
        _kept.append(library)
        return True


def mend_torchaudio() -> bool:
    """Say "not available" for torchaudio's compiled part where it can't be loaded; whether that was needed."""
    with _lock:
        if "torchaudio" in sys.modules or not _installed("torchaudio"):
            return getattr(sys.modules.get("torchaudio._extension"), "mended", False)
        torch: Any = importlib.import_module("torch")
        if _loads(torch, "torchaudio", "lib/_torchaudio*.so", "lib/_torchaudio*.pyd"):
            return False
        sys.modules["torchaudio._extension"] = _no_extension()
        return True


def _no_extension() -> ModuleType:
    """What `torchaudio._extension` is in a build without compiled parts."""
    module = ModuleType("torchaudio._extension", "Stands in for the compiled part, which this torch can't load.")
    module.__dict__.update(
        mended=True,
        _IS_TORCHAUDIO_EXT_AVAILABLE=False,
        _IS_ALIGN_AVAILABLE=False,
        _check_cuda_version=lambda: None,
        fail_if_no_align=_failing,
    )
    return module


def _failing(function: Callable[..., Any]) -> Callable[..., Any]:
    """In the place of a function that needs the compiled part."""

    def fail(*_args: Any, **_kwargs: Any) -> Any:
        raise RuntimeError(f"{function.__name__} needs a torchaudio that was built for the installed torch.")

    return fail


def _installed(name: str) -> bool:
    return importlib.util.find_spec(name) is not None


def _loads(torch: Any, package: str, *patterns: str) -> bool:
    """Whether the compiled part of a package can be loaded by this torch, tried the way the package itself does."""
    spec = importlib.util.find_spec(package)
    folders = [Path(place) for place in (spec.submodule_search_locations or ())] if spec else []
    libraries = [path for folder in folders for pattern in patterns for path in sorted(folder.glob(pattern))]
    if not libraries:
        return (
            package == "torchaudio"
        )  # torchaudio without compiled parts is a build of its own; torchvision needs them
    try:
        torch.ops.load_library(str(libraries[0]))
    except (OSError, RuntimeError):
        return False
    return True


def _defined(torch: Any) -> bool:
    """Whether somebody defined torchvision's operators already: defining them twice is an error."""
    try:
        return torch.ops.torchvision.nms is not None
    except (AttributeError, RuntimeError):
        return False
