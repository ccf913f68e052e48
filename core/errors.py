"""Broken promises, as exceptions. Expected outcomes (a refusal, an unknown result) are values in `core.decisions`.

LighterTuiError
├── ConfigError         what the operator wrote cannot be used; exit code 2
├── LinkDown            the venue could not be reached, or stopped answering
├── ProtocolViolation   the venue said something that its protocol does not allow
├── AuthRejected        the venue does not accept this account, key or token
├── JournalError        what must be remembered could not be written or read; trading halts
└── InvariantBroken     a rule of our own was broken; trading halts
"""

from typing import Final

_EXCERPT: Final = 200


class LighterTuiError(Exception):
    """Base of every error this project raises; its text is one sentence for the operator."""


class ConfigError(LighterTuiError):
    """The configuration cannot be used; the text names every field, what came and what is accepted."""


class LinkDown(LighterTuiError):
    """The venue could not be reached or went silent."""


class ProtocolViolation(LighterTuiError):
    """The venue sent something its protocol does not allow; carries an excerpt of it."""

    def __init__(self, what: str, text: str | bytes = "") -> None:
        """Keep at most 200 characters of the offending text."""
        shown = text.decode("utf-8", "replace") if isinstance(text, bytes) else text
        excerpt = shown if len(shown) <= _EXCERPT else shown[: _EXCERPT - 1] + "…"
        super().__init__(f"{what}: {excerpt}" if excerpt else what)


class AuthRejected(LighterTuiError):
    """The venue refuses our account, key or token."""


class JournalError(LighterTuiError):
    """The journal could not be opened, written or trusted."""


class InvariantBroken(LighterTuiError):
    """One of our own rules was broken; nothing that follows can be trusted."""
