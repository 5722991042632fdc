"""The instructions of a tape: one row of whole numbers each, see `row`."""

from __future__ import annotations

COPY, SIGMOID, TANH, SQRT, ERF = range(5)
ADD, SUB, MUL, DIV, MAX, MIN, GREATER, EQUAL = range(5, 13)
SELECT, SOFTMAX, NORMALISE, ROW_SUM, GATHER, MATMUL = range(13, 19)
"""Of one number each, of two, and the rest."""

KIND, SIZES, OUT, FIRST, SECOND, THIRD, MORE, WIDTH = 0, 1, 4, 8, 12, 16, 20, 21
"""Where what stands in a row: the kind; three sizes, the innermost last; four operands, each the place of its
first number and the steps of the three sizes; one further number.
"""
LANES = 16
"""A matrix is multiplied so many columns at a time: rows in memory are as long as a multiple of it."""
