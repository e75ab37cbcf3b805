"""Secrets are hidden once, as soon as they are known; from then on no log line and no error sentence shows them.

Process-wide, because a log handler, a traceback and a settings error have no other place in common.
"""

import json
from threading import Lock
from typing import Final
from urllib.parse import quote

MASK: Final = "**********"


class Masker:
    """Replaces secrets in texts, in every notation in which one may be printed."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._forms: tuple[str, ...] = ()

    def hide(self, *secrets: str) -> None:
        """Mask these from now on; an empty one is none."""
        forms = {form for secret in secrets if secret for form in _notations(secret)}
        with self._lock:
            # the longest first: a secret may begin with another one
            self._forms = tuple(sorted({*self._forms, *forms}, key=lambda form: (-len(form), form)))

    def mask(self, text: str) -> str:
        """The text without secrets."""
        for form in self._forms:
            text = text.replace(form, MASK)
        return text


def _notations(secret: str) -> set[str]:
    """A secret as it is, in JSON, in Python's repr (with either quote) and in a URL."""
    shown = repr(secret)[1:-1]
    return {
        secret,
        json.dumps(secret)[1:-1],
        json.dumps(secret, ensure_ascii=False)[1:-1],
        shown,
        shown.replace("\\'", "'").replace("'", "\\'"),
        ascii(secret)[1:-1],
        quote(secret, safe="", errors="backslashreplace"),
    }


_MASKER: Final = Masker()
hide: Final = _MASKER.hide
mask: Final = _MASKER.mask
