"""Serving: the supervisor of ``vibekeys run`` and the three processes that it looks after."""

BACKLOG = 2048
"""Connections that wait while all threads are busy, or while gunicorn is started again."""

GRACEFUL_SECONDS = 30
"""How long a running request may take once its worker has been told to end."""
