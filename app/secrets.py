"""The installation's secrets: sealing what must be read again, and MACs.

A key for each purpose is derived (HKDF-SHA256, RFC 5869) from the installation's secret, so that
what was sealed for one purpose opens for no other. With several secrets the first seals and all
open, which is how a secret is replaced: put the new one in front, drop the old one later.
"""

from __future__ import annotations

import hmac
import os
import secrets
from collections.abc import Sequence
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from app.config import Config

FILE_NAME = "secret.key"

_NONCE_BYTES = 12


class SecretsError(Exception):
    """The secret is absent or the wrong one; the text is one line that says what to do."""


class Secrets:
    """Seals, opens and signs. Each purpose has a key of its own."""

    def __init__(self, secrets: Sequence[str]) -> None:
        self._secrets = tuple(secret.encode() for secret in secrets)
        self._derived: dict[str, list[bytes]] = {}

    @classmethod
    def load(cls, config: Config, *, create: bool) -> Secrets:
        """Take SECRET_KEY or else the file in STATE_DIR, making the file if `create` says so.

        Raises `SecretsError` if there is neither.
        """
        if config.secret_key:
            return cls(config.secret_key)
        path = config.state_dir / FILE_NAME
        try:
            if create and not path.exists():
                _create(path)
            return cls([path.read_text().strip()])
        except FileNotFoundError:
            raise SecretsError(f"{path}: no secret here, run `vibekeys migrate` or set SECRET_KEY") from None
        except OSError as error:
            raise SecretsError(f"{path}: {error.strerror}; check STATE_DIR or set SECRET_KEY") from None

    def seal(self, purpose: str, data: bytes) -> bytes:
        """Return `data` encrypted and authenticated (AES-256-GCM)."""
        nonce = os.urandom(_NONCE_BYTES)
        return nonce + AESGCM(self.keys(purpose)[0]).encrypt(nonce, data, None)

    def open(self, purpose: str, sealed: bytes) -> bytes:
        """Return what was sealed for `purpose`. Raises `SecretsError` if none of the secrets opens it."""
        for key in self.keys(purpose):
            try:
                return AESGCM(key).decrypt(sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:], None)
            except InvalidTag:
                continue
        raise SecretsError(f"SECRET_KEY: what was sealed as {purpose!r} needs another secret")

    def keys(self, purpose: str) -> list[bytes]:
        """Return a key of each secret for one purpose: the first seals and signs, all open and verify."""
        # Kept, for deriving takes ten times as long as signing; a purpose is a constant of the program.
        if purpose not in self._derived:
            self._derived[purpose] = [_derive(secret, purpose) for secret in self._secrets]
        return self._derived[purpose]

    def mac(self, purpose: str, data: bytes) -> str:
        """Return the HMAC-SHA256 of `data`, 64 hexadecimal characters."""
        return _mac(self.keys(purpose)[0], data)

    def mac_is_right(self, purpose: str, data: bytes, mac: str) -> bool:
        """Was `mac` made of `data` for `purpose`, with any of the secrets?"""
        # As bytes: of texts, compare_digest takes only ASCII.
        given = mac.encode()
        return any(hmac.compare_digest(_mac(key, data).encode(), given) for key in self.keys(purpose))


def _create(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f".{FILE_NAME}.{os.getpid()}.{secrets.token_hex(4)}")
    draft.touch(mode=0o600)
    draft.write_text(secrets.token_hex(32) + "\n")
    try:
        # Linking makes the whole file appear at once, and never over one made by another process.
        os.link(draft, path)
    except FileExistsError:
        pass
    finally:
        draft.unlink()


def _derive(secret: bytes, purpose: str) -> bytes:
    return HKDF(SHA256(), length=32, salt=None, info=f"vibekeys {purpose}".encode()).derive(secret)


def _mac(key: bytes, data: bytes) -> str:
    return hmac.digest(key, data, "sha256").hex()
