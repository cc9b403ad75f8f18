"""Names of the arrays of steps beside one another."""

from collections import Counter
from collections.abc import Sequence


def prefixes_of(kinds: Sequence[str]) -> list[str]:
    """Return the prefixes of array names: the kind, from the second of a kind with its number."""
    seen: Counter[str] = Counter()
    prefixes = []
    for kind in kinds:
        seen[kind] += 1
        prefixes.append(f"{kind}." if seen[kind] == 1 else f"{kind}{seen[kind]}.")
    return prefixes
