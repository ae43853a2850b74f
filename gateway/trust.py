"""Whether this host believes Redis.

Redis confirms every verdict, so it must not be believed while it may be behind the database: after
it was away, when it came back empty or from an old file, when another server took over, when a
change was committed that it could not be told of. Then this host judges from the source, and all
its workers switch at once, since the word stands in the host table.

To be believed again, Redis must remember as many publications as the source has recorded as done.
If it remembers fewer, some records in it are old; if it remembers more than are pending, the source
was restored from a backup and some records are of a future that never came. Nobody knows which, so
all are dropped, and each is read from the source when it is needed next. Then what is
pending is published, and only if no change failed to be published in the meantime (which would have
begun a new epoch) Redis decides again. The shards of a cluster fall back each for itself, which one
number cannot tell, so there all records are dropped whenever it was away.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable

from gateway.host_table import HostTable
from gateway.keys import take_for_keys
from gateway.redis_link import Greeting, LinkError
from gateway.source import LegacyForms, Publications, Source, SourceError
from gateway.store import Store, StoreError

_log = logging.getLogger(__name__)

_FORGETFUL = "it does not remember what it was told"


class Trust:
    """The host's trust in its Redis: one word, shared by its workers."""

    def __init__(self, host_table: HostTable) -> None:
        self._host_table = host_table

    def believed(self) -> bool:
        """Tell whether Redis decides for this host."""
        return self._host_table.is_believed()

    def forms_version(self) -> int:
        """Return a number that is another one whenever keys of another form may have come up."""
        return self._host_table.forms_version()

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
        try:
            if self.believed() and pasts_differ(
                greeting.published, source.publications(), greeting.read_published()
            ):
                self.lose(_FORGETFUL)
                raise LinkError("not at one with the database")
        except SourceError as error:
            raise LinkError(f"nobody can tell whether it is up to date: {error}") from error
        self._host_table.meet_server(greeting.run_id)

    def recover(self, store: Store, source: Source) -> bool:
        """Bring Redis up to the source, then believe it; return whether it is believed now."""
        store.close()  # connections from before prove nothing
        try:
            store.published()  # a server that is new to this host begins an epoch when it is greeted …
            epoch = self._host_table.epoch()  # … and one that takes over from here on begins another
            if not store.has_one_past or not _same_past(store.published, source):
                store.forget_records(source.publications().done)
            source.publish_pending()
            # A publisher that stood still may just have recorded what an older Redis was told.
            if not _same_past(store.published, source):
                return False
        except (StoreError, SourceError) as error:
            _log.debug("still without Redis: %s", error)
            return False
        if self._host_table.believe(epoch):
            _log.info("Redis is up to date and decides")
        return self.believed()

    def review(self, store: Store, source: Source, deadline: float | None = None) -> None:
        """Look again at a Redis that is believed: when it lacks a record, as after it was emptied, and
        at the start of a service, which may have found another database in its place.

        `deadline` (monotonic seconds) bounds the trips. Raises `StoreError` and `SourceError`.
        """
        if not _same_past(lambda: store.published(deadline), source):
            self.lose(_FORGETFUL)


class Watch(threading.Thread):
    """One thread a worker that keeps Redis up to date, or finds out that it is back."""

    PERIOD = 1.0  # how long a change of another host that could not be published may wait
    PERIOD_AWAY = 0.1

    def __init__(self, trust: Trust, store: Store, source: Source) -> None:
        super().__init__(name="redis-watch", daemon=True)
        self._trust, self._store, self._source = trust, store, source
        self._stopped = threading.Event()
        self._forms, self._forms_version = LegacyForms(), -1
        self._source_fails = False

    def begin(self) -> None:
        """Look for the first time, before any request, and go on looking."""
        self._attempt(self._review)
        self.look()
        self.start()

    @property
    def legacy_forms(self) -> LegacyForms:
        """The forms of older keys. Keys that were taken over by a command count from its end on."""
        if self._forms_version != self._trust.forms_version():
            self._attempt(self._learn_forms)
        return self._forms

    def run(self) -> None:
        """Look once a period, until stopped."""
        while not self._stopped.wait(self.PERIOD if self._trust.believed() else self.PERIOD_AWAY):
            self.look()

    def look(self) -> None:
        """Publish what is pending, or try to recover; learn which legacy forms there are."""
        self._attempt(self._catch_up)

    def _review(self) -> None:
        if self._trust.believed():
            self._trust.review(self._store, self._source)

    def _catch_up(self) -> None:
        self._learn_forms()
        if self._trust.believed():
            self._source.publish_pending()
        else:
            self._trust.recover(self._store, self._source)

    def _learn_forms(self) -> None:
        # Before they are read: what comes up meanwhile is then asked for again.
        version = self._trust.forms_version()
        forms = self._source.legacy_forms()
        if forms != self._forms:
            take_for_keys(forms.unchecked_prefixes)
        self._forms, self._forms_version = forms, version

    def _attempt(self, step: Callable[[], None]) -> None:
        try:
            step()
            self._source_fails = False
        except SourceError as error:
            if not self._source_fails:
                _log.warning("the database can't tell what is to be published: %s", error)
            self._source_fails = True
        except StoreError as error:
            self._trust.lose(str(error))
        except Exception:
            # Whatever it is, a worker without this thread would never hear of Redis again.
            _log.exception("Redis could not be looked after")
            self._trust.lose("it could not be looked after")

    def stop(self) -> None:
        """End the thread and wait for it."""
        self._stopped.set()
        self.join()


def _same_past(read_published: Callable[[], int], source: Source) -> bool:
    before, told, after = read_published(), source.publications(), read_published()
    return not pasts_differ(before, told, after)


def pasts_differ(before: int, told: Publications, after: int) -> bool:
    """Tell whether Redis may have another past than the source.

    `before` and `after` are what Redis remembers, read before and after the source: what was published
    before is recorded or pending in the source, and what is recorded there Redis remembers after.
    """
    return after < told.done or before > told.done + told.pending
