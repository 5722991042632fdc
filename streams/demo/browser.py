"""Opens the demo application in a browser, where somebody sits in front of one."""

from __future__ import annotations

import os
import sys
import threading
import webbrowser
from collections.abc import Mapping

ELSEWHERE = ("CI", "SSH_CONNECTION", "SSH_CLIENT", "SSH_TTY")
"""With one of these set nobody sees this machine's screen."""
DISPLAYS = ("DISPLAY", "WAYLAND_DISPLAY")


def can_be_seen(
    is_terminal: bool, environ: Mapping[str, str] = os.environ, platform: str = sys.platform
) -> bool:
    """Whether a window that opens now is likely in front of who started the demo.

    >>> can_be_seen(True, {"DISPLAY": ":0"}, "linux"), can_be_seen(True, {}, "darwin")
    (True, True)
    >>> can_be_seen(True, {}, "linux"), can_be_seen(False, {"DISPLAY": ":0"}, "linux")
    (False, False)
    >>> can_be_seen(True, {"DISPLAY": ":0", "SSH_TTY": "/dev/pts/1"}, "linux")
    False
    """
    if not is_terminal or any(environ.get(name) for name in ELSEWHERE):
        return False
    return platform in ("darwin", "win32") or any(environ.get(name) for name in DISPLAYS)


def open_beside(address: str) -> threading.Thread:
    """Open it in a thread of its own: a browser that is slow, or fails, breaks nothing."""
    opening = threading.Thread(target=_open, args=(address,), name="browser", daemon=True)
    opening.start()
    return opening


def _open(address: str) -> None:
    try:
        browser = webbrowser.get()
        if takes_the_terminal(browser):
            return
        browser.open(address)
    except Exception:  # noqa: S110  # the address stands in the terminal, whatever goes wrong here
        pass


def takes_the_terminal(browser: webbrowser.BaseBrowser) -> bool:
    """Whether it is one like lynx, which would draw over the demo; one that BROWSER names is wanted."""
    waits = isinstance(browser, webbrowser.GenericBrowser)
    return waits and not isinstance(browser, webbrowser.BackgroundBrowser) and not os.environ.get("BROWSER")
