"""The Content-Disposition header, made in one place: no name from outside can end the header or add to it."""

import re

_UNSAFE = re.compile(r"[^A-Za-z0-9._-]+")
LONGEST = 150


def disposition(name: str, *, inline: bool = False) -> str:
    """`attachment; filename="name"` (or `inline`): every run of other characters than letters, digits, . - _ becomes -.

    A name never begins with a point or a dash, and is cut at LONGEST characters with its suffix kept.
    """
    safe = _UNSAFE.sub("-", name).lstrip(".-") or "file"
    if len(safe) > LONGEST:
        stem, point, suffix = safe.rpartition(".")
        suffix = f"{point}{suffix}" if stem and len(suffix) < 10 else ""
        safe = safe[: LONGEST - len(suffix)] + suffix
    return f'{"inline" if inline else "attachment"}; filename="{safe}"'
