"""Multiplicative hashing of row ids to buckets: the same on every device, in whole numbers of 64 bits."""

from torch import Tensor

MULTIPLIERS = (-4658895280553007687, -7723592293110705685)
"""Odd, with well-mixed bits: those of splitmix64's finaliser. Ids near each other go to buckets far apart."""

HASH_BITS = 31


def buckets_of(ids: Tensor, buckets: int, function: int = 0) -> Tensor:
    """Bucket 0 … `buckets` − 1 of each id, int64, by hash `function` 0 or 1; `buckets` is at most 2^31.

    The id times an odd number, modulo 2^64; its upper 31 bits, as a fraction of 2^31, times the buckets. Source:
    Dietzfelbinger et al. (1997), multiply-shift; Lemire (2019) for the reduction to a range.
    """
    mixed = ids.long() * MULTIPLIERS[function]  # overflow wraps, which is the modulus
    upper = (mixed >> (64 - HASH_BITS)) & (2**HASH_BITS - 1)  # the shift keeps the sign, the mask drops it
    found: Tensor = (upper * buckets) >> HASH_BITS
    return found
