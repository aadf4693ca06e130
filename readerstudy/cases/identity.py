"""Opaque names: random public ids for cases, keyed hashes for patients and files.

A plain hash of a public image or of a patient number identifies it by lookup; a hash with a secret key does not.
"""

import hashlib
import hmac
import secrets

from django.conf import settings

ALPHABET = "23456789abcdefghjkmnpqrstuvwxyz"  # no 0/o, 1/i/l: ids are read aloud


def opaque_id() -> str:
    """A random 10-character id (about 49 bits) that says nothing about the case."""
    return "".join(secrets.choice(ALPHABET) for _ in range(10))


def keyed_hash(purpose: str, value: str | bytes) -> str:
    """Hex HMAC-SHA256 of `value` under the site's BLINDING_KEY; `purpose` separates the uses."""
    data = value.encode() if isinstance(value, str) else value
    return hmac.new(settings.BLINDING_KEY.encode(), purpose.encode() + b"\0" + data, hashlib.sha256).hexdigest()


def patient_key(patient_id: str) -> str:
    """Keyed hash of a patient id, for clustering and spacing; empty when there is no id.

    One patient has the same key in every batch, so that studies drawn from several batches still see one patient.
    """
    return keyed_hash("patient", patient_id.strip())[:24] if patient_id.strip() else ""


def file_name(content: bytes, suffix: str, salt: str = "") -> str:
    """Storage name of a file: keyed hash of its content (and of the row that owns it, `salt`), two-level folders."""
    digest = keyed_hash(f"file{salt}", content)[:32]
    return f"{digest[:2]}/{digest}{suffix}"
