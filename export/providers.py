"""Which execution provider runs a model: the ones in the settings, in order; nothing falls back in silence.

onnxruntime itself does: if the driver or a library is missing, a CUDA session becomes a CPU session without
an error. So this module compares the provider of each new session with the one in the settings.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from model.errors import ModelError, ProviderError

log = logging.getLogger(__name__)

COMPILED = "compiled"
"""Compiled code in place of onnxruntime (`export.compiled_parts`). What has no such form runs on the CPU."""
# onnxruntime's names of the providers, the ones that may take operators of each, and how to install it.
ONNX_NAME = {
    "tensorrt": "TensorrtExecutionProvider",
    "cuda": "CUDAExecutionProvider",
    "cpu": "CPUExecutionProvider",
}
WITH = {"tensorrt": ("tensorrt", "cuda", "cpu"), "cuda": ("cuda", "cpu"), "cpu": ("cpu",)}
GPU_INSTALL = "uninstall onnxruntime, then install headrace[gpu]"
INSTALL = {
    "tensorrt": f"{GPU_INSTALL} and TensorRT's libraries (tensorrt-cu12)",
    "cuda": f"{GPU_INSTALL}; the NVIDIA driver, CUDA and cuDNN must be on the machine",
    "cpu": "install onnxruntime",
}


class Opened(NamedTuple):
    """A session, the provider that truly runs it, and whether that is another than the first one wanted."""

    session: Any
    provider: str
    fell_back: bool


Open = Callable[[str], Any]
OnFallback = Callable[[str, str], None]


def open_first(
    wanted: Sequence[str],
    offered: Sequence[str],
    open_with: Open,
    fallback: bool = False,
    on_fallback: OnFallback | None = None,
) -> Opened:
    """Open with the first of `wanted`; with `fallback`, with the first that works (at last the CPU).

    `offered`: the result of `onnxruntime.get_available_providers()`. `open_with(provider)` makes a session.
    `on_fallback(asked, got)` counts fallbacks. Raises `ProviderError`.
    """
    asked = _checked(wanted)
    order = (*asked, *(() if "cpu" in asked else ("cpu",))) if fallback else asked[:1]
    missing = []
    for provider in order:
        session, why = _try(provider, offered, open_with)
        if session is None:
            missing.append(f"{provider}: {why}")
            continue
        if missing:
            log.warning("running on %s, not on %s (%s)", provider, asked[0], "; ".join(missing))
            if on_fallback is not None:
                on_fallback(asked[0], provider)
        return Opened(session, provider, bool(missing))
    raise ProviderError(
        f"expected execution provider {asked[0]!r}, which is not there ({'; '.join(missing)}); "
        f"onnxruntime offers {', '.join(offered)}. To get it: {INSTALL[asked[0]]}. "
        "Or set model.providers to ['cpu'], or model.fallback to true"
    )


def _checked(wanted: Sequence[str]) -> tuple[str, ...]:
    known = (*ONNX_NAME, COMPILED)
    if not wanted or not set(wanted) <= set(known):
        raise ProviderError(f"model.providers is {list(wanted)}; expected one or more of {', '.join(known)}")
    return tuple(dict.fromkeys("cpu" if name == COMPILED else name for name in wanted))


def _try(provider: str, offered: Sequence[str], open_with: Open) -> tuple[Any, str]:
    """A session that truly runs on `provider`, or None and the reason."""
    name = ONNX_NAME[provider]
    if name not in offered:
        return None, "the installed onnxruntime does not have it"
    try:
        session = open_with(provider)
    except ModelError:  # the file is at fault, not the provider
        raise
    except Exception as error:  # onnxruntime's errors have no common base
        return None, str(error).splitlines()[0] if str(error) else type(error).__name__
    running = session.get_providers()[0]
    if running != name:
        return None, f"it failed to start, and onnxruntime took {running} in its place"
    return session, ""
