"""Runs exported models with onnxruntime: no torch here, and the same code on CPUs and GPUs."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from contextlib import redirect_stdout
from functools import cache
from io import StringIO
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime as ort
from numpy.typing import NDArray

from export.providers import ONNX_NAME, WITH, OnFallback, Opened, open_first
from export.random_inputs import random_inputs
from model.errors import ManifestError, ModelError
from model.schema import (
    F32,
    RESCORER_INPUTS,
    TOWER_OUTPUTS,
    USER_INPUTS,
    USER_OUTPUTS,
    RescorerInputs,
    Schema,
    Scores,
    UserInputs,
)

TOWER_CHUNK = 512
GPU_BATCH = 64
OPTIONS: Mapping[str, Mapping[str, str]] = {
    # TF32 keeps ten bits of each factor: the gate judges fp32, and such small networks gain nothing by TF32.
    "cuda": {"use_tf32": "0"},
}
FILE_ERRORS = ("InvalidGraph", "InvalidProtobuf", "NoSuchFile")
"""Errors of onnxruntime that are the file's fault, not the provider's."""

log = logging.getLogger(__name__)


def open_session(
    file_for: Callable[[str], Path],
    providers: Sequence[str] = ("cpu",),
    fallback: bool = False,
    threads: int = 1,
    on_fallback: OnFallback | None = None,
) -> Opened:
    """Open the file for the provider that truly runs (int8 on CPUs, fp32 on GPUs)."""

    def open_with(provider: str) -> Any:
        return _session(file_for(provider), provider, threads)

    return open_first(providers, ort.get_available_providers(), open_with, fallback, on_fallback)


def optimized(path: Path, folder: Path) -> Path:
    """The file as onnxruntime runs it on a CPU, after its own optimization, written into `folder`."""
    target = folder / f"{path.parent.name}-{path.name}"
    _session(path, "cpu", 1, target)
    return target


def _session(path: Path, provider: str, threads: int, write_optimized: Path | None = None) -> Any:
    options = ort.SessionOptions()
    if write_optimized is not None:
        options.optimized_model_filepath = str(write_optimized)
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.execution_mode = ort.ExecutionMode.ORT_SEQUENTIAL
    # Threads that spin between two runs would take the cores from Kafka's and Redis's clients.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    # onnxruntime plans memory for each input shape; here the number of users changes with every batch.
    options.enable_mem_pattern = False
    options.log_severity_level = 3
    if provider != "cpu":
        preload_libraries()
    try:
        session = ort.InferenceSession(
            str(path),
            options,
            providers=[ONNX_NAME[name] for name in WITH[provider]],
            provider_options=[dict(OPTIONS.get(name, {})) for name in WITH[provider]],
        )
    except Exception as error:  # onnxruntime's errors have no base of their own
        if type(error).__name__ in FILE_ERRORS or provider == "cpu":
            raise ManifestError(f"onnxruntime can't run {path} ({error}); export it again") from None
        raise
    session.disable_fallback()  # a run that fails must not move to another provider
    return session


@cache
def preload_libraries() -> None:
    """Load CUDA and cuDNN from their wheels, if those are installed; the system finds other installations."""
    printed = StringIO()
    with redirect_stdout(printed):
        ort.preload_dlls()
    if printed.getvalue():
        log.warning("CUDA's libraries: %s", printed.getvalue().strip())


class Runner:
    """One session with its inputs and outputs by name. On GPUs it binds the buffers, which saves a copy.

    `together`: so many texts may go through one run: an int8 file scales by all rows of a run.
    """

    def __init__(self, opened: Opened, outputs: Sequence[str]) -> None:
        self.session, self.provider, self.fell_back = opened
        self.outputs = list(outputs)
        self._device = "cpu" if self.provider == "cpu" else "cuda"
        self.together = 1 if self.provider == "cpu" else GPU_BATCH
        self._names = frozenset(each.name for each in self.session.get_inputs())
        # What the library's `run` comes to with its fallback off. What it does before is Python, and costs as
        # much as ten nodes.
        self._run = getattr(self.session, "_sess", self.session).run

    def run(self, inputs: Mapping[str, NDArray[Any]]) -> list[F32]:
        """The outputs, in order; `ModelError` names the shapes that do not fit."""
        try:
            if self._device == "cpu":
                if missing := self._names - inputs.keys():
                    raise ValueError(f"{', '.join(sorted(missing))} are missing")
                found: list[F32] = self._run(self.outputs, dict(inputs), None)
                return found
            return self.run_bound(inputs, self._device)
        except Exception as error:  # onnxruntime's errors have no base of their own
            shapes = ", ".join(f"{name} {value.dtype}{list(value.shape)}" for name, value in inputs.items())
            raise ModelError(f"the model did not run on {shapes}: {error}") from error

    def run_bound(self, inputs: Mapping[str, NDArray[Any]], device: str) -> list[F32]:
        """The same through I/O binding: the session makes outputs on `device`, and copies them back once."""
        binding = self.session.io_binding()
        for name, value in inputs.items():
            binding.bind_cpu_input(name, np.ascontiguousarray(value))
        for name in self.outputs:
            binding.bind_output(name, device)
        self.session.run_with_iobinding(binding)
        found: list[F32] = binding.copy_outputs_to_cpu()
        return found


class Rescorer:
    """A rescorer of the first layout, which reads everything of users and items itself (`export.manifest`).
    `RescorerInputs` of any number of users and candidates -> `Scores`; the constructor warms it up."""

    def __init__(self, opened: Opened, schema: Schema) -> None:
        self.schema = schema
        self._runner = Runner(opened, schema.tasks)
        check_inputs(opened.session, rescorer_shapes(schema))
        for users, candidates in ((1, 200), (2, 200)):
            self.score(random_inputs(schema, users, candidates))

    @property
    def provider(self) -> str:
        """ "tensorrt", "cuda" or "cpu": what truly runs."""
        return self._runner.provider

    @property
    def fell_back(self) -> bool:
        """Whether that is another provider than the first one in the settings."""
        return self._runner.fell_back

    def score(self, inputs: RescorerInputs) -> Scores:
        """Score a batch; `model.schema` has the shapes."""
        click, rating, *more = self._runner.run(dict(zip(RESCORER_INPUTS, inputs, strict=True)))
        return Scores(click, rating, tuple(more))


class UserTower:
    """The inputs of users -> their vectors; the constructor warms it up."""

    def __init__(self, opened: Opened, schema: Schema) -> None:
        self._runner = Runner(opened, USER_OUTPUTS)
        check_inputs(opened.session, user_shapes(schema))
        for users in (1, 2):
            self.vectors(random_inputs(schema, users, 1).of_users)

    def vectors(self, inputs: UserInputs) -> F32:
        """[B, user_dim]."""
        return self._runner.run(dict(zip(USER_INPUTS, inputs, strict=True)))[0]


class ItemTower:
    """The inputs of items -> their vectors and keys, in chunks: a large catalog needs no large buffers."""

    def __init__(self, opened: Opened, schema: Schema) -> None:
        self.schema = schema
        self._runner = Runner(opened, TOWER_OUTPUTS)
        shapes = tower_shapes(schema)
        check_inputs(opened.session, shapes)
        content = {
            name: np.zeros((1, shape[1] or 0), np.float32) for name, shape in shapes.items() if name != "id"
        }
        content["attributes"] = content["attributes"].astype(np.int64)
        self.vectors(np.zeros(1, np.int64), content)

    def vectors(self, ids: NDArray[np.int64], content: Mapping[str, NDArray[Any]]) -> tuple[F32, F32]:
        """ids [N] (0: not in the vocabulary), and the tower's other inputs by name -> vectors [N, item_dim],
        keys [N, user_dim].
        """
        vectors = np.empty((len(ids), self.schema.item_dim), np.float32)
        keys = np.empty((len(ids), self.schema.user_dim), np.float32)
        for start in range(0, len(ids), TOWER_CHUNK):
            part = slice(start, start + TOWER_CHUNK)
            inputs = {"id": ids[part]} | {name: values[part] for name, values in content.items()}
            vectors[part], keys[part] = self._runner.run(inputs)
        return vectors, keys


Shapes = Mapping[str, tuple[int | None, ...]]


def tower_shapes(schema: Schema) -> dict[str, tuple[int | None, ...]]:
    """The shapes of the item tower's ONNX inputs; None for a free size."""
    return {
        "id": (None,),
        "text": (None, schema.text_dim),
        "attributes": (None, schema.attributes),
        **{name: (None, dim) for name, dim in schema.modalities.items()},
    }


def rescorer_shapes(schema: Schema) -> Shapes:
    """The shapes of the rescorer's ONNX inputs; None for a free size."""
    return {
        "history_vectors": (None, schema.history, schema.item_dim),
        "history_features": (None, schema.history, len(schema.history_features)),
        "history_actions": (None, schema.history),
        "history_mask": (None, schema.history),
        "user_features": (None, len(schema.user_features)),
        "profile": (None, schema.profile),
        "words": (None, schema.text_dim),
        "liked": (None, schema.text_dim),
        "query": (None, schema.text_dim),
        "candidate_vectors": (None, None, schema.item_dim),
        "candidate_features": (None, None, len(schema.candidate_features)),
    }


def user_shapes(schema: Schema) -> Shapes:
    """The shapes of the user tower's ONNX inputs; None for a free size."""
    shapes = rescorer_shapes(schema)
    return {name: shapes[name] for name in USER_INPUTS}


def input_shapes(session: Any) -> dict[str, tuple[int | None, ...]]:
    """The shapes of a file's inputs by name; None for a free size."""
    return {
        each.name: tuple(size if isinstance(size, int) else None for size in each.shape)
        for each in session.get_inputs()
    }


def check_inputs(session: Any, expected: Shapes) -> None:
    """Check that the file's inputs are those of the manifest's schema."""
    found = input_shapes(session)
    if found != dict(expected):
        raise ManifestError(
            f"the ONNX file takes {found}, its manifest's schema says {dict(expected)}; export it again"
        )
