"""How allauth keeps what second factors are made of: encrypted, so that a dump of the database logs nobody in."""

import base64
import hashlib
import hmac
import logging
import secrets

from allauth.mfa.adapter import DefaultMFAAdapter
from cryptography.fernet import Fernet, InvalidToken
from django.conf import settings

PREFIX = "fernet:"
logger = logging.getLogger(__name__)


def encrypt(text: str) -> str:
    return text if text.startswith(PREFIX) else PREFIX + _fernet().encrypt(text.encode()).decode()


def decrypt(text: str) -> str:
    """Rows of versions before this one are not encrypted until their `migrate`. A secret that the key does not open
    (BLINDING_KEY was replaced) becomes one that no code fits."""
    if not text.startswith(PREFIX):
        return text
    try:
        return _fernet().decrypt(text.removeprefix(PREFIX).encode()).decode()
    except InvalidToken:
        logger.error("A second factor cannot be decrypted: BLINDING_KEY is not the one it was set up with.")
        return base64.b32encode(secrets.token_bytes(20)).decode()


class SecondFactorAdapter(DefaultMFAAdapter):
    def encrypt(self, text: str) -> str:
        return encrypt(text)

    def decrypt(self, encrypted_text: str) -> str:
        return decrypt(encrypted_text)


def _fernet() -> Fernet:
    """BLINDING_KEY and not SECRET_KEY, which may be replaced at any time."""
    key = hmac.new(settings.BLINDING_KEY.encode(), b"second factors", hashlib.sha256).digest()
    return Fernet(base64.urlsafe_b64encode(key))
