"""What no page may do, whatever a test does with it: it is written down while the page is open."""

from __future__ import annotations

import re
from collections.abc import Sequence
from urllib.parse import urlsplit

from playwright.async_api import BrowserContext, ConsoleMessage, Page, Request

# Chromium tells of a violation in the console, too; the event has the directive.
_TELL_VIOLATIONS = """
addEventListener("securitypolicyviolation", (event) => {
  console.error(`policy: ${event.effectiveDirective} ${event.blockedURI} ${event.sample}`);
});
"""


class Watch:
    """Errors of scripts, words in the console, violations of the policy, and requests to another host."""

    def __init__(self, address: str, allowed: Sequence[str] = ()) -> None:
        """allowed: patterns of what a test brings about on purpose, e.g. "status of 503"."""
        self._own, self._allowed = urlsplit(address).netloc, [re.compile(each) for each in allowed]
        self.troubles: list[str] = []

    async def watch(self, context: BrowserContext) -> Page:
        """A new page of the context, watched from its first request on."""
        await context.add_init_script(_TELL_VIOLATIONS)
        page = await context.new_page()
        page.on("console", self._said)
        page.on("pageerror", lambda error: self._note(f"an error: {error}"))
        page.on("request", self._asked)
        return page

    def _said(self, message: ConsoleMessage) -> None:
        if message.type in ("error", "warning"):
            self._note(f"{message.type} in the console: {message.text}")

    def _asked(self, request: Request) -> None:
        parts = urlsplit(request.url)
        if parts.scheme != "data" and parts.netloc != self._own:
            self._note(f"a request to another host: {request.url}")

    def _note(self, text: str) -> None:
        if not any(each.search(text) for each in self._allowed):
            self.troubles.append(text)
