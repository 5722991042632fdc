"""How much better an arm is than control, relative to control: as it came, and adjusted by earlier behaviour.

CUPED takes from each user's value what the user's own earlier behaviour foretold: the same for all arms on
average, so it takes away noise and no effect (Deng, Xu, Kohavi and Walker, "Improving the Sensitivity of
Online Controlled Experiments by Utilizing Pre-Experiment Data", WSDM 2013, equations 3 to 5; for ratios on
the linearised values, arXiv 1803.06336, section 3.3). A user without earlier behaviour counts as an average
one.

The variance of a relative lift has control's own variance in it, for control divides (delta method, arXiv
1803.06336, section 3.2); with CUPED the covariance of control's value and its earlier one stands in it with
the weight of the lift. An interval without that term covers too seldom.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from streams.experiments.readings.moments import F64, Ratio


class Lift(NamedTuple):
    """Arrays of one shape. `users`: of both arms. `value`: (arm - control) / |control|. `variance`: of
    `value`, the square of its standard error. `control_error`: control's standard error as a share of its
    value. `theta`: what one unit of earlier behaviour is taken for; 0 for the unadjusted lift.
    NaN where there is nothing to divide by.
    """

    users: F64
    value: F64
    variance: F64
    control_error: F64
    theta: F64


def unadjusted(control: Ratio, arm: Ratio) -> Lift:
    """The lift as it came."""
    return _lift(control, arm, np.zeros_like(control.value))


def adjusted(control: Ratio, arm: Ratio) -> Lift:
    """The lift without what users' earlier behaviour foretold. Where none is known it is the unadjusted one."""
    return _lift(control, arm, slope(control, arm))


def slope(control: Ratio, arm: Ratio) -> F64:
    """The theta that makes the variance of the difference between the arms the least: covariance over
    variance of the earlier values, each arm weighted by 1 / users.
    """
    with np.errstate(divide="ignore", invalid="ignore"):
        together = control.covariance / control.users + arm.covariance / arm.users
        earlier = control.before_variance / control.users + arm.before_variance / arm.users
        found: F64 = np.where(earlier > 0.0, together / earlier, 0.0)
    return found


def _lift(control: Ratio, arm: Ratio, theta: F64) -> Lift:
    with np.errstate(divide="ignore", invalid="ignore"):
        scale = np.abs(control.value)
        ahead = np.where(theta == 0.0, 0.0, arm.before - control.before)
        value = (arm.value - control.value - theta * ahead) / scale
        of_arm = _spread(arm, np.ones_like(value), theta)
        of_control = _spread(control, 1.0 + np.sign(control.value) * value, theta)
        variance = (of_arm / arm.users + of_control / control.users) / scale**2
        error = np.sqrt(control.variance / control.users) / scale
    return Lift(control.users + arm.users, value, variance, error, theta)


def _spread(arm: Ratio, weight: F64, theta: F64) -> F64:
    """The variance of one user's weight × value - theta × before."""
    earlier = np.where(
        theta == 0.0, 0.0, theta * (theta * arm.before_variance - 2.0 * weight * arm.covariance)
    )
    return weight**2 * arm.variance + earlier
