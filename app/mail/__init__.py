"""Mail: the outbox that changes write into, and the worker's way from there to an SMTP server."""
