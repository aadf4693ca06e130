"""Age, sex and view as people and machines write them: one reading for manifests, DICOM headers and data sets.

Each function returns what is stored, None or "" for what says nothing, and raises ValueError with a sentence for what
makes no sense. A manifest shows that sentence; a DICOM header or a data set's table takes the value as unknown.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")
MAX_AGE = 120
# Cells that say that nothing is known; compared in lower case.
SAYS_NOTHING = {
    *("", "-", "--", ".", "nan", "na", "n/a", "#n/a", "none", "null", "nil", "unknown", "unk", "not known"),
    *("missing", "not available", "not stated", "not specified", "unspecified", "undefined"),
    *("n/d", "#n/d", "n.d.", "nd", "#nv", "n.v.", "k.a.", "k. a.", "keine angabe", "unbekannt", "inconnu", "inconnue"),
    *(
        "non connu",
        "desconocido",
        "desconocida",
        "desconhecido",
        "sconosciuto",
        "onbekend",
        "okänd",
        "ukjent",
        "nieznany",
    ),
}

# View Position of DICOM (PS3.3 C.8.1.1, C.8.11.5), and what manifests and data sets write beside it.
VIEWS = {
    *("PA", "AP", "LL", "RL", "LAO", "RAO", "LPO", "RPO", "LLD", "RLD"),
    *("L", "LATERAL", "AP SUPINE", "AP ERECT"),
}
_VIEW_WORDS = {
    "POSTEROANTERIOR": "PA",
    "POSTERO ANTERIOR": "PA",
    "POSTERIOR ANTERIOR": "PA",
    "P A": "PA",
    "ANTEROPOSTERIOR": "AP",
    "ANTERO POSTERIOR": "AP",
    "ANTERIOR POSTERIOR": "AP",
    "A P": "AP",
    "AP HORIZONTAL": "AP SUPINE",
    "SUPINE AP": "AP SUPINE",
    "APSUPINE": "AP SUPINE",
    "AP UPRIGHT": "AP ERECT",
    "ERECT AP": "AP ERECT",
    "APERECT": "AP ERECT",
    "LAT": "LATERAL",
    "LATERAL VIEW": "LATERAL",
    "LEFT LATERAL": "LL",
    "LLAT": "LL",
    "L LAT": "LL",
    "RIGHT LATERAL": "RL",
    "RLAT": "RL",
    "R LAT": "RL",
    "LEFT ANTERIOR OBLIQUE": "LAO",
    "RIGHT ANTERIOR OBLIQUE": "RAO",
    "LEFT POSTERIOR OBLIQUE": "LPO",
    "RIGHT POSTERIOR OBLIQUE": "RPO",
    "LEFT LATERAL DECUBITUS": "LLD",
    "RIGHT LATERAL DECUBITUS": "RLD",
}
_SEXES = {"f": "F", "female": "F", "m": "M", "male": "M", "o": "O", "other": "O", "u": ""}

# Units of a DICOM age string (PS3.5 6.2, VR AS) and their words; a year of them is counted down to whole years.
_A_YEAR = {"y": 1.0, "m": 12.0, "w": 52.0, "d": 365.0}
_AGE = re.compile(
    r"(?:(>=?|≥)\s*)?([+-]?\d+(?:[.,]\d+)?)\s*"
    r"(?:(\+)|(y|yr|yrs|years?|years? old|m|mo|months?|w|wk|weeks?|d|days?)\.?)?",
    re.IGNORECASE,
)


def age_years(text: str) -> int | None:
    """Whole years, 0 to MAX_AGE, of "58", "058Y", "90+", ">89", "018M", "003W", "10 days", "63.0"; None for unknown.

    Raises ValueError for what is no age: "old", "414Y", "-1", "63.5".
    """
    value = text.strip()
    if value.lower() in SAYS_NOTHING:
        return None
    match = _AGE.fullmatch(value)
    if not match:
        raise ValueError("it is not a number")
    number, unit = float(match[2].replace(",", ".")), (match[4] or "y")[0].lower()
    if number != math.floor(number):
        raise ValueError("it is not a whole number")
    years = (number + (match[1] == ">")) / _A_YEAR[unit]
    if not 0 <= years <= MAX_AGE:
        raise ValueError(f"it is not between 0 and {MAX_AGE}")
    return math.floor(years)


def view(text: str) -> str:
    """One of VIEWS for a view in any case, with spaces, hyphens or underscores; "" for unknown. Raises ValueError."""
    value = " ".join(re.split(r"[\s_.-]+", text.strip().upper())).strip()
    if value.lower() in SAYS_NOTHING or text.strip().lower() in SAYS_NOTHING:
        return ""
    value = _VIEW_WORDS.get(value, value)
    if value not in VIEWS:
        raise ValueError("it is not a known view")
    return value


def sex(text: str) -> str:
    """F, M or O for a letter or word in any case; "" for unknown. Raises ValueError."""
    value = text.strip().lower()
    if value in SAYS_NOTHING:
        return ""
    if value not in _SEXES:
        raise ValueError("it is not a known value")
    return _SEXES[value]


def or_unknown(read: Callable[[str], T], text: str, unknown: T) -> T:
    """What `read` makes of a text that cannot be corrected here; `unknown` where it makes no sense."""
    try:
        return read(text)
    except ValueError:
        return unknown
