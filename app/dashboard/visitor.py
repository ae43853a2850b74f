"""Who is signed in and asks for the page."""

from __future__ import annotations

from dataclasses import dataclass

from flask import g, request

from app.dashboard import cookie
from app.ledger import Actor, SignedOut
from app.models import Account, Session
from app.services import services


@dataclass(frozen=True, slots=True)
class Visitor:
    """An account in a browser, as the database has it at this request."""

    account: Account
    session: Session
    address: str

    @property
    def account_id(self) -> str:
        """The account's id."""
        return self.account.id

    def actor(self, *, as_operator: bool = False) -> Actor:
        """Who the audit log says it was; what is `as_operator` the ledger refuses to others."""
        return Actor(
            "account",
            self.account_id,
            address=self.address,
            session_id=self.session.id,
            as_operator=as_operator,
        )


def visitor() -> Visitor:
    """Return who asks for the page. Raises `SignedOut` where nobody is signed in."""
    found = find()
    if found is None:
        raise SignedOut
    return found


def find() -> Visitor | None:
    """Return who asks for the page, None for somebody who is not signed in."""
    if "visitor" not in g:
        g.visitor = _find()
    found: Visitor | None = g.visitor
    return found


def forget() -> None:
    """Show the rest of this request to nobody in particular: who it is can't be found out now."""
    g.visitor = None


def address() -> str:
    """Return where the request comes from."""
    return str(request.environ["vibekeys.client_address"])


def _find() -> Visitor | None:
    token = cookie.session_token()
    session = None if token is None else services().sessions.find(token)
    if session is None:
        return None
    services().sessions.note_use(session, address())
    request.environ["vibekeys.account_id"] = session.account_id  # for the log
    return Visitor(session.account, session, address())
