"""The application is opened where somebody sees it, and never at the cost of the demo."""

from __future__ import annotations

import webbrowser

import pytest

from streams.demo import browser

SEEN = {"DISPLAY": ":0"}


@pytest.mark.parametrize("name", browser.ELSEWHERE)
def test_nobody_sees_the_screen_of_a_machine_elsewhere(name: str) -> None:
    assert browser.can_be_seen(True, SEEN, "linux")
    assert not browser.can_be_seen(True, {**SEEN, name: "1"}, "linux")
    assert not browser.can_be_seen(True, {name: "1"}, "darwin")


class Played(webbrowser.BaseBrowser):
    """Keeps what it was asked to open, or fails."""

    def __init__(self, fails: bool = False) -> None:
        super().__init__("played")
        self.fails, self.opened = fails, list[str]()

    def open(self, url: str, new: int = 0, autoraise: bool = True) -> bool:
        self.opened.append(url)
        if self.fails:
            raise OSError("no such program")
        return True


@pytest.mark.parametrize("fails", [False, True])
def test_it_opens_the_address_whatever_comes_of_it(monkeypatch: pytest.MonkeyPatch, fails: bool) -> None:
    played = Played(fails)
    monkeypatch.setattr(webbrowser, "get", lambda: played)
    opening = browser.open_beside("http://127.0.0.1:8080/demo")
    opening.join()
    assert played.opened == ["http://127.0.0.1:8080/demo"]
    assert opening.daemon


def test_a_machine_without_a_browser_is_no_trouble(monkeypatch: pytest.MonkeyPatch) -> None:
    def none_there() -> webbrowser.BaseBrowser:
        raise webbrowser.Error("could not locate runnable browser")

    monkeypatch.setattr(webbrowser, "get", none_there)
    browser.open_beside("http://127.0.0.1:8080/demo").join()


def test_a_browser_that_draws_in_the_terminal_is_not_opened(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("BROWSER", raising=False)
    lynx, firefox = webbrowser.GenericBrowser("lynx"), webbrowser.BackgroundBrowser("firefox")
    assert browser.takes_the_terminal(lynx)
    assert not browser.takes_the_terminal(firefox)
    monkeypatch.setenv("BROWSER", "lynx")
    assert not browser.takes_the_terminal(lynx)  # it was asked for by name
