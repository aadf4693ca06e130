"""Opaque names: random public ids for cases, keyed hashes for patients and files.

A plain hash of a public image or of a patient number identifies it by lookup; a hash with a secret key does not.
"""

import hashlib
import hmac
import re
import secrets
from collections.abc import Iterable
from typing import TypeVar

from django.conf import settings

from readerstudy.common.csv_tables import is_nothing, is_shortened

Item = TypeVar("Item")
ALPHABET = "23456789abcdefghjkmnpqrstuvwxyz"  # no 0/o, 1/i/l: ids are read aloud


# Words of placeholders, and words that may stand beside them ("patient unknown", "no id"); compared in lower case.
_NOBODY = {
    *("anonymous", "anonymized", "anonymised", "anonym", "anon", "anonymisiert", "anonyme", "anonimo", "anónimo"),
    *(
        "unknown",
        "unk",
        "unbekannt",
        "inconnu",
        "desconocido",
        "sconosciuto",
        "nobody",
        "noname",
        "noid",
        "unidentified",
    ),
    *("deidentified", "identified", "deid", "redacted", "removed", "hidden", "masked", "blank", "empty", "undefined"),
    *("na", "nan", "none", "null", "nil", "no", "not", "without", "missing", "unassigned", "xxx", "xxxx", "xxxxx", "x"),
    *("dummy", "placeholder", "default", "tbd"),
}
_ANYBODY = {
    "patient",
    "patients",
    "id",
    "pid",
    "mrn",
    "number",
    "name",
    "de",
    "available",
    "known",
    "specified",
    "john",
    "jane",
}


def opaque_id() -> str:
    """A random 10-character id (about 49 bits) that says nothing about the case."""
    return "".join(secrets.choice(ALPHABET) for _ in range(10))


def keyed_hash(purpose: str, value: str | bytes) -> str:
    """Hex HMAC-SHA256 of `value` under the site's BLINDING_KEY; `purpose` separates the uses."""
    data = value.encode() if isinstance(value, str) else value
    return hmac.new(settings.BLINDING_KEY.encode(), purpose.encode() + b"\0" + data, hashlib.sha256).hexdigest()


def known_patient(patient_id: str) -> str:
    """The id without blanks around it; "" for a placeholder that stands for nobody in particular: ANONYMOUS, unknown,
    NA, nan, 0, "no id", #REF!, and a long number that a spreadsheet shortened to 1.20E+12."""
    name = patient_id.strip()
    if is_nothing(name) or is_shortened(name) or name.startswith("#"):
        return ""
    words = set(re.findall(r"[^\W_]+", name.casefold()))
    if not words or re.fullmatch(r"[+-]?0+([.,]0+)?", name) or (words & _NOBODY and words <= _NOBODY | _ANYBODY):
        return ""
    return name


def patient_key(patient_id: str) -> str:
    """Keyed hash of a patient id, for clustering and spacing; empty when there is no id, or a placeholder.

    One patient has the same key in every batch, so that studies drawn from several batches still see one patient.
    """
    name = known_patient(patient_id)
    return keyed_hash("patient", name)[:24] if name else ""


def file_name(content: bytes, suffix: str, salt: str = "") -> str:
    """Storage name of a file: keyed hash of its content (and of the row that owns it, `salt`), two-level folders."""
    digest = keyed_hash(f"file{salt}", content)[:32]
    return f"{digest[:2]}/{digest}{suffix}"


def secretly_shuffled(items: Iterable[Item]) -> list[Item]:
    """In an order that nobody can work out or repeat: for whatever leaves a trace of when it was done."""
    shuffled = list(items)
    secrets.SystemRandom().shuffle(shuffled)
    return shuffled
