"""Which provider is taken, with the others listed as present, absent, or failing when they start."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import NamedTuple

import pytest

from export.providers import ONNX_NAME, open_first
from export.session import open_session
from model.errors import ManifestError, ProviderError


class Session(NamedTuple):
    """What onnxruntime would answer with."""

    running: tuple[str, ...]

    def get_providers(self) -> list[str]:
        return [ONNX_NAME[name] for name in self.running]


def starting(*working: str) -> Callable[[str], Session]:
    """onnxruntime on a machine where only `working` start: it takes the CPU in silence for the others."""
    return lambda provider: Session((provider, "cpu") if provider in working else ("cpu",))


def offered(*names: str) -> list[str]:
    return [ONNX_NAME[name] for name in names]


@pytest.mark.parametrize(
    ("wanted", "listed", "working", "fallback", "provider", "fell_back"),
    [
        (("cpu",), ("cpu",), ("cpu",), False, "cpu", False),
        (("cuda",), ("tensorrt", "cuda", "cpu"), ("cuda",), False, "cuda", False),
        (("tensorrt",), ("tensorrt", "cuda", "cpu"), ("tensorrt", "cuda"), False, "tensorrt", False),
        (("cuda", "cpu"), ("cuda", "cpu"), ("cuda",), True, "cuda", False),
        (("cuda", "cpu"), ("cpu",), (), True, "cpu", True),
        (("cuda",), ("cpu",), (), True, "cpu", True),
        (("cuda",), ("cuda", "cpu"), (), True, "cpu", True),
        (("tensorrt", "cuda"), ("tensorrt", "cuda", "cpu"), ("cuda",), True, "cuda", True),
        (("tensorrt", "cuda"), ("cuda", "cpu"), ("cuda",), True, "cuda", True),
        (("cpu", "cuda"), ("cuda", "cpu"), ("cuda",), True, "cpu", False),
        (("compiled",), ("cuda", "cpu"), ("cuda",), False, "cpu", False),
        (("cuda", "compiled"), ("cpu",), (), True, "cpu", True),
    ],
)
def test_first_provider_that_runs_is_taken(
    wanted: tuple[str, ...],
    listed: tuple[str, ...],
    working: tuple[str, ...],
    fallback: bool,
    provider: str,
    fell_back: bool,
) -> None:
    counted: list[tuple[str, str]] = []
    opened = open_first(
        wanted,
        offered(*listed),
        starting(*working),
        fallback,
        lambda asked, got: counted.append((asked, got)),
    )
    assert (opened.provider, opened.fell_back) == (provider, fell_back)
    assert counted == ([(wanted[0], provider)] if fell_back else [])


@pytest.mark.parametrize(
    ("wanted", "listed", "working", "why"),
    [
        (("cuda",), ("cpu",), (), "the installed onnxruntime does not have it"),
        (("cuda", "cpu"), ("cpu",), (), "the installed onnxruntime does not have it"),
        (("cuda",), ("cuda", "cpu"), (), "onnxruntime took CPUExecutionProvider in its place"),
        (("tensorrt", "cuda"), ("cuda", "cpu"), ("cuda",), "does not have it"),
    ],
)
def test_missing_provider_is_an_error_that_says_what_to_install(
    wanted: tuple[str, ...], listed: tuple[str, ...], working: tuple[str, ...], why: str
) -> None:
    with pytest.raises(ProviderError) as raised:
        open_first(wanted, offered(*listed), starting(*working))
    message = str(raised.value)
    assert f"{wanted[0]!r}, which is not there" in message
    assert why in message
    assert "onnxruntime offers " + ", ".join(offered(*listed)) in message
    assert "headrace[gpu]" in message


def test_session_that_raises_counts_as_missing() -> None:
    def broken(provider: str) -> Session:
        if provider == "cuda":
            raise RuntimeError("CUDA failure 100: no CUDA-capable device\nmore")
        return Session((provider,))

    assert open_first(("cuda",), offered("cuda", "cpu"), broken, fallback=True).provider == "cpu"
    with pytest.raises(ProviderError, match="no CUDA-capable device"):
        open_first(("cuda",), offered("cuda", "cpu"), broken)


def test_fallback_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        open_first(("cuda",), offered("cpu"), starting(), fallback=True)
    assert "running on cpu, not on cuda" in caplog.text


@pytest.mark.parametrize("wanted", [(), ("gpu",), ("cuda", "CPU")])
def test_unknown_provider_is_refused(wanted: tuple[str, ...]) -> None:
    with pytest.raises(ProviderError, match="expected one or more of tensorrt, cuda, cpu, compiled"):
        open_first(wanted, offered("cpu"), starting(), fallback=True)


def test_file_that_is_no_model_is_not_blamed_on_the_provider(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    path = tmp_path_factory.mktemp("files") / "rescorer.onnx"
    path.write_bytes(b"not a model")
    with pytest.raises(ManifestError, match=r"onnxruntime can't run .*rescorer\.onnx"):
        open_session(lambda provider: path, ("cpu",), fallback=True)
