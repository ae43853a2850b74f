"""A whitelist while it is being typed: what each entry means, which is wrong, whether the visitor is inside.

Entries stand on lines of their own, or between commas. The page asks for `keys/whitelist-check` as one types;
with `?add=mine` the visitor's own address is put in.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice

from flask import Response, request

from app.dashboard import visitor
from app.dashboard.forms import Form
from app.dashboard.page import post, render
from app.schemas.fields import network
from app.schemas.key import WHITELIST_LENGTH
from gateway.address import Network, Networks, parse_address, parse_network

FIELD = "ipWhitelist"

_MOST_COUNTED = 2**32
_LONGEST_SHOWN = 50
_BETWEEN = re.compile(r"[\s,;]+")


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry. `network` is what it is stored as; None: it is wrong."""

    line: int
    text: str
    network: str | None

    @property
    def meaning(self) -> str:
        """From where it lets a key be used."""
        of = parse_network(self.network or "")
        if of.num_addresses == 1:
            return "one address"
        first_and_last = f"{of.network_address} to {of.broadcast_address}"
        return first_and_last + (f", {of.num_addresses:,} addresses" if _can_be_counted(of) else "")

    @property
    def fault(self) -> str:
        """What is wrong with it."""
        shown = self.text if len(self.text) <= _LONGEST_SHOWN else f"{self.text[:_LONGEST_SHOWN]}…"
        return f"Line {self.line}: “{shown}” is neither an address nor a CIDR such as 203.0.113.0/24."


@dataclass(frozen=True, slots=True)
class Check:
    """What a whitelist says; `address` is where the visitor is."""

    entries: Sequence[Entry]
    address: str

    @property
    def right(self) -> list[Entry]:
        """The entries that can be stored."""
        return [entry for entry in self.entries if entry.network is not None]

    @property
    def wrong(self) -> list[Entry]:
        """Those that can't."""
        return [entry for entry in self.entries if entry.network is None]

    @property
    def is_too_long(self) -> bool:
        """Whether there are more than a whitelist takes; the rest was not looked at."""
        return len(self.entries) > WHITELIST_LENGTH

    @property
    def has_mine(self) -> bool:
        """Whether the visitor could use the key from here."""
        address = parse_address(self.address)
        networks = Networks(entry.network for entry in self.right if entry.network is not None)
        return address is not None and address in networks


@post("/dashboard/keys/whitelist-check")
def judge() -> Response:
    """The field again with one's own address in it, or only what is below it."""
    form = Form.from_request()
    checked = check(form.value(FIELD))
    if request.args.get("add") != "mine":
        return _show("keys/_whitelist_check.html", form, checked)
    if not checked.has_mine:
        text = "\n".join([form.value(FIELD).rstrip(), checked.address]).lstrip()
        form, checked = Form({**form.values, FIELD: text}), check(text)
    return _show("keys/_whitelist_field.html", form, checked)


def check(text: str) -> Check:
    """Return what the text of the field says."""
    lines = enumerate(text.splitlines(), 1)
    typed = ((number, entry) for number, line in lines for entry in _BETWEEN.split(line) if entry)
    entries = [Entry(number, entry, _network(entry)) for number, entry in islice(typed, WHITELIST_LENGTH + 1)]
    return Check(entries, visitor.address())


def entries_of(text: str) -> list[str]:
    """Return the text as the API takes a whitelist."""
    return [entry.network or entry.text for entry in check(text).entries]


def _network(text: str) -> str | None:
    try:
        return network(text)
    except ValueError:
        return None


def _can_be_counted(of: Network) -> bool:
    return of.num_addresses <= _MOST_COUNTED


def _show(template: str, form: Form, checked: Check) -> Response:
    return render(template, title="Whitelist", section="keys", form=form, whitelist=checked)
