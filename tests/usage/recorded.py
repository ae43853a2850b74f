"""Usage of the service under test, recorded at once: what a thread and the background worker do in time."""

from __future__ import annotations

from app.usage.rollup import Rollup
from tests.api.world import Service


def record(service: Service) -> None:
    """Store all that was counted and gathered until now."""
    services = service.services
    service.wsgi.split_writer.write()
    Rollup(services.db, service.wsgi.usage_table, services.clock, services.config).roll_up()
