"""The product's settings, with the list of Django REST Framework beside ours."""

from creator.settings import *  # noqa: F403
from creator.settings import INSTALLED_APPS

INSTALLED_APPS += ["rest_framework"]
ROOT_URLCONF = "tests.benchmarks.drf"
