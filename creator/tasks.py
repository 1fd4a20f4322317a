"""Every background job, in story order."""
