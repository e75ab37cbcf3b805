"""Signatures and request timing, as Binance checks them (rest-api.md, "SIGNED Endpoint security").

HMAC keys sign with SHA-256, in hex of any case; Ed25519 keys sign the same bytes, in case-sensitive base64. What is
signed is what was sent: the query string and the body, one after the other without a separator, percent-encoded.
"""

import base64
import binascii
import hashlib
import hmac
import re
from collections.abc import Mapping
from functools import lru_cache
from urllib.parse import quote

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import load_pem_public_key

from exchange_simulator.engine.account import ApiKey, KeyKind
from exchange_simulator.engine.errors import ApiError

DEFAULT_RECV_WINDOW_MS = 5_000
MAX_RECV_WINDOW_MS = 60_000
AHEAD_TOLERANCE_MS = 1_000
MICROSECOND_TIMESTAMP = 10**14
"""A timestamp from this number on is in microseconds: in milliseconds it would lie in the year 5138."""

_SIGNATURE = re.compile(r"(?:^|&)signature=[^&]*")


def signed_payload(query: str, body: str) -> bytes:
    """Return the bytes that a REST client signs: raw query and raw body without their `signature` parameter."""
    return (_SIGNATURE.sub("", query).lstrip("&") + _SIGNATURE.sub("", body).lstrip("&")).encode()


def signed_params(params: Mapping[str, object]) -> bytes:
    """Return the bytes that a WebSocket API client signs: all parameters but `signature`, sorted by name."""
    pairs = (f"{name}={_as_sent(params[name])}" for name in sorted(params) if name != "signature")
    return "&".join(pairs).encode()


def verify(key: ApiKey, payload: bytes, signature: str) -> None:
    """Check `signature` of `payload`.

    Raises:
        ApiError: -1022 when the signature does not belong to the payload and the key.
    """
    good = _hmac_matches(key, payload, signature) if key.kind is KeyKind.HMAC else _ed25519(key, payload, signature)
    if not good:
        raise ApiError(-1022, "Signature for this request is not valid.")


def check_timing(timestamp: int, recv_window_ms: float, now_us: int) -> None:
    """Check a request's time against the server's (rest-api.md, "Timing security").

    Args:
        timestamp: The client's clock when it sent the request, in milliseconds or microseconds since the epoch.
        recv_window_ms: How old the request may be.
        now_us: The server's clock in microseconds.

    Raises:
        ApiError: -1021 when the request is too old or comes from the future.
    """
    sent_us = timestamp if timestamp >= MICROSECOND_TIMESTAMP else timestamp * 1_000
    if sent_us >= now_us + AHEAD_TOLERANCE_MS * 1_000:
        raise ApiError(-1021, "Timestamp for this request was 1000ms ahead of the server's time.")
    if now_us - sent_us > recv_window_ms * 1_000:
        raise ApiError(-1021, "Timestamp for this request is outside of the recvWindow.")


def _as_sent(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return quote(str(value), safe="-_.~")


def _hmac_matches(key: ApiKey, payload: bytes, signature: str) -> bool:
    expected = hmac.digest(key.secret.encode(), payload, hashlib.sha256).hex()
    return hmac.compare_digest(expected.encode(), signature.lower().encode())


def _ed25519(key: ApiKey, payload: bytes, signature: str) -> bool:
    try:
        _public_key(key.secret).verify(base64.b64decode(signature, validate=True), payload)
    except (InvalidSignature, binascii.Error, ValueError):
        return False
    return True


@lru_cache(maxsize=1024)
def _public_key(pem: str) -> Ed25519PublicKey:
    loaded = load_pem_public_key(pem.encode())
    if not isinstance(loaded, Ed25519PublicKey):
        raise TypeError(f"an Ed25519 public key in PEM form is needed, this is a {type(loaded).__name__}")
    return loaded
