"""Networks, one a task."""
