"""What an earlier version wrote, against what this one writes."""

from typing import Any

import pytest


def differences(before: Any, now: Any, where: str) -> list[str]:
    """Where the JSON data `now` lack or change what `before` has; what is only in `now` is new and does not count."""
    if isinstance(before, dict) and isinstance(now, dict):
        lacking = [f"{where}.{key} is gone" for key in before if key not in now]
        return lacking + [
            d for key in before if key in now for d in differences(before[key], now[key], f"{where}.{key}")
        ]
    if isinstance(before, list) and isinstance(now, list) and len(before) == len(now):
        return [d for i, pair in enumerate(zip(before, now)) for d in differences(*pair, f"{where}[{i}]")]
    same = now == pytest.approx(before, rel=1e-9, abs=1e-12) if isinstance(before, float) else now == before
    return [] if same else [f"{where}: {before!r} is now {now!r}"]
