"""Numbers as people read them."""

from __future__ import annotations


def format_duration(seconds: float) -> str:
    """Return `85 ms`, `3.2 s`, `4m 05s` or `2h 03m`."""
    # the limits lie where rounding would reach the next unit
    if seconds < 0.9995:
        return f"{seconds * 1000:.0f} ms"
    if seconds < 59.95:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 60:
        return f"{minutes}m {rest:02d}s"
    return f"{minutes // 60}h {minutes % 60:02d}m"


def format_bytes(size_bytes: int) -> str:
    """Return a size in powers of 1000: `950 B`, `24.6 kB`, `1.2 MB`."""
    if size_bytes < 1000:
        return f"{size_bytes} B"
    for unit, factor in (("kB", 10**3), ("MB", 10**6)):
        if size_bytes < factor * 999.95:
            return f"{size_bytes / factor:.1f} {unit}"
    return f"{size_bytes / 10**9:.1f} GB"


def format_wei(value_wei: int) -> str:
    """Return an amount in ether, trailing zeros dropped, without losing a wei."""
    whole, rest = divmod(abs(value_wei), 10**18)
    text = f"{whole}.{rest:018d}".rstrip("0").rstrip(".")
    return f"{'-' if value_wei < 0 else ''}{text} ETH"
