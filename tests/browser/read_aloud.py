"""What a screen reader says of a page: Chromium's accessibility tree, which axe does not look at."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from playwright.async_api import Page

NAMED = {
    "button", "columnheader", "combobox", "dialog", "DisclosureTriangle", "figure", "heading", "image",
    "link", "meter", "navigation", "progressbar", "region", "rowheader", "searchbox", "table", "textbox",
}  # fmt: skip
"""One says nothing where it has no name. A reader also asks for lists of all tables, or all headings."""
MOST_ALOUD = 300
"""So many characters at most are read out when a region that speaks by itself changes."""
NEVER_ALOUD = {"table", "list", "meter", "progressbar", "figure"}
"""Who hears these has to listen to the end, again and again."""

Node = dict[str, Any]


async def faults_of_speech(page: Page) -> list[str]:
    """What says nothing, says the same twice, or says too much by itself; [] where all is well."""
    session = await page.context.new_cdp_session(page)
    tree: list[Node] = (await session.send("Accessibility.getFullAXTree"))["nodes"]
    await session.detach()
    assert any(_role(node) == "main" for node in tree), "the page's own part is there"
    heard = {node["nodeId"]: node for node in tree}
    return [fault for node in tree if not node.get("ignored") for fault in _faults(node, heard)]


LISTEN = """place => {
  window.heard = [];
  const listen = () => place.textContent && heard.push(place.textContent);
  new MutationObserver(listen).observe(place, { childList: true, characterData: true, subtree: true });
}"""


async def listen(page: Page, place: str) -> None:
    """From now on keep what is read out of a live region, for `heard`."""
    await page.locator(place).evaluate(LISTEN)


async def heard(page: Page) -> list[str]:
    """What was read out since `listen`, each time that it was."""
    found: list[str] = await page.evaluate("window.heard")
    return found


def _faults(node: Node, heard: dict[str, Node]) -> Iterator[str]:
    role, name, description = _role(node), _text(node, "name"), _text(node, "description")
    if role in NAMED and not name.strip():
        yield f"a {role} without a name, below {_above(node, heard)}"
    if name and name == description:
        yield f"{role} {name!r} is read twice"
    if _property(node, "live") in ("polite", "assertive") and _property(node, "root") in (
        None,
        node["nodeId"],
    ):
        below = list(_below(node, heard))
        said = " ".join(_text(each, "name") for each in below if _role(each) == "StaticText")
        if len(said) > MOST_ALOUD:
            yield f"{len(said)} characters are read out at a change: {said[:80]}..."
        for each in {_role(each) for each in below} & NEVER_ALOUD:
            yield f"a {each} is read out at each change of {name or role}"


def _above(node: Node, heard: dict[str, Node]) -> str:
    """The nearest node with a name around it."""
    while (above := heard.get(node.get("parentId", ""))) is not None:
        if _text(above, "name"):
            return f"{_role(above)} {_text(above, 'name')!r}"
        node = above
    return "nothing"


def _below(node: Node, heard: dict[str, Node]) -> Iterator[Node]:
    for each in node.get("childIds", []):
        if each in heard:
            yield heard[each]
            yield from _below(heard[each], heard)


def _role(node: Node) -> str:
    return _text(node, "role")


def _text(node: Node, field: str) -> str:
    return str(node.get(field, {}).get("value", ""))


def _property(node: Node, name: str) -> object:
    return next(
        (each["value"].get("value") for each in node.get("properties", ()) if each["name"] == name), None
    )
