"""All that the gateway knows of the service behind it: where the truth about keys is kept.

The source is the authority. Redis holds copies and counts; whenever it is away, empty, or not to
be believed, keys are judged by what the source says.
"""

from __future__ import annotations

from typing import NamedTuple, Protocol

from gateway.records import Snapshot


class SourceError(Exception):
    """The source cannot tell, which is neither a yes nor a no."""


class LegacyForms(NamedTuple):
    """Which keys of other forms than our own may exist.

    `any` is true once a key was imported from an older system. `unchecked_prefixes` are those of
    our four prefixes under which such keys were imported, so that their checksum proves nothing.
    """

    any: bool = False
    unchecked_prefixes: frozenset[str] = frozenset()


class Publications(NamedTuple):
    """What the source has recorded of the records published to Redis, read at one moment.

    `done` is the highest publication number recorded as done; `pending` is the number of committed
    changes that wait, or may have been published without having been recorded yet.
    """

    done: int
    pending: int


class Source(Protocol):
    """What a management service offers to the gateway in front of it.

    Every method raises `SourceError` when it cannot tell.
    """

    def lookup(self, digest: str) -> Snapshot | None:
        """Return the current records of the key with this SHA-256 digest; None if there is none."""

    def publications(self) -> Publications:
        """Return what the source has recorded of publications, to be compared with Redis's count."""

    def publish_pending(self) -> None:
        """Publish every committed change that may not have reached Redis.

        Raises `gateway.store.StoreError` when Redis refuses; what was not published stays pending.
        """

    def legacy_forms(self) -> LegacyForms:
        """Return which forms of older keys have to be looked up."""
