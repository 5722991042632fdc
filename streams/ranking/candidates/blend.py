"""What the sources brought as one pool a request: reciprocal rank fusion (Cormack, Clarke, Büttcher, SIGIR
2009).
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from model.compiled import compiled
from model.schema import I64
from streams.ranking.candidates.asks import Asks, BatchAsks
from streams.ranking.candidates.given_pool import put_given
from streams.ranking.candidates.lists import FoundLists
from streams.ranking.candidates.rest import add_rest
from streams.ranking.candidates.selection import key, lowest_first, row_of
from streams.ranking.workspace import Fusion, Scratch, Workspace

I8 = NDArray[np.int8]
U8 = NDArray[np.uint8]
I32 = NDArray[np.int32]
U64 = NDArray[np.uint64]
F64 = NDArray[np.float64]
OTHERS = np.uint64(1 << 63)  # the highest bit of a key: of all rows that no source has reserved


class Pools(NamedTuple):
    """Of B requests end to end, those of request b from `offsets[b]` on, int64 [B + 1]: rows int32 [n], best
    first. ranks int32 [n, sources]: places in each source's list, from 1; 0: none.

    origin int8 [n]: the source that gave the row the largest part of its sum, -1 for none.
    """

    offsets: I64
    rows: I32
    ranks: I32
    origin: I8


class AddedRows(NamedTuple):
    """Rows that come behind the pools: those of request b from first[b] int64 [B + 1] on, end to end in rows
    int32.
    """

    rows: I32
    first: I64


class GivenPools(NamedTuple):
    """Pools that requests bring themselves: as in `AddedRows`. asked uint8 [B]: 1 where a request does."""

    rows: I32
    first: I64
    asked: U8


def blend(
    found: FoundLists,
    asks: BatchAsks,
    also: AddedRows,
    given: GivenPools,
    rest: int,
    blocked: U8,
    items: int,
    workspace: Workspace,
) -> Pools:
    """For each request the `pool` rows with the highest sum of weight / (constant + rank), compared as
    float32; ties go to the lower row. No weight is below 0.

    blocked uint8 [B, n]: 1 for what may not be shown; items: how many there are. rest: the source under which
    what fills up a pool is booked. A pool that is given is put in order by the same sums (`put_given`); what
    no source found has 0.
    """
    sources, requests = found.counts.shape
    room = asks.room + len(also.rows) + len(given.rows)
    pools = Pools(
        np.empty(requests + 1, np.int64),
        np.empty(room, np.int32),
        np.empty((room, sources), np.int32),
        np.empty(room, np.int8),
    )
    fusion = workspace.fusion(asks.most, sources)
    scratch = workspace.scratch(max(asks.most, len(given.rows)))
    n = _blend(
        *asks.columns, *fusion, *pools, *found, *given, *scratch, *also, rest, blocked, items,
        workspace.places,
    )  # fmt: skip
    return Pools(pools.offsets, pools.rows[:n], pools.ranks[:n], pools.origin[:n])


@compiled
def _blend(
    limits: I64, first: I64, longest: I64, life_ms: F64, weights: F64, constant: F64, reserve: I64, pool: I64,
    least: I64,
    table: I32, met: I32, met_ranks: I32, met_origin: I8, sums: F64,
    offsets: I64, rows: I32, ranks: I32, origin: I8,
    found_rows: I32, found_first: I64, counts: I64,
    given_rows: I32, given_first: I64, given_asked: U8,
    keys: U64, spare: U64, bins: I64,
    also_rows: I32, also_first: I64,
    rest: int, blocked: U8, items: int, places: I32,
) -> int:  # fmt: skip
    """Fill `pools`; how many candidates there are. The arrays come one by one, a line for each tuple: what is
    in named tuples is found out anew at each call, which takes three times as long.
    """
    found = FoundLists(found_rows, found_first, counts)
    asks = Asks(limits, first, longest, life_ms, weights, constant, reserve, pool, least)
    also, given = AddedRows(also_rows, also_first), GivenPools(given_rows, given_first, given_asked)
    fusion, scratch = Fusion(table, met, met_ranks, met_origin, sums), Scratch(keys, spare, bins)
    pools, n = Pools(offsets, rows, ranks, origin), 0
    for b in range(len(asks.pool)):
        offsets[b] = n
        if given.asked[b]:
            its_given = given.rows[given.first[b] : given.first[b + 1]]
            n += put_given(its_given, found, asks, b, places, scratch, rows[n:], ranks[n:], origin[n:])
            n = _put_also(also, b, n, pools)
            continue
        different = _fuse(found, asks, b, fusion, keys)
        chosen = lowest_first(keys[:different], asks.pool[b], scratch.spare, scratch.bins)
        _forget_reserve(keys[:chosen], scratch.spare)
        for k in range(chosen):
            row = row_of(keys[k])
            place = fusion.table[_slot(fusion.table, fusion.met, row)]
            rows[n + k], origin[n + k] = row, fusion.origin[place]
            ranks[n + k] = fusion.ranks[place]
        _clear(fusion.table, fusion.met[:different])
        n += chosen
        if chosen < asks.least[b]:
            its_rows = rows[offsets[b] :]
            n += add_rest(blocked[b], items, asks.least[b], rest, its_rows, ranks[n:], origin[n:], chosen)
        n = _put_also(also, b, n, pools)
    offsets[len(asks.pool)] = n
    return n


@compiled
def _put_also(also: AddedRows, b: int, n: int, pools: Pools) -> int:
    """Put the rows of request b behind the first n candidates; how many there are then."""
    for row in also.rows[also.first[b] : also.first[b + 1]]:
        pools.rows[n], pools.origin[n] = row, -1
        pools.ranks[n] = 0
        n += 1
    return n


@compiled
def _fuse(found: FoundLists, asks: Asks, b: int, fusion: Fusion, keys: U64) -> int:
    """Add up the lists of request b; how many different rows there are, in `fusion.met` with what is known of
    them.

    `keys`: a number for each row (`selection.key` of its sum); those of reserved rows are below all others.
    The largest part of a sum stands behind it while the sums are made: sums [2, rows].
    """
    n, first = 0, found.first[b]
    table, met, ranks, origin, sums = fusion
    for source in range(len(found.rows)):
        for k in range(found.counts[source, b]):
            row, rank = found.rows[source, first + k], k + 1
            part = asks.weights[b, source] / (asks.constant[b] + rank)
            at = _slot(table, met, row)
            place = table[at]
            if place < 0:
                place = n
                table[at], met[n] = n, row
                sums[0, n], sums[1, n], origin[n], keys[n] = 0.0, part, source, OTHERS
                ranks[n] = 0
                n += 1
            elif part > sums[1, place]:
                sums[1, place], origin[place] = part, source
            sums[0, place] += part
            ranks[place, source] = rank
            if rank <= asks.reserve[b, source]:
                keys[place] = np.uint64(0)
    for place in range(n):
        keys[place] |= key(np.float32(sums[0, place]), met[place])
    return n


@compiled
def _forget_reserve(keys: U64, spare: U64) -> None:
    """Merge the keys of reserved rows, which come first, with the others: both are in order."""
    reserved = 0
    while reserved < len(keys) and keys[reserved] < OTHERS:
        spare[reserved] = keys[reserved] | OTHERS
        reserved += 1
    this, other = 0, reserved
    for k in range(len(keys)):
        if this == reserved:
            return  # the rest is where it belongs
        if other < len(keys) and keys[other] < spare[this]:
            keys[k] = keys[other]
            other += 1
        else:
            keys[k] = spare[this]
            this += 1


@compiled
def _slot(table: I32, met: I32, row: np.int32) -> int:
    """Where `row` stands in the hash table, or is to stand."""
    mask = len(table) - 1
    at = (int(row) * 2_654_435_761) & mask
    while table[at] >= 0 and met[table[at]] != row:
        at = (at + 1) & mask
    return at


@compiled
def _clear(table: I32, met: I32) -> None:
    """Empty the hash table, in which these rows stand."""
    if len(met) > len(table) // 8:
        table[:] = -1
        return
    for k in range(len(met) - 1, -1, -1):  # the last come first: so none stands behind a gap
        table[_slot(table, met, met[k])] = -1
