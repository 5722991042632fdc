"""How much better an arm is than control, relative to control: as it came, and adjusted by earlier behaviour.

CUPED takes from each user's value what the user's own earlier behaviour foretold: the same for all arms on
average, so it takes away noise and no effect (Deng, Xu, Kohavi and Walker, "Improving the Sensitivity of
Online Controlled Experiments by Utilizing Pre-Experiment Data", WSDM 2013, equation 4 for theta), here on the
linearised values, so for ratios too. A user without earlier behaviour counts as an average one.

With r of control and s of the arm, b and c their earlier values, the lift is L = (s - r - theta (c - b)) / r
and its variance, by the delta method, for r above 0

    (var(s - theta c) + var((1 + L) r - theta b)) / r ** 2.

Control divides, so its variance has the weight of the lift, and so has its covariance with the earlier value:
an interval without that covers too seldom (GrowthBook's documentation, "CUPED technical", relative case,
derives the same).
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from streams.experiments.readings.moments import F64, Ratio, Values


class Lift(NamedTuple):
    """Arrays of one shape. `users`: of both arms. `value`: (arm - control) / |control|. `variance`: of
    `value`, the square of its standard error. `difference`: arm - control. `control`: |control|. `theta`:
    what one unit of earlier behaviour is taken for; 0 for the unadjusted lift. NaN where there is nothing to
    divide by.

    `spread` [3, ...]: the variance of difference - L × |control| as a polynomial in the lift L: of L ** 0,
    L ** 1 and L ** 2.
    """

    users: F64
    value: F64
    variance: F64
    difference: F64
    control: F64
    theta: F64
    spread: F64


def unadjusted(control: Ratio, arm: Ratio) -> Lift:
    """The lift as it came."""
    return _lift(control, arm, np.zeros_like(control.value))


def adjusted(control: Ratio, arm: Ratio) -> Lift:
    """The lift without what users' earlier behaviour foretold; where none is known, the unadjusted one."""
    return _lift(control, arm, slope(control, arm))


def slope(control: Ratio, arm: Ratio) -> F64:
    """The theta that makes the variance of the difference between the arms the least: covariance over
    variance of the earlier values, each arm weighted by 1 / users. 0 where either arm has no earlier values.
    """
    with np.errstate(divide="ignore", invalid="ignore"):
        together = control.covariance / control.users + arm.covariance / arm.users
        earlier = control.before_variance / control.users + arm.before_variance / arm.users
        found: F64 = np.where(earlier > 0.0, together / earlier, 0.0)
    return found


def interval(lift: Lift, stretch: Values) -> tuple[F64, F64]:
    """The lifts that are not ruled out, lowest and highest: all L with

        (difference - L |control|) ** 2 <= stretch × variance of (difference - L |control|).

    Each L is judged by its own variance (Fieller, "Some problems in interval estimation", JRSS B 1954), not
    by that of the estimate: that one is small where the arm happens to be low, and rules out 0 too often as
    long as control is not known well. For many users both are the same. `stretch`: the square of the half
    width over the standard error. Infinite where control itself may be 0.
    """
    flat, slant, square = lift.spread
    with np.errstate(divide="ignore", invalid="ignore"):
        a = lift.control**2 - stretch * square
        half_b = lift.difference * lift.control + 0.5 * stretch * slant
        root = np.sqrt(np.maximum(0.0, half_b**2 - a * (lift.difference**2 - stretch * flat)))
        low, high = (half_b - root) / a, (half_b + root) / a
        known = (a > 0.0) & np.isfinite(low) & np.isfinite(high)
    return np.where(known, low, -np.inf), np.where(known, high, np.inf)


def _lift(control: Ratio, arm: Ratio, theta: F64) -> Lift:
    with np.errstate(divide="ignore", invalid="ignore"):
        scale, sign = np.abs(control.value), np.sign(control.value)
        ahead = np.where(theta == 0.0, 0.0, arm.before - control.before)
        difference = arm.value - control.value - theta * ahead
        own = control.variance / control.users
        along = _times(theta, control.covariance) / control.users
        flat = _residual(arm, theta) / arm.users + _residual(control, theta) / control.users
        spread = np.stack([flat, 2.0 * sign * (own - along), own])
        value = difference / scale
        variance = (flat + spread[1] * value + own * value**2) / scale**2
    return Lift(control.users + arm.users, value, variance, difference, scale, theta, spread)


def _residual(arm: Ratio, theta: F64) -> F64:
    """The variance of one user's value - theta × before."""
    return (
        arm.variance - 2.0 * _times(theta, arm.covariance) + _times(theta, _times(theta, arm.before_variance))
    )


def _times(theta: F64, value: F64) -> F64:
    """Their product; 0 where theta is, also where nothing is known of the value."""
    found: F64 = np.where(theta == 0.0, 0.0, theta * value)
    return found
