"""The sizes of the universal sentence encoder."""

from __future__ import annotations

CHUNKS = 17
"""Row n of the table of token vectors has scale and offset number n modulo this."""
LEFT = {2: 0, 3: 1, 5: 2}
"""How many tokens before its own a convolution over so many tokens reads."""
TOKEN, PART, HEARD, DIM, INNER = 512, 256, 1280, 512, 320
"""Numbers of a token's vector, of one convolution, of all that is known of a token, of a text's vector, and
between the layers.
"""
