"""Reads the graph of an ONNX file: onnx itself is no part of a serving process.

Only the fields of onnx.proto that are named here are read. A weight in a file of its own is left out.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from export.protobuf import fields, varint
from model.errors import ManifestError

GRAPH = 7
NODE, INITIALIZER, INPUT, OUTPUT = 1, 5, 11, 12
NODE_INPUT, NODE_OUTPUT, NODE_KIND, NODE_ATTRIBUTE = 1, 2, 4, 5
ATTRIBUTE_NAME, ATTRIBUTE_FLOAT, ATTRIBUTE_INT, ATTRIBUTE_TEXT, ATTRIBUTE_TENSOR, ATTRIBUTE_INTS = (
    1,
    2,
    3,
    4,
    5,
    8,
)
TENSOR_DIMS, TENSOR_TYPE, TENSOR_FLOATS, TENSOR_WHOLES, TENSOR_NAME, TENSOR_RAW, TENSOR_LOCATION = (
    1,
    2,
    4,
    5,
    8,
    9,
    14,
)
VALUE_NAME, VALUE_TYPE, TYPE_TENSOR, TENSOR_SHAPE, SHAPE_DIM, DIM_SIZE, DIM_NAME = 1, 2, 1, 2, 1, 1, 2
DTYPES = {1: np.float32, 2: np.uint8, 3: np.int8, 6: np.int32, 7: np.int64, 9: np.bool_}

Attribute = int | float | str | tuple[int, ...] | NDArray[Any]


class Node(NamedTuple):
    """One operation; an input that is left out is ""."""

    kind: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    attributes: Mapping[str, Attribute]


class Graph(NamedTuple):
    """`inputs`: shapes by name, with a name for each free size. `outputs` in order."""

    nodes: tuple[Node, ...]
    constants: Mapping[str, NDArray[Any]]
    inputs: Mapping[str, tuple[int | str, ...]]
    outputs: tuple[str, ...]


def read_graph(path: Path) -> Graph:
    """The graph of the file; `ManifestError` where it is none."""
    try:
        graph = next(_bytes(value) for field, value in fields(path.read_bytes()) if field == GRAPH)
        parts = [
            (field, _bytes(value))
            for field, value in fields(graph)
            if field in (NODE, INITIALIZER, INPUT, OUTPUT)
        ]
        constants = dict(
            _tensor(value) for field, value in parts if field == INITIALIZER and not _elsewhere(value)
        )
        inputs = dict(_input(value) for field, value in parts if field == INPUT)
        return Graph(
            tuple(_node(value) for field, value in parts if field == NODE),
            constants,
            {name: shape for name, shape in inputs.items() if name not in constants},
            tuple(_text(value, VALUE_NAME) for field, value in parts if field == OUTPUT),
        )
    except (OSError, StopIteration, KeyError, IndexError, ValueError, struct.error) as error:
        raise ManifestError(f"{path} is no ONNX file of this build ({error!r}); export it again") from None


def _node(data: bytes) -> Node:
    inputs, outputs, attributes = [], [], {}
    for field, value in fields(data):
        if field == NODE_INPUT:
            inputs.append(_bytes(value).decode())
        elif field == NODE_OUTPUT:
            outputs.append(_bytes(value).decode())
        elif field == NODE_ATTRIBUTE:
            name, attribute = _attribute(_bytes(value))
            attributes[name] = attribute
    return Node(_text(data, NODE_KIND), tuple(inputs), tuple(outputs), attributes)


def _attribute(data: bytes) -> tuple[str, Attribute]:
    ints: list[int] = []
    found: Attribute | None = None
    for field, value in fields(data):
        if field == ATTRIBUTE_FLOAT:
            found = struct.unpack("<f", _bytes(value))[0]
        elif field == ATTRIBUTE_INT and isinstance(value, int):
            found = _signed(value)
        elif field == ATTRIBUTE_TEXT:
            found = _bytes(value).decode()
        elif field == ATTRIBUTE_TENSOR:
            found = _tensor(_bytes(value))[1]
        elif field == ATTRIBUTE_INTS:
            ints += _numbers(value)
    return _text(data, ATTRIBUTE_NAME), tuple(ints) if found is None else found


def _tensor(data: bytes) -> tuple[str, NDArray[Any]]:
    shape: list[int] = []
    name, kind, raw = "", 0, b""
    wholes: list[int] = []
    for field, value in fields(data):
        if field == TENSOR_DIMS:
            shape += _numbers(value)
        elif field == TENSOR_TYPE and isinstance(value, int):
            kind = value
        elif field == TENSOR_NAME:
            name = _bytes(value).decode()
        elif field in (TENSOR_RAW, TENSOR_FLOATS):
            raw += _bytes(value)  # packed numbers lie as those that are raw do
        elif field == TENSOR_WHOLES:
            wholes += _numbers(value)
    values: NDArray[Any] = np.array(wholes, DTYPES[kind]) if wholes else np.frombuffer(raw, DTYPES[kind])
    if len(values) != math.prod(shape):
        raise ValueError(f"{name} holds {len(values)} numbers for a shape of {shape}")
    return name, values.reshape(shape)


def _elsewhere(data: bytes) -> bool:
    """Whether a tensor lies in a file of its own."""
    return any(field == TENSOR_LOCATION and value == 1 for field, value in fields(data))


def _input(data: bytes) -> tuple[str, tuple[int | str, ...]]:
    tensor = _inner(_inner(data, VALUE_TYPE), TYPE_TENSOR)
    shape = _inner(tensor, TENSOR_SHAPE)
    dims: list[int | str] = []
    for field, value in fields(shape):
        if field == SHAPE_DIM:
            said = dict(fields(_bytes(value)))
            name, size = said.get(DIM_NAME), said.get(DIM_SIZE, 0)
            dims.append(name.decode() if isinstance(name, bytes) else int(size))
    return _text(data, VALUE_NAME), tuple(dims)


def _inner(data: bytes, number: int) -> bytes:
    return next((_bytes(value) for field, value in fields(data) if field == number), b"")


def _text(data: bytes, number: int) -> str:
    return _inner(data, number).decode()


def _bytes(value: int | bytes) -> bytes:
    if not isinstance(value, bytes):
        raise ValueError(f"the number {value} in place of bytes")
    return value


def _numbers(value: int | bytes) -> list[int]:
    """A repeated number, as one or packed."""
    if isinstance(value, int):
        return [_signed(value)]
    found, at = [], 0
    while at < len(value):
        number, at = varint(value, at)
        found.append(_signed(number))
    return found


def _signed(number: int) -> int:
    return number - (1 << 64) if number >= 1 << 63 else number
