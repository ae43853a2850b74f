"""What the gateway reads of a request: its credential, its address, its id.

The credential is taken out of the environ, so that nothing behind the gateway can log or leak it.
Headers that come twice reach WSGI joined by a comma, which no key contains.
"""

from __future__ import annotations

import re
import secrets
from typing import Any
from urllib.parse import unquote_to_bytes

from gateway.denial import Denial
from gateway.keys import (
    CHECKSUM_CHARACTERS,
    PREFIXES,
    RANDOM_CHARACTERS,
    holds_key,
    key_type_of,
    prefix_of,
)

Environ = dict[str, Any]

KEY_IN_URL = Denial("KEY_IN_URL", hint="Send it as X-Api-Key: <key>, and rotate this one.")

_REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")
_OTHER_FORM = re.compile(r"[\x21-\x2b\x2d-\x7e]{8,512}")  # visible ASCII but the comma
_WHITE_SPACE = " \t\r\n\f\v"
_QUOTES = "\"'`"


def request_id_of(environ: Environ) -> str:
    """Return the caller's own ``X-Request-Id`` when it is well formed, or a new one."""
    own = environ.get("HTTP_X_REQUEST_ID", "")
    return own if _REQUEST_ID.fullmatch(own) else secrets.token_hex(16)


def carries_key_in_url(environ: Environ) -> bool:
    """Tell whether path or query hold what looks like a key, also when percent-encoded."""
    for part in (environ.get("PATH_INFO", ""), environ.get("QUERY_STRING", "")):
        text = unquote_to_bytes(part).decode("latin-1") if "%" in part else part
        if holds_key(text):
            return True
    return False


def take_raw_key(environ: Environ) -> str | Denial:
    """Remove the credential from the environ and return its key, or the reason why there is not one.

    A key comes as ``X-Api-Key: …`` or ``Authorization: Bearer …`` (RFC 6750; the scheme in any
    case). Another scheme is somebody else's and counts as no key.
    """
    api_key = environ.pop("HTTP_X_API_KEY", "").strip(_WHITE_SPACE)
    authorization = environ.pop("HTTP_AUTHORIZATION", "").strip(_WHITE_SPACE)
    if "," in api_key or _comes_twice(authorization):
        return Denial("AMBIGUOUS_CREDENTIALS", hint="Send one header with one API key.")
    scheme, _, token = authorization.partition(" ")
    bearer = token.strip(_WHITE_SPACE) if scheme.lower() == "bearer" else ""
    if api_key and bearer and api_key != bearer:
        return Denial(
            "AMBIGUOUS_CREDENTIALS", hint="X-Api-Key and Authorization carry different API keys: send one."
        )
    if api_key or bearer:
        return api_key or bearer
    if prefix_of(authorization):
        return Denial("MISSING_API_KEY", hint="Authorization needs its scheme: Authorization: Bearer <key>.")
    return Denial(
        "MISSING_API_KEY", hint="Send the API key as X-Api-Key: <key> or Authorization: Bearer <key>."
    )


def may_be_of_other_form(raw_key: str) -> bool:
    """Tell whether a key of an older system could look like this: 8 to 512 visible ASCII characters."""
    return _OTHER_FORM.fullmatch(raw_key) is not None


def hint_about_unknown(raw_key: str) -> str:
    """Return what may be wrong with a key that was looked up and is not known."""
    if _is_quoted(raw_key):
        return hint_about_form(raw_key)
    if key_type_of(raw_key) is not None or prefix_of(raw_key) is None:
        return "The API key was deleted, or is one of another installation."
    # Its checksum is off, so it may be one of ours with a mistake, or one of an older system.
    return (
        f"{hint_about_form(raw_key)} If it is of an older system, it was deleted, or is not taken over here."
    )


def hint_about_form(raw_key: str) -> str:
    """Return what is visibly wrong with a key that is not of our form."""
    if _is_quoted(raw_key):
        return "The API key is wrapped in quotes: send it without them."
    if re.search(r"\s", raw_key):
        return "The API key has spaces in it."
    prefix = prefix_of(raw_key)
    if prefix is None:
        return f"API keys begin with one of {', '.join(PREFIXES.values())}."
    length = len(prefix) + RANDOM_CHARACTERS + CHECKSUM_CHARACTERS
    if len(raw_key) < length:
        return f"The API key is truncated: it has {len(raw_key)} of {length} characters."
    if len(raw_key) > length:
        return f"The API key is too long: it has {len(raw_key)} characters instead of {length}."
    return "The API key is mistyped: its checksum does not match."


def _is_quoted(raw_key: str) -> bool:
    return raw_key[0] in _QUOTES or raw_key[-1] in _QUOTES


def _comes_twice(authorization: str) -> bool:
    """Tell whether ``Authorization`` was sent twice. The parameters of other schemes hold commas."""
    parts = authorization.split(",")
    return len(parts) > 1 and any(_is_bearer(part) for part in parts)


def _is_bearer(part: str) -> bool:
    return part.strip(_WHITE_SPACE).lower().startswith("bearer ")
