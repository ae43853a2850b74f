"""Signing in by OpenID Connect: somebody whom the operator trusts vouches for an e-mail.

The authorization code flow, with PKCE. What is taken from the provider is one signed ID token, checked as
OpenID Connect Core, 3.1.3.7, says: by a key that the provider publishes, made for us, now, in answer to the
question of this very browser. Only signatures with a public key count: by a shared secret, or by none,
anybody could have signed.

The issuer is the operator's word, so it may be on a private network. Its answers are bounded in time and
size, and redirects are not followed. What it publishes is kept for five minutes; a signature by a key that
is not known yet is a reason to look once more.
"""

from __future__ import annotations

import base64
import hashlib
import json
import secrets
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, NamedTuple
from urllib.parse import quote_plus, urlencode, urlsplit

from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, JWKRegistry, Key, OKPKey, RSAKey
from joserfc.jws import JWSRegistry, extract_compact

from app.bitrix.network import Destination, Network, NoAnswer, Reply
from app.config import Config

CALLBACK = "/dashboard/sign-in/oidc/callback"
LONGEST_ATTEMPT = 600.0
"""Seconds in which somebody has to be back from the provider."""

_ALGORITHMS = (
    *("RS256", "RS384", "RS512", "PS256", "PS384", "PS512"),
    *("ES256", "ES384", "ES512", "Ed25519", "EdDSA"),
)
_SECONDS = 3.0
_LARGEST = 1 << 20
_KEPT_SECONDS = 300.0
_LEEWAY = 60
_FORM = b"application/x-www-form-urlencoded"


class ProviderFailed(Exception):
    """The provider gives no answer that could be used; the text says why in a few words, and is no secret."""


class NotVouchedFor(Exception):
    """The provider's answer does not let anybody in; the text says why in a few words, and is no secret."""


class EmailNotVerified(NotVouchedFor):
    """The provider does not say that the e-mail belongs to who has signed in there."""


class Busy(Exception):
    """As many wait for the provider as may."""


class Attempt(NamedTuple):
    """What the browser keeps while it is with the provider; `began_at` in unix seconds."""

    state: str
    nonce: str
    verifier: str
    began_at: float


class _Endpoints(NamedTuple):
    authorization: str
    token: str
    keys: str
    secret_in_body: bool


class Provider:
    """The provider of the settings. Safe for threads, not for use after a fork. `clock` tells seconds."""

    def __init__(self, config: Config, clock: Callable[[], float]) -> None:
        self._issuer = config.oidc_issuer
        self._client = config.oidc_client_id
        self._secret = config.oidc_client_secret
        self._callback = config.public_url + CALLBACK
        self._clock = clock
        self._network = Network()
        # So that a provider that is silent leaves threads for everything else.
        self._room = threading.Semaphore(max(1, config.threads // 2))
        self._kept: dict[str, tuple[float, dict[str, Any]]] = {}

    @property
    def host(self) -> str:
        """The name by which people know it."""
        return urlsplit(self._issuer).netloc

    def close(self) -> None:
        """Close the connections."""
        self._network.close()

    def begin(self) -> tuple[str, Attempt]:
        """Return the address at the provider where a browser is sent, and what it has to keep until it is
        back.

        Raises `ProviderFailed` and `Busy`.
        """
        with self._turn():
            endpoint = self._endpoints().authorization
        state, nonce, verifier = (secrets.token_urlsafe(32) for _ in range(3))
        query = {
            "response_type": "code",
            "client_id": self._client,
            "redirect_uri": self._callback,
            "scope": "openid email",
            "state": state,
            "nonce": nonce,
            "code_challenge": _base64url(hashlib.sha256(verifier.encode()).digest()),
            "code_challenge_method": "S256",
        }
        mark = "&" if urlsplit(endpoint).query else "?"
        return endpoint + mark + urlencode(query), Attempt(state, nonce, verifier, self._clock())

    def email(self, attempt: Attempt, answer: Mapping[str, str]) -> str:
        """Return the e-mail of who comes back from the provider with `answer`, in lower case.

        Raises `NotVouchedFor`, `EmailNotVerified`, `ProviderFailed` and `Busy`.
        """
        self._check(attempt, answer)
        with self._turn():
            claims = self._claims(self._token(attempt, answer["code"]), attempt.nonce)
        email = claims.get("email")
        if claims.get("email_verified") is not True or not isinstance(email, str):
            raise EmailNotVerified("the e-mail is not verified")
        return email.strip().lower()

    def _check(self, attempt: Attempt, answer: Mapping[str, str]) -> None:
        if not secrets.compare_digest(attempt.state.encode(), answer.get("state", "").encode()):
            raise NotVouchedFor("another state")
        if not 0 <= self._clock() - attempt.began_at <= LONGEST_ATTEMPT:
            raise NotVouchedFor("it took too long")
        if answer.get("iss", self._issuer) != self._issuer:  # RFC 9207
            raise NotVouchedFor("another issuer")
        if "error" in answer or not answer.get("code"):
            raise NotVouchedFor("the provider refused")

    def _token(self, attempt: Attempt, code: str) -> str:
        endpoints = self._endpoints()
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": self._callback,
            "code_verifier": attempt.verifier,
        }
        headers = []
        if self._secret and not endpoints.secret_in_body:
            login = f"{quote_plus(self._client)}:{quote_plus(self._secret)}".encode()  # RFC 6749, 2.3.1
            headers.append((b"Authorization", b"Basic " + base64.b64encode(login)))
        else:
            form["client_id"] = self._client
            if self._secret:
                form["client_secret"] = self._secret
        with _said_plainly("token"):
            reply = self._network.post(
                Destination(endpoints.token, allow_private=True),
                "",
                urlencode(form).encode(),
                deadline=time.monotonic() + _SECONDS,
                largest=_LARGEST,
                headers=headers,
                content_type=_FORM,
            )
        if reply.status in (400, 401, 403):
            raise NotVouchedFor(f"the code was refused with status {reply.status}")
        token = _json(reply, "token").get("id_token")
        if not isinstance(token, str):
            raise ProviderFailed("token: there is no id_token")
        return token

    def _claims(self, token: str, nonce: str) -> dict[str, Any]:
        try:
            claims = self._signed(token)
            jwt.JWTClaimsRegistry(
                now=int(self._clock()),
                leeway=_LEEWAY,
                iss={"essential": True, "value": self._issuer},
                aud={"essential": True, "value": self._client},
                sub={"essential": True},
                exp={"essential": True},
                iat={"essential": True},
                nonce={"essential": True, "value": nonce},
            ).validate(claims)
        except (JoseError, ValueError, TypeError) as error:
            # Only its kind: the text may quote the token.
            raise NotVouchedFor(f"the ID token is not valid: {type(error).__name__}") from None
        several = isinstance(claims["aud"], list) and len(claims["aud"]) > 1
        if claims.get("azp", None if several else self._client) != self._client:
            raise NotVouchedFor("the ID token is for another client")
        return claims

    def _signed(self, token: str) -> dict[str, Any]:
        """Return the claims of a token that a key of the provider has signed. Raises `JoseError`."""
        header = extract_compact(token.encode()).headers()
        endpoint = self._endpoints().keys
        keys = _fitting(self._published("keys", endpoint), header) or _fitting(
            self._published("keys", endpoint, anew=True), header
        )
        for key in keys:
            try:
                return jwt.decode(token, key, registry=JWSRegistry(algorithms=_ALGORITHMS)).claims
            except JoseError:
                if key is keys[-1]:
                    raise
        raise NotVouchedFor("the ID token is signed with an unknown key")

    def _endpoints(self) -> _Endpoints:
        address = self._issuer.removesuffix("/") + "/.well-known/openid-configuration"
        document = self._published("discovery", address)
        if document.get("issuer") != self._issuer:
            raise ProviderFailed("discovery: it names another issuer than OIDC_ISSUER")
        methods = document.get("token_endpoint_auth_methods_supported", ["client_secret_basic"])
        in_body = isinstance(methods, list) and "client_secret_basic" not in methods
        return _Endpoints(
            self._endpoint(document, "authorization_endpoint"),
            self._endpoint(document, "token_endpoint"),
            self._endpoint(document, "jwks_uri"),
            in_body,
        )

    def _endpoint(self, document: Mapping[str, Any], name: str) -> str:
        endpoint = document.get(name)
        schemes = ("https",) if self._issuer.startswith("https:") else ("https", "http")
        try:
            parts = urlsplit(endpoint if isinstance(endpoint, str) and endpoint.isascii() else "")
            right = parts.scheme in schemes and parts.hostname and parts.port != 0 and "@" not in parts.netloc
        except ValueError:
            right = False
        if not right or not str(endpoint).isprintable() or " " in str(endpoint) or parts.fragment:
            raise ProviderFailed(f"discovery: {name} is no address with {' or '.join(schemes)}")
        return str(endpoint)

    def _published(self, what: str, address: str, *, anew: bool = False) -> dict[str, Any]:
        until, document = self._kept.get(address, (0.0, {}))
        now = time.monotonic()
        if now < until and not anew:
            return document
        with _said_plainly(what):
            to = Destination(address, allow_private=True)
            reply = self._network.get(to, deadline=now + _SECONDS, largest=_LARGEST)
        document = _json(reply, what)
        self._kept[address] = (now + _KEPT_SECONDS, document)
        return document

    @contextmanager
    def _turn(self) -> Iterator[None]:
        if not self._room.acquire(blocking=False):
            raise Busy
        try:
            yield
        finally:
            self._room.release()


def _fitting(published: Mapping[str, Any], header: Mapping[str, Any]) -> list[Key]:
    """Return the public keys that a token with this header may be signed with."""
    rows = published.get("keys")
    return [
        key
        for row in (rows if isinstance(rows, list) else ())
        if isinstance(row, dict)
        and row.get("use", "sig") == "sig"
        and row.get("alg", header.get("alg")) == header.get("alg")
        and ("kid" not in header or row.get("kid") == header["kid"])
        and (key := _public_key(row)) is not None
    ]


def _public_key(row: dict[str, Any]) -> Key | None:
    try:
        key = JWKRegistry.import_key(row)
    except (JoseError, ValueError, TypeError, KeyError):
        return None  # of a kind that is not known here (RFC 7517, 5)
    return key if isinstance(key, (RSAKey, ECKey, OKPKey)) else None


def _json(reply: Reply, what: str) -> dict[str, Any]:
    if reply.status != 200:
        raise ProviderFailed(f"{what}: status {reply.status}")
    try:
        document = json.loads(reply.body)
    except (ValueError, RecursionError):
        document = None
    if not isinstance(document, dict):
        raise ProviderFailed(f"{what}: it is no JSON object")
    return document


@contextmanager
def _said_plainly(what: str) -> Iterator[None]:
    try:
        yield
    except NoAnswer as failure:
        raise ProviderFailed(f"{what}: {failure}") from None


def _base64url(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()
