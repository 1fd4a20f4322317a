"""The application."""

import os

# Before anything imports numpy: for the small products of a search, BLAS's threads take three times the processor's
# time that one takes, waiting for one another, and every request and every job would bring its own.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
