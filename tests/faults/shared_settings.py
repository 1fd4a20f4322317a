"""The product's settings with media in a storage that fails on order, in a folder beside the data."""

from creator.settings import *  # noqa: F403
from creator.settings import DATA, STORAGES

STORAGES["media"] = {
    "BACKEND": "tests.faults.failing_storage.FailingStorage", "OPTIONS": {"location": DATA / "shared" / "media"},
}  # fmt: skip
