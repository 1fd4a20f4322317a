"""Settings of the tests: the product's own, on a data folder that goes with the process."""

import atexit
import os
import shutil
import tempfile

_data = tempfile.mkdtemp(prefix="storyloom-tests-")
atexit.register(shutil.rmtree, _data, ignore_errors=True)
_ours = ("STORYLOOM_", "OPENAI_", "EMAIL_", "OIDC_", "CELERY_", "DATABASE_", "S3_", "REDIS_", "OTEL_")
for _name in [name for name in os.environ if name.startswith(_ours)]:
    del os.environ[_name]
os.environ["STORYLOOM_DATA"] = _data

from creator.settings import *  # noqa: E402, F403
from creator.settings import DATA, DATABASES  # noqa: E402

# A file, since jobs and dispatchers look at it from several threads.
DATABASES["default"]["TEST"] = {"NAME": DATA / "test.sqlite3"}
# A test's transaction holds SQLite's write lock: a renewal would wait for it.
LEASE_SECONDS = 900.0
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
