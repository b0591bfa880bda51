r"""Exponential function and logarithm that compilers turn into vector instructions.

Calls of a library of mathematics keep loops from being vectorised, and take ten times as long.
Arguments are reduced by multiples of log 2, given as a sum of which the first term has few digits,
as in Cody and Waite, "Software Manual for the Elementary Functions", 1980, chapters 5 and 6; what
is left goes through Taylor's series. The last digit may differ from that of numpy's functions.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from skmtl._compile import (
    bits_of,
    bits_of_single,
    compiler,
    larger,
    of_bits,
    of_bits_single,
    smaller,
)

# Digits are cancelled on purpose: sums must not be reordered here. A division that may raise would
# keep loops from being vectorised.
FAST: dict[str, Any] = {"fastmath": {"contract"}, "error_model": "numpy"}
compiled = compiler(**FAST)
compiled_inside = compiler(**FAST, no_cpython_wrapper=True)

LOG_2 = math.log(2.0)
LOG_2_HIGH = math.floor(LOG_2 * 2.0**32) / 2.0**32
LOG_2_LOW = 1.908214929270587700e-10
"""log 2 less LOG_2_HIGH, to more digits than those of their difference."""

ROUND = 1.5 * 2.0**52
"""Added to a number, it leaves an integer, in the last bits."""

HIGHEST, LOWEST = math.log(np.finfo(np.float64).max), -708.0
"""Arguments beyond which the exponential function is infinite, and where it counts as 0."""

F2, F3, F4, F5, F6, F7, F8, F9, F10, F11, F12, F13 = (1.0 / math.factorial(k) for k in range(2, 14))
# The same in float32, where a number beside one of float64 would make the whole of it float64.
S2, S3, S4, S5, S6, S7 = (np.float32(1.0 / math.factorial(k)) for k in range(2, 8))
PER_LOG_2, ROUND_SINGLE = np.float32(1.0 / LOG_2), np.float32(1.5 * 2.0**23)
HIGH_SINGLE = np.float32(math.floor(LOG_2 * 2.0**12) / 2.0**12)
LOW_SINGLE = np.float32(LOG_2 - float(HIGH_SINGLE))
TWELVE_BITS = np.int32(-(2**12))
END_SINGLE = np.float32(13.15)
"""Where the bell below leaves the normal numbers of float32."""
ROOT_HALF_BITS = int(np.float64(math.sqrt(0.5)).view(np.int64))
TINY = float(np.finfo(np.float64).tiny)


@compiled_inside
def exp(x: float) -> float:
    r""":math:`e^x = 2^k e^r`, :math:`|r| \le \tfrac12 \log 2`; 0 below -708, where float64 ends."""
    inside = smaller(larger(x, LOWEST), HIGHEST)
    shifted = inside * (1.0 / LOG_2) + ROUND
    k = shifted - ROUND
    r = (inside - k * LOG_2_HIGH) - k * LOG_2_LOW
    high = F8 + r * (F9 + r * (F10 + r * (F11 + r * (F12 + r * F13))))
    tail = F2 + r * (F3 + r * (F4 + r * (F5 + r * (F6 + r * (F7 + r * high)))))
    # Half of 2^k, and twice that: 2^1024 is none.
    power = of_bits((bits_of(shifted) << 52) + (1022 << 52))
    found = (1.0 + (r + r * r * tail)) * power * 2.0
    if x <= HIGHEST:
        return found if x >= LOWEST else 0.0
    return np.inf if x > HIGHEST else x


@compiled_inside
def bell_single(z: Any) -> Any:
    r""":math:`e^{-z^2 / 2}` in float32, to its last digits, for z >= 0; 0 where that ends.

    With the first 12 bits h of z, :math:`z^2 = h^2 + (z - h) (z + h)`, the first of which is exact.
    """
    zero, half, one = np.float32(0.0), np.float32(0.5), np.float32(1.0)
    inside = smaller(END_SINGLE, z)
    h = of_bits_single(np.int32(bits_of_single(inside) & TWELVE_BITS))
    high, low = half * (h * h), half * ((inside - h) * (inside + h))
    shifted = ROUND_SINGLE - (high + low) * PER_LOG_2
    k = shifted - ROUND_SINGLE
    r = (zero - high - k * HIGH_SINGLE) - (k * LOW_SINGLE + low)
    tail = S2 + r * (S3 + r * (S4 + r * (S5 + r * (S6 + r * S7))))
    power = of_bits_single(np.int32((bits_of_single(shifted) << 23) + (127 << 23)))
    found = (one + (r + r * r * tail)) * power
    return found if z < END_SINGLE else zero


@compiled_inside
def log(x: float) -> float:
    r""":math:`\log x = k \log 2 + 2 \operatorname{artanh} s`, :math:`s = (m - 1) / (m + 1)`.

    For normal numbers x > 0: :math:`x = 2^k m`, :math:`\sqrt{1/2} \le m < \sqrt 2`.
    """
    bits = bits_of(x)
    exponent = (bits - ROOT_HALF_BITS) >> 52
    k = float(exponent)
    f = of_bits(bits - (exponent << 52)) - 1.0
    s = f / (2.0 + f)
    z = s * s
    high = 1 / 13 + z * (1 / 15 + z * (1 / 17 + z * (1 / 19 + z * (1 / 21))))
    tail = z * (1 / 3 + z * (1 / 5 + z * (1 / 7 + z * (1 / 9 + z * (1 / 11 + z * high)))))
    # 2 s = f - s f, the first of which is exact.
    return k * LOG_2_HIGH + (f - (s * (f - 2.0 * tail) - k * LOG_2_LOW))


@compiled_inside
def log1p(x: float) -> float:
    """log(1 + x) for x >= 0: what 1 + x is rounded by counts to first order."""
    u = 1.0 + x
    return log(u) + (x - (u - 1.0)) / u


@compiled_inside
def times_log(p: float) -> float:
    """p log p for p >= 0, which is 0 at 0."""
    return p * log(larger(p, TINY))
