"""The line of a key in a TOML text, however it is written."""

from __future__ import annotations

import pytest

from streams.settings.toml_lines import line_of

TEXT = '''\
# a comment: [a]
top = 1

[a]
x = 1
"quoted key" = 2
long = """
[a.b]
y = 3
"""
inline = {deep = {er = 1}}
list = [
  1,
  2,
]

[a.b]  # the real one
y = 4
c.d = 5

[[a.many]]
n = 1
[[a.many]]
n = 2

[a.'b.c']
z = 6
'''
LINES = {
    ("top",): 2,
    ("a",): 4,
    ("a", "x"): 5,
    ("a", "quoted key"): 6,
    ("a", "long"): 7,
    ("a", "inline", "deep", "er"): 11,
    ("a", "list", "1"): 12,
    ("a", "b"): 17,
    ("a", "b", "y"): 18,
    ("a", "b", "c", "d"): 19,
    ("a", "b", "nothing"): 17,
    ("a", "many", "1", "n"): 24,
    ("a", "b.c", "z"): 27,
    ("nothing",): 0,
}


@pytest.mark.parametrize(("path", "line"), LINES.items())
def test_where_a_key_stands(path: tuple[str, ...], line: int) -> None:
    assert line_of(TEXT, path) == line
