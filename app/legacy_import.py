"""Keys of an older system, taken over by their SHA-256: all keys of a file, or none.

A file has a JSON object a line, `{"sha256", "prefix", "name", "owner"}`: the hash of a raw key, what it
begins with (of which 12 characters are kept and shown), its name, and its owner's e-mail or account id. What
comes of it are personal keys with all integrations and `isLegacy`. A prefix that begins with one of our own
turns the checksum of that one off, and has texts and URLs searched for keys of any form behind it
(`gateway.keys.take_for_keys`).

The file is read into a temporary table first, for a million lines can come from a pipe, and nothing is locked
meanwhile. Then all keys are written in one transaction, in the order of their hashes, which is what most of
the time depends on. They are not published: Redis gets each with its first use.
"""

from __future__ import annotations

import hashlib
import json
import re
from codecs import BOM_UTF8
from collections import defaultdict
from collections.abc import Callable, Iterator
from itertools import islice
from typing import Any, BinaryIO, NamedTuple

from marshmallow import ValidationError
from peewee import Database

from app.db import driver
from app.errors import ApiError
from app.ledger import Actor, Change, Ledger
from app.models import Account, Key, new_id
from app.schemas.fields import Text, refuse_raw_key
from app.scopes import INTEGRATIONS
from gateway.host_table import HostTable
from gateway.keys import OLDER_FROM, PREFIXES, prefix_of

Progress = Callable[[int], object]
"""Told again and again how much more was done."""

LONGEST_LINE = 65_536
"""In bytes."""
LONGEST_PREFIX = 32
KEPT_OF_PREFIX = 12
"""Short of any key that is a secret: nobody is asked how long the older system's are."""

_MEMBERS = {"sha256", "prefix", "name", "owner"}
_SHA256 = re.compile("[0-9a-fA-F]{64}")
_VISIBLE = re.compile("[!-~]+")
_NAME = Text(1, 255)
_AT_ONCE = 10_000
_CACHE_KIB = 200_000

_STAGE = """
    DROP TABLE IF EXISTS temp.legacy_key;
    CREATE TEMP TABLE legacy_key (
        line INTEGER PRIMARY KEY, digest BLOB, prefix TEXT, name TEXT, owner_id TEXT
    )"""
_INDEX = "CREATE INDEX temp.legacy_digest ON legacy_key (digest)"
_DOUBLED = """
    SELECT later.line, earlier.line FROM legacy_key AS earlier JOIN legacy_key AS later
    ON later.digest = earlier.digest AND later.line > earlier.line ORDER BY later.line LIMIT 1"""
_KNOWN = """
    SELECT line FROM legacy_key WHERE lower(hex(digest)) IN (SELECT digest FROM {known})
    ORDER BY line LIMIT 1"""
_REASONS = {
    '"key" WHERE is_legacy': "Is imported already.",
    '"key" WHERE NOT is_legacy': "Is of a key that was made here.",
    "tombstone": "Was deleted here.",
}
_SORTED = "SELECT lower(hex(digest)), prefix, name, owner_id FROM legacy_key ORDER BY digest"


class Imported(NamedTuple):
    """What came of a file: so many keys, of so many accounts."""

    keys: int
    accounts: int


class BrokenLine(ApiError):
    """A line that is not as it should be; the message has its number and the reason, never what it holds."""

    def __init__(self, number: int, reason: str) -> None:
        super().__init__("VALIDATION_ERROR", f"line {number}: {reason}")


class LegacyImport:
    """One import: `read` a file, then `store` what it holds."""

    def __init__(self, db: Database, ledger: Ledger, host_table: HostTable | None) -> None:
        """`host_table` is that of a running service, which is told that keys of other forms have come up."""
        self._db, self._ledger, self._host_table = db, ledger, host_table
        self._owners: dict[str, str | None] = {}

    def read(self, file: BinaryIO, progress: Progress) -> int:
        """Check every line and return how many keys there are; `progress` is told bytes.

        Raises `BrokenLine` for the first line that is wrong.
        """
        connection = driver(self._db)
        connection.execute(f"PRAGMA cache_size = -{_CACHE_KIB}; PRAGMA temp.cache_size = -{_CACHE_KIB}")
        with connection:  # a transaction on the temporary table alone, which locks nobody out
            connection.execute(_STAGE)
            connection.executemany(
                "INSERT INTO legacy_key VALUES (?, ?, ?, ?, ?)", self._rows(file, progress)
            )
            connection.execute(_INDEX)
        doubled = connection.execute(_DOUBLED).fetchone()
        if doubled is not None:
            raise BrokenLine(doubled[0], f"sha256: The same as in line {doubled[1]}.")
        count: int = connection.execute("SELECT count(*) FROM legacy_key").get
        return count

    def store(self, actor: Actor, progress: Progress) -> Imported:
        """Write what was read, in one transaction; `progress` is told keys.

        Raises `BrokenLine` for a key that is known already, was made or deleted here; and
        DATABASE_UNAVAILABLE.
        """
        connection = driver(self._db)
        with self._ledger.change(actor) as change:
            for known, reason in _REASONS.items():
                found = connection.execute(_KNOWN.format(known=known)).fetchone()
                if found is not None:
                    raise BrokenLine(found[0], f"sha256: {reason}")
            owners = _Owners()
            revision = change.revision_of_new_keys()
            staged = iter(connection.execute(_SORTED))
            total = 0
            while few := list(islice(staged, _AT_ONCE)):
                rows = (owners.counted(_row(change, revision, total + i, *one)) for i, one in enumerate(few))
                connection.executemany(_INSERT, rows)
                total += len(few)
                progress(len(few))
            owners.audit(change)
        if self._host_table is not None:
            self._host_table.note_new_forms()
        return Imported(total, len(owners))

    def _rows(self, file: BinaryIO, progress: Progress) -> Iterator[tuple[Any, ...]]:
        number = told = 0
        while line := file.readline(LONGEST_LINE + 1):
            number, told = number + 1, told + len(line)
            text = line.removeprefix(BOM_UTF8) if number == 1 else line
            if text.strip():
                yield (number, *self._checked(number, text))
            if told >= LONGEST_LINE:
                progress(told)
                told = 0
        progress(told)

    def _checked(self, number: int, line: bytes) -> tuple[bytes, str, str, str]:
        try:
            fields = _parsed(line)
            digest, prefix, name = _digest(fields["sha256"]), _prefix(fields["prefix"]), _name(fields["name"])
            if hashlib.sha256(prefix.encode()).digest() == digest:
                raise ValidationError("prefix: Is the whole raw key.")
            return digest, prefix[:KEPT_OF_PREFIX], name, self._owner_id(fields["owner"])
        except ValidationError as error:
            raise BrokenLine(number, " ".join(map(str, error.messages))) from None

    def _owner_id(self, owner: Any) -> str:
        if not isinstance(owner, str) or not owner.strip().isprintable():
            raise ValidationError("owner: Not a string of printable characters.")
        if owner not in self._owners:
            is_it = (Account.id == owner) | (Account.email == owner.strip().lower())
            account = Account.select(Account.id).where(is_it).first()
            self._owners[owner] = None if account is None else account.id
        owner_id = self._owners[owner]
        if owner_id is None:
            raise ValidationError("owner: There is no account with this e-mail or id.")
        return owner_id


class _Owners:
    """How many keys each owner gets, and a hash of their hashes, for the audit log."""

    def __init__(self) -> None:
        self._counts: defaultdict[str, int] = defaultdict(int)
        self._hashes: defaultdict[str, Any] = defaultdict(hashlib.sha256)

    def __len__(self) -> int:
        return len(self._counts)

    def counted(self, row: dict[str, Any]) -> dict[str, Any]:
        """Return the row, and take note of it."""
        self._counts[row["owner_id"]] += 1
        self._hashes[row["owner_id"]].update(f"{row['digest']}\n".encode())
        return row

    def audit(self, change: Change) -> None:
        """Write a row for each owner: one for each key would take longer than all the rest."""
        for owner_id, count in sorted(self._counts.items()):
            facts = {"keys": count, "sha256_of_sha256s": self._hashes[owner_id].hexdigest()}
            change.audit("account.keys_imported", "account", owner_id, None, facts, owner_id=owner_id)


_COLUMNS = tuple(field.column_name for field in Key._meta.sorted_fields)
_INSERT = f"""
    INSERT INTO "key" ({", ".join(f'"{name}"' for name in _COLUMNS)})
    VALUES ({", ".join(f":{name}" for name in _COLUMNS)})"""
_OF_EVERY_ROW: dict[str, Any] = {
    **dict.fromkeys(_COLUMNS),
    "type": "personal",
    "key_suffix": "",
    "scopes": "[]",
    "integrations": json.dumps(list(INTEGRATIONS)),
    "ip_whitelist": "[]",
    "metadata": "{}",
    "revoked": 0,
    "is_legacy": 1,
}


def _row(
    change: Change, revision: int, place: int, digest: str, prefix: str, name: str, owner_id: str
) -> dict[str, Any]:
    key_id = new_id(change.now_ms, place)  # in order, so that the indexes take it at their end
    return {
        **_OF_EVERY_ROW,
        "id": key_id,
        "lineage_id": key_id,
        "digest": digest,
        "key_prefix": prefix,
        "name": name,
        "owner_id": owner_id,
        "unchecked_prefix": int(prefix_of(prefix) is not None),
        "created_at": change.now_ms,
        "revision": revision,
    }


def _parsed(line: bytes) -> dict[str, Any]:
    if len(line) > LONGEST_LINE:
        raise ValidationError(f"Longer than {LONGEST_LINE} bytes.")
    try:
        fields = _decoder.decode(line.decode())
    except (ValueError, RecursionError):  # JSONDecodeError and UnicodeDecodeError are the former
        raise ValidationError("Not valid JSON in UTF-8.") from None
    if not isinstance(fields, dict):
        raise ValidationError("Not a JSON object.")
    if fields.keys() != _MEMBERS:
        wrong = sorted(_MEMBERS - fields.keys()) or ["more than these"]
        raise ValidationError(
            f"Must have sha256, prefix, name and owner; has not, or has: {', '.join(wrong)}."
        )
    return fields


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) < len(pairs):  # else the last would count, where whoever reads the file sees the first
        raise ValidationError("Has a member twice.")
    return members


# Made once: `json.loads` makes one for each line.
_decoder = json.JSONDecoder(object_pairs_hook=_object)


def _digest(value: Any) -> bytes:
    if not isinstance(value, str) or not _SHA256.fullmatch(value):
        raise ValidationError("sha256: Must be 64 hexadecimal characters.")
    return bytes.fromhex(value)


def _prefix(value: Any) -> str:
    if not isinstance(value, str) or not _VISIBLE.fullmatch(value) or len(value) > LONGEST_PREFIX:
        raise ValidationError(f"prefix: Must be 1 to {LONGEST_PREFIX} visible ASCII characters.")
    if any(ours.startswith(value) and ours != value for ours in PREFIXES.values()):
        raise ValidationError("prefix: Too short to tell whether the key begins like one of ours.")
    ours = prefix_of(value)
    if ours is not None and len(value) >= len(ours) + OLDER_FROM:
        raise ValidationError("prefix: Behind one of ours, so much would be taken for a key.")
    return _without_key("prefix", value)


def _name(value: Any) -> str:
    try:
        # The field looks at each character's category, which takes a while.
        plain = isinstance(value, str) and len(value) <= 255 and value.isprintable() and value.strip()
        name: str = value if plain else _NAME.deserialize(value)
    except ValidationError as error:
        raise ValidationError(f"name: {' '.join(error.messages)}") from None
    return _without_key("name", name)


def _without_key(member: str, text: str) -> str:
    try:
        refuse_raw_key(text)
    except ValidationError:
        raise ValidationError(f"{member}: Must not hold a raw key.") from None
    return text
