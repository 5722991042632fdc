from __future__ import annotations

import msgspec
import pytest

from streams.learning.experts.settings import DEFAULT_EXPERTS, ReweightingSettings


def read(**told: object) -> ReweightingSettings:
    return msgspec.convert(told, ReweightingSettings)


def test_the_defaults_hold() -> None:
    assert read().experts == DEFAULT_EXPERTS
    assert read(experts=["frozen"]).experts == ("frozen",)


@pytest.mark.parametrize(
    ("told", "because"),
    [
        ({"experts": []}, "must begin with"),
        ({"experts": ["kalman:1", "frozen"]}, "must begin with"),
        ({"experts": ["frozen", "kalman:1", "kalman:1"]}, "once"),
        ({"experts": ["frozen", "kalman:0.2"]}, "from 0.5 to 1"),
        ({"experts": ["frozen", "kalman:1.01"]}, "from 0.5 to 1"),
        ({"experts": ["frozen", "kalman:1.2.3"]}, "from 0.5 to 1"),
        ({"experts": ["frozen", "kalman:nan"]}, "regex"),
        ({"experts": ["frozen", "os.system"]}, "regex"),
        ({"share": 1.0}, "share"),
        ({"prior_variance": 0.0}, "prior_variance"),
        ({"guard_alpha": float("nan")}, "guard_alpha"),
        ({"levels": ["user"]}, "levels"),
        ({"per_user_hour": 0}, "per_user_hour"),
        ({"unknown": 1}, "unknown"),
    ],
)
def test_what_can_not_be_is_refused(told: dict[str, object], because: str) -> None:
    with pytest.raises(msgspec.ValidationError, match=because):
        read(**told)
