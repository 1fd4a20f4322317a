"""Engines: the pluggable implementations of a role, in the grammar of Django's STORAGES."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping
from typing import Any, ClassVar, TypeAlias

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.core.signals import setting_changed
from django.utils.module_loading import import_string

Progress: TypeAlias = Callable[[float], None]
"""Called with the done share of the work, 0 to 1. It may raise to stop the work (a cancelled job does)."""


def no_progress(_share: float) -> None:
    """Stands in where nobody watches."""


class EngineError(Exception):
    """A failure that may be shown to the person who asked, with what to do next.

    `permanent` says that trying again with the same input can't help (a wrong key, a language that the voice lacks).
    """

    def __init__(self, message: str, *, next_step: str = "", permanent: bool = False) -> None:
        super().__init__(f"{message} {next_step}".strip())
        self.message = message
        self.next_step = next_step
        self.permanent = permanent


class InvalidEngineError(ImproperlyConfigured):
    """ENGINES names something that isn't there."""


class Engine:
    """What every engine is. A role's base class adds public methods (`draw`) that call the engine's own (`_draw`)."""

    role: ClassVar[str] = ""
    title: ClassVar[str] = ""
    """How people call it: "eSpeak NG"."""
    leaves_the_machine: ClassVar[bool] = True
    """True where what it is given goes to somebody else's computer. Forgetting to set it is safe."""
    starter: ClassVar[bool] = False
    """True for the engines that ship: no download, no key."""
    languages: ClassVar[frozenset[str] | None] = None
    """Language codes that it can work in; None where it takes any."""

    def __init__(self, name: str = "") -> None:
        self.name = name or type(self).__name__
        self._lock = threading.RLock()
        self._loaded = False

    def problems(self) -> list[EngineError]:
        """What keeps it from working on this machine, found without loading it."""
        return []

    def load(self) -> None:
        """Load what is heavy, once for each process."""
        if self._loaded:
            return
        with self._lock:
            if not self._loaded:
                self._load()
                self._loaded = True

    def _load(self) -> None:
        """Heavy imports and weights go here and nowhere else."""

    @property
    def loaded(self) -> bool:
        return self._loaded

    @property
    def model(self) -> str:
        """The model or version behind it, as provenance and pages show it."""
        return ""

    def speaks(self, language: str) -> bool:
        """Whether it can work in a language ("en", "pt-BR")."""
        return self.languages is None or language.split("-")[0].lower() in self.languages

    def made_by(self, **details: Any) -> dict[str, Any]:
        """How something that it made was made, for an asset's `made_by`."""
        return {"role": self.role, "engine": self.name, "model": self.model, **details}


class EngineHandler:
    """`engines["painter"]` is the default of a role, `engines["painter", "diffusers"]` another.

    One instance a process, unlike Django's connections (one a thread): a model on a GPU must be loaded once.
    """

    def __init__(self) -> None:
        self._made: dict[tuple[str, str], Engine] = {}
        self._lock = threading.RLock()

    @property
    def settings(self) -> Mapping[str, Mapping[str, Mapping[str, Any]]]:
        return settings.ENGINES

    def roles(self) -> list[str]:
        return list(self.settings)

    def names(self, role: str) -> list[str]:
        """The names of a role's engines, the default first."""
        try:
            return list(self.settings[role])
        except KeyError:
            raise InvalidEngineError(f"ENGINES has no role {role!r}. It has: {', '.join(self.settings)}.") from None

    def default(self, role: str) -> str:
        """The name of the default engine of a role: its first."""
        return self.names(role)[0]

    def __getitem__(self, key: str | tuple[str, str]) -> Any:
        role, name = (key, self.default(key)) if isinstance(key, str) else key
        with self._lock:
            if (role, name) not in self._made:
                self._made[role, name] = self._make(role, name)
            return self._made[role, name]

    def all(self, role: str) -> Iterator[Any]:
        """Every engine of a role, the default first: all judges of a role run."""
        return (self[role, name] for name in self.names(role))

    def _make(self, role: str, name: str) -> Engine:
        if name not in self.names(role):
            there = ", ".join(self.names(role))
            raise InvalidEngineError(f"ENGINES[{role!r}] has no engine {name!r}. It has: {there}.")
        params = dict(self.settings[role][name])
        backend = params.get("BACKEND", "")
        try:
            engine_class = import_string(backend)
        except ImportError as error:
            raise InvalidEngineError(
                f"ENGINES[{role!r}][{name!r}] names {backend!r}, which can't be imported: {error}"
            ) from error
        engine: Engine = engine_class(name=name, **params.get("OPTIONS", {}))
        return engine

    def forget(self, which: Callable[[str, str], bool] = lambda _role, _name: True) -> None:
        """Drop every instance, or those that `which` (role, name) names: the next use reads the settings again."""
        with self._lock:
            for role, name in [key for key in self._made if which(*key)]:
                del self._made[role, name]


engines = EngineHandler()


def _forget_engines(*, setting: str, **_kwargs: Any) -> None:
    if setting == "ENGINES":
        engines.forget()


setting_changed.connect(_forget_engines)
