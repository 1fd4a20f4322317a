"""One target of texts.py under atheris, which looks for bytes that reach new code.

    python -m tests.fuzz.guided TARGET RUNS SECONDS

Atheris (Apache-2.0) isn't installed with the tests: `make fuzz` brings it (the extra `fuzz`) where it has a wheel.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

import atheris

OURS = ["creator.api", "creator.models", "django.core.signing", "generation", "moderation", "media_processing"]
with atheris.instrument_imports(include=[*OURS, "trafilatura", "yaml"]):
    from tests.fuzz.texts import TARGETS


def main() -> None:
    name, runs, seconds = sys.argv[1:4]
    target, whole = TARGETS[name]
    with tempfile.TemporaryDirectory(prefix="storyloom-fuzz-") as corpus:
        for number, content in enumerate(whole):
            (Path(corpus) / str(number)).write_bytes(content)
        limits = [f"-runs={runs}", f"-max_total_time={seconds}", "-timeout=60", "-rss_limit_mb=3000", "-max_len=20000"]
        atheris.Setup([sys.argv[0], *limits, f"-artifact_prefix={corpus}/", "-verbosity=0", corpus], target)
        atheris.Fuzz()


if __name__ == "__main__":
    main()
