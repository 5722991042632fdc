"""What is counted of a pair of items; the columns of `PairTable.count`.

FORWARD   the neighbour came after the item, within the window
REVERSE   the neighbour came before the item, within the window
FRESH     FORWARD with exponential forward decay (Cormode et al., ICDE 2009)
TOGETHER  both were met by one user, anywhere in the remembered history
CLOSE     TOGETHER, each time divided by the root of their distance: 1 for neighbours and within a tie
"""

from __future__ import annotations

FORWARD, REVERSE, FRESH, TOGETHER, CLOSE = range(5)
KINDS = 5
