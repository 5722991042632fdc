"""The same gradients from several threads, and torch as it was before."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import torch

from model.determinism import deterministic

ROWS, WIDTH, PLACES = 7, 16, 50_000


@pytest.fixture
def two_threads() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    yield
    torch.set_num_threads(before)


def gradient() -> torch.Tensor:
    """Of a table of which each row is read thousands of times."""
    drawn = torch.Generator().manual_seed(3)
    table = torch.zeros(ROWS, WIDTH, requires_grad=True)
    rows = torch.randint(ROWS, (PLACES,), generator=drawn)
    (table[rows] * torch.rand(PLACES, WIDTH, generator=drawn)).sum().backward()  # type: ignore[no-untyped-call]
    assert table.grad is not None
    return table.grad


@pytest.mark.usefixtures("two_threads")
def test_gradients_added_by_two_threads_have_the_same_bits_each_time() -> None:
    with deterministic("cpu"):
        first = gradient()
        assert all(torch.equal(gradient(), first) for _ in range(10))


def test_torch_is_left_as_it_was() -> None:
    with deterministic("cpu"):
        assert torch.are_deterministic_algorithms_enabled()
        assert not torch.is_deterministic_algorithms_warn_only_enabled()
    assert not torch.are_deterministic_algorithms_enabled()


def test_torch_is_left_as_it_was_after_an_error_too() -> None:
    with pytest.raises(ValueError, match="from within"), deterministic("cpu"):
        raise ValueError("from within")
    assert not torch.are_deterministic_algorithms_enabled()


def test_a_gpu_is_only_warned_of_what_it_has_no_such_algorithm_for() -> None:
    with deterministic("cuda"):
        assert torch.is_deterministic_algorithms_warn_only_enabled()
