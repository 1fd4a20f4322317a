"""The ASGI entry point."""

import gc
import os

from django.core.asgi import get_asgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "creator.settings")
application = get_asgi_application()
# What is loaded stays: a full collection of garbage, for which every request waits, needn't look through it again.
gc.freeze()
