"""Dynamic time warping: the distance of two sequences of which one may run faster than the other.

    D(i, j) = |x_i - y_j|² + min(D(i-1, j), D(i, j-1), D(i-1, j-1)),   distance² = D(T, T')

All channels are warped together ("dependent"), so that `|x_i - y_j|²` is over the channels.

Sources: H. Sakoe and S. Chiba, "Dynamic programming algorithm optimization for spoken word
recognition", IEEE Transactions on Acoustics, Speech, and Signal Processing 26 (1978) (the recursion
and the band); M. Shokoohi-Yekta, B. Hu, H. Jin, J. Wang and E. Keogh, "Generalizing DTW to the
multi-dimensional case requires an adaptive approach", Data Mining and Knowledge Discovery 31 (2017)
(dependent warping).
"""

from __future__ import annotations

import numpy as np

from rnnkit.baselines.contract import FloatArray, IntArray
from rnnkit.data.ragged import Ragged
from rnnkit.errors import ShapeError

_TOGETHER = (
    200_000  # numbers of the known sequences that are gone through at once; they fit a cache
)


def nearest(queries: Ragged, known: Ragged, band: int | None = None) -> IntArray:
    """Return, for each query, the known sequence that is nearest by dynamic time warping.

    Args:
        queries: `S'` sequences `(T, I)`, no NaN, at least one step each.
        known: `S` sequences `(T', I)`, 1 or more, no NaN, at least one step each.
        band: how many steps apart two steps that are matched may stand; `None` for any. Only for
            sequences that are all of one length.

    Returns:
        `(S',)` int64; of several that are equally near the first.

    Raises:
        ShapeError: if there is no known sequence, one has no step, the channels differ, or there is
            a band and the lengths differ.

    Example:
        >>> known = Ragged.join([np.array([[0.0], [1.0]]), np.array([[0.0], [5.0], [5.0]])])
        >>> nearest(Ragged.join([np.array([[0.0], [0.0], [5.0]])]), known).tolist()
        [1]
    """
    lengths = np.concatenate([queries.lengths, known.lengths])
    if not len(known) or not lengths.all() or queries.values.shape[1:] != known.values.shape[1:]:
        raise ShapeError(
            "warping needs sequences of at least one step and of the same channels, got "
            f"{len(known)} known, the shortest of {lengths.min(initial=0)} steps, and values of "
            f"shape {queries.values.shape} beside {known.values.shape}"
        )
    if band is not None and lengths.min() != lengths.max():
        raise ShapeError(
            f"a band needs sequences of one length, got {lengths.min()} to {lengths.max()} steps"
        )
    best = np.full(len(queries), np.inf)
    index = np.zeros(len(queries), dtype=np.int64)
    for members in _together(known):
        block, ends = _side_by_side(known, members)
        for number in range(len(queries)):
            distances = _distances(queries[number], block, ends, band)
            first = int(distances.argmin())
            rank = (distances[first], members[first])
            if rank < (best[number], index[number]):
                best[number], index[number] = rank
    return index


def _together(known: Ragged) -> list[IntArray]:
    """Return the sequences in groups of like length, none larger than is fast."""
    order = np.argsort(known.lengths, kind="stable")
    width = known.values[:1].size
    groups: list[IntArray] = []
    begin = 0
    for end in range(1, len(order) + 1):
        if end == len(order) or (end + 1 - begin) * known.lengths[order[end]] * width > _TOGETHER:
            groups.append(np.sort(order[begin:end]))  # so that the first of equals is found
            begin = end
    return groups


def _side_by_side(known: Ragged, members: IntArray) -> tuple[FloatArray, IntArray]:
    """Return the members' steps `(I, T', n)`, 0 behind the end of each, and their lengths `(n,)`.

    The steps come before the members, so that a run of steps lies in one piece of memory.
    """
    padded, lengths = known.padded(members)
    return np.ascontiguousarray(padded.numpy().transpose(2, 1, 0)), lengths.numpy()


def _distances(
    query: FloatArray, block: FloatArray, ends: IntArray, band: int | None
) -> FloatArray:
    """Return the squared distance `(n,)` of a query `(T, I)` from each sequence of a block.

    The table of D is gone through by diagonals, `i + j` constant: all of a diagonal depends on the
    two before it alone, so that one step serves it and all sequences at once. Row `i + 1` of a
    diagonal holds `D(i, diagonal - i)`; row 0 and what was not reached are infinite. What lies
    behind the end of a short sequence is never on the way to its last step.
    """
    steps, longest = len(query), block.shape[1]
    backwards = block[:, ::-1]  # with j falling as i grows
    reach = max(steps, longest) if band is None else band
    before, last = (np.full((steps + 1, len(ends)), np.inf) for _ in range(2))
    distances = np.empty(len(ends))
    before[0] = 0.0  # D(-1, -1), whence the first step comes
    for diagonal in range(steps + longest - 1):
        low = max(0, diagonal - longest + 1, (diagonal - reach + 1) // 2)
        high = min(steps - 1, diagonal, (diagonal + reach) // 2)
        here = np.full_like(last, np.inf)
        if low <= high:
            first = longest - 1 - diagonal + low  # where j = diagonal - low stands in backwards
            cost = np.zeros((high - low + 1, len(ends)))
            for channel, other in zip(query.T, backwards, strict=True):
                apart = channel[low : high + 1, None] - other[first : first + high - low + 1]
                cost += apart * apart
            came = np.minimum(last[low : high + 1], last[low + 1 : high + 2])
            np.minimum(came, before[low : high + 1], out=came)
            np.add(came, cost, out=here[low + 1 : high + 2])
        ended = ends == diagonal - steps + 2
        distances[ended] = here[steps, ended]
        before, last = last, here
    return distances
