from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.mail.office import Office
from tests.mail.server import MailServer


@pytest.fixture
def server() -> Iterator[MailServer]:
    """A mail server that takes everything."""
    made = MailServer()
    yield made
    made.stop()


@pytest.fixture
def office(tmp_path: Path) -> Iterator[Office]:
    """An installation with an outbox."""
    made = Office(tmp_path)
    yield made
    made.close()
