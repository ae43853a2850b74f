"""Whether this host believes Redis.

Redis confirms every verdict, so it must not be believed while it may be behind the database: after
it was away, when it came back empty or from an old file, when another server took over, when a
change was committed that it could not be told of. Then this host judges from the source, and all
its workers switch at once, since the word stands in the host table.

To be believed again, Redis must remember at least as many publications as the source has recorded
as done. If it remembers fewer, some records in it are old, nobody knows which, and all are dropped:
each is read from the source when it is needed next. Then what is pending is published, and only if
no change failed to be published in the meantime (which would have begun a new epoch) Redis decides
again.
"""

from __future__ import annotations

import logging
import threading

from gateway.host_table import HostTable
from gateway.redis_link import Greeting, LinkError
from gateway.source import Source, SourceError
from gateway.store import Store, StoreError

_log = logging.getLogger(__name__)


class Trust:
    """The host's trust in its Redis: one word, shared by its workers."""

    def __init__(self, host_table: HostTable) -> None:
        self._host_table = host_table

    def believed(self) -> bool:
        """Tell whether Redis decides for this host."""
        return self._host_table.is_believed()

    def lose(self, reason: str) -> None:
        """Judge from the source from now on, in every worker of this host.

        No answer of Redis that is under way counts any more, also when trust was lost before.
        """
        if self._host_table.disbelieve():
            _log.warning("judging without Redis: %s", reason)

    def greet(self, greeting: Greeting, source: Source) -> None:
        """Look at the server behind a new connection; raise `LinkError` if it can't be believed.

        A server that this host knows by its run id has run on since, and lost nothing unnoticed.
        """
        if self._host_table.knows_server(greeting.run_id):
            return
        if self.believed() and greeting.published < _published(source):
            self.lose("it came back without all that it was told")
            raise LinkError("behind the database")
        self._host_table.meet_server(greeting.run_id)

    def recover(self, store: Store, source: Source) -> bool:
        """Bring Redis up to the source, then believe it; return whether it is believed now."""
        store.close()  # connections from before prove nothing
        try:
            remembered = store.published()
            epoch = self._host_table.epoch()
            done = source.published()
            if remembered < done:
                store.forget_records(done)
            source.publish_pending()
        except (StoreError, SourceError) as error:
            _log.debug("still without Redis: %s", error)
            return False
        if self._host_table.believe(epoch):
            _log.info("Redis is up to date and decides")
        return self.believed()


class Watch(threading.Thread):
    """One thread a worker that keeps Redis up to date, or finds out that it is back."""

    PERIOD = 1.0  # how long a change of another host that could not be published may wait
    PERIOD_AWAY = 0.1

    def __init__(self, trust: Trust, store: Store, source: Source) -> None:
        super().__init__(name="redis-watch", daemon=True)
        self._trust, self._store, self._source = trust, store, source
        self._stopped = threading.Event()
        self.legacy_forms = source.legacy_forms()

    def run(self) -> None:
        """Look once a period, until stopped."""
        while not self._stopped.wait(self.PERIOD if self._trust.believed() else self.PERIOD_AWAY):
            self.look()

    def look(self) -> None:
        """Publish what is pending, or try to recover; learn which legacy forms there are."""
        try:
            self.legacy_forms = self._source.legacy_forms()
            if self._trust.believed():
                self._source.publish_pending()
            else:
                self._trust.recover(self._store, self._source)
        except SourceError as error:
            _log.warning("the database can't tell what is pending: %s", error)
        except StoreError as error:
            self._trust.lose(str(error))

    def stop(self) -> None:
        """End the thread and wait for it."""
        self._stopped.set()
        self.join()


def _published(source: Source) -> int:
    try:
        return source.published()
    except SourceError as error:
        raise LinkError(f"nobody can tell whether it is up to date: {error}") from error
