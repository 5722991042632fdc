"""The reader of accessibility trees finds what it looks for."""

from __future__ import annotations

import pytest

from tests.browser.conftest import OpenPage
from tests.browser.read_aloud import MOST_ALOUD, faults_of_speech

GOOD = """<button title="Like">+</button><table aria-label="Rows"><tr><th scope="col">A</th></tr></table>
<p role="status">Sent</p>"""


@pytest.mark.parametrize(
    ("html", "fault"),
    [
        (GOOD, ""),
        ("<table><tr><th scope='col'>A</th></tr><tr><td>1</td></tr></table>", "a table without a name"),
        ("<button><svg aria-hidden='true'></svg></button>", "a button without a name"),
        ("<table aria-label='t'><tr><th></th></tr><tr><td>1</td></tr></table>", "a columnheader without"),
        ("<button aria-label='Like' title='Like'>+</button>", "button 'Like' is read twice"),
        (f"<div aria-live='polite'>{'word ' * (MOST_ALOUD // 5 + 1)}</div>", "characters are read out"),
        ("<div role='status'><progress aria-label='p' value='.5'></progress></div>", "a progressbar is read"),
    ],
)  # fmt: skip
async def test_a_fault_is_found(open_page: OpenPage, html: str, fault: str) -> None:
    page = await open_page("about:blank")
    await page.set_content(f"<main>{html}</main>")
    found = await faults_of_speech(page)
    assert len(found) == bool(fault), found
    assert fault in "".join(found)
