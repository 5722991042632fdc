"""What obp (Open Bandit Pipeline 0.5.7) makes of a seeded synthetic log, for our estimators to agree with.

obp needs Python 3.10 and old versions of what it is built on, so it has an environment of its own:

    python3.10 -m venv obp-env
    obp-env/bin/pip install numpy==1.23.5 pandas==1.5.2 scikit-learn==1.1.3 scipy==1.9.3 torch==1.12.0 \\
        PyYAML tqdm 'matplotlib<3.8' 'seaborn<0.12' pyieoe==0.1.1 'pingouin<0.5.3' mypy-extensions
    obp-env/bin/pip install --no-deps obp==0.5.7
    obp-env/bin/python benchmarks/obp_figures.py --json benchmarks/results/obp-figures.json

The log is drawn from uniform numbers alone, so every version of numpy draws the same one.
`tests/streams/experiments/off_policy/test_obp.py` draws it again and compares. `--open-bandit` also prints
what our own estimators make of the small Open Bandit Data inside the obp package, which is not committed:

    python -m benchmarks.obp_figures --open-bandit obp-env/lib/python3.10/site-packages/obp/dataset/obd
"""

from __future__ import annotations

import argparse
import csv
import json
from importlib import import_module
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

SEED = 20261129
LAMBDAS = [0.5, 2.0, 10.0, 50.0, 500.0, float("inf")]
THRESHOLD, SHRINKAGE = 3.0, 10.0


class SingleLog(NamedTuple):
    """One choice a row of A: what was chosen [n], its reward [n]; probabilities and a model's rewards [n, A];
    the category of each item [A].
    """

    action: Any
    reward: Any
    logging: Any
    target: Any
    model: Any
    category: Any


def single_log(n: int = 2_000, items: int = 12, seed: int = SEED) -> SingleLog:
    """A log of binary rewards under a softmax policy."""
    rng = np.random.default_rng(seed)
    context = rng.random((n, 3)) - 0.5
    logging = _softmax(context @ (4 * rng.random((3, items)) - 2))
    target = _softmax(context @ (6 * rng.random((3, items)) - 3))
    mean = 1 / (1 + np.exp(1.0 - context @ (6 * rng.random((3, items)) - 3)))
    action = (np.cumsum(logging, 1) < rng.random((n, 1))).sum(1).clip(max=items - 1)
    reward = (rng.random(n) < mean[np.arange(n), action]).astype(float)
    model = (mean + 0.3 * (rng.random((n, items)) - 0.5)).clip(0, 1)
    return SingleLog(action, reward, logging, target, model, np.arange(items) % 4)


class SlateLog(NamedTuple):
    """K places a row of A items: `action`, `reward` [n, K]; `logging`, `target` [n, K, A]: of each place
    given those above as they were logged; `model` [n, K, A]: a model's rewards of each item there.
    """

    action: Any
    reward: Any
    logging: Any
    target: Any
    model: Any


def slate_log(n: int = 1_000, places: int = 4, items: int = 7, seed: int = SEED + 1) -> SlateLog:
    """A log of slates drawn from a Plackett-Luce ranking, with binary rewards that fall from the top."""
    rng = np.random.default_rng(seed)
    context = rng.random((n, 3)) - 0.5
    scores = [context @ (4 * rng.random((3, items)) - 2) for _ in range(3)]
    free = np.ones((n, items), bool)
    rows = np.arange(n)
    found: list[list[Any]] = [[], [], [], [], []]
    for place in range(places):
        logging, target = (_softmax(np.where(free, each, -np.inf)) for each in scores[:2])
        action = (np.cumsum(logging, 1) < rng.random((n, 1))).sum(1).clip(max=items - 1)
        mean = (place + 1) ** -0.7 / (1 + np.exp(0.5 - scores[2]))
        reward = (rng.random(n) < mean[rows, action]).astype(float)
        model = (mean + 0.2 * (rng.random((n, items)) - 0.5)).clip(0, 1)
        free[rows, action] = False
        for into, each in zip(found, (action, reward, logging, target, model), strict=True):
            into.append(each)
    return SlateLog(*(np.stack(each, 1) for each in found))


def _softmax(scores: Any) -> Any:
    likely = np.exp(scores - scores.max(1, keepdims=True))
    return likely / likely.sum(1, keepdims=True)


def obp_figures() -> dict[str, float]:
    """The estimates of obp by name."""
    ope = import_module("obp.ope")
    log = single_log()
    single = {
        "reward": log.reward,
        "action": log.action,
        "pscore": log.logging[np.arange(len(log.action)), log.action],
        "action_dist": log.target[:, :, None],
        "estimated_rewards_by_reg_model": log.model[:, :, None],
        "position": np.zeros(len(log.action), int),  # its tuning fails without
    }
    weighted = {name: single[name] for name in ("reward", "action", "pscore", "action_dist")}
    tuned = ope.DoublyRobustWithShrinkageTuning(lambdas=LAMBDAS, tuning_method="slope")
    figures = {
        "ipw": ope.InverseProbabilityWeighting().estimate_policy_value(**weighted),
        "snipw": ope.SelfNormalizedInverseProbabilityWeighting().estimate_policy_value(**weighted),
        "dr": ope.DoublyRobust().estimate_policy_value(**single),
        "sndr": ope.SelfNormalizedDoublyRobust().estimate_policy_value(**single),
        "switch_dr": ope.SwitchDoublyRobust(lambda_=THRESHOLD).estimate_policy_value(**single),
        "dros": ope.DoublyRobustWithShrinkage(lambda_=SHRINKAGE).estimate_policy_value(**single),
        "dros_slope": tuned.estimate_policy_value_with_tuning(**single),
        "dros_slope_lambda": tuned.best_hyperparam,
        "mips": ope.MarginalizedInverseProbabilityWeighting(n_actions=12).estimate_policy_value(
            reward=log.reward,
            action=log.action,
            action_embed=log.category[log.action][:, None],
            pi_b=log.logging[:, :, None],
            action_dist=log.target[:, :, None],
            p_e_a=np.eye(4)[log.category][:, :, None],
        ),
    }
    return {**figures, **_slate_figures(ope)}


def _slate_figures(ope: Any) -> dict[str, float]:
    log = slate_log()
    n, places, items = log.logging.shape
    chosen = log.action[:, :, None]
    logging, target = (np.take_along_axis(each, chosen, 2)[:, :, 0] for each in (log.logging, log.target))
    cascade = [np.cumprod(each, 1) for each in (logging, target)]
    base = {
        "slate_id": np.repeat(np.arange(n), places),
        "reward": log.reward.ravel(),
        "position": np.tile(np.arange(places), n),
    }
    whole = {
        "pscore": np.repeat(cascade[0][:, -1], places),
        "evaluation_policy_pscore": np.repeat(cascade[1][:, -1], places),
    }
    alone = {
        "pscore_item_position": logging.ravel(),
        "evaluation_policy_pscore_item_position": target.ravel(),
    }
    above = {
        "pscore_cascade": cascade[0].ravel(),
        "evaluation_policy_pscore_cascade": cascade[1].ravel(),
    }
    return {
        "slate_standard": ope.SlateStandardIPS(len_list=places).estimate_policy_value(**base, **whole),
        "slate_iips": ope.SlateIndependentIPS(len_list=places).estimate_policy_value(**base, **alone),
        "slate_rips": ope.SlateRewardInteractionIPS(len_list=places).estimate_policy_value(**base, **above),
        "slate_cascade_dr": ope.SlateCascadeDoublyRobust(
            len_list=places, n_unique_action=items
        ).estimate_policy_value(
            **base,
            **above,
            action=log.action.ravel(),
            q_hat=log.model.ravel(),
            evaluation_policy_action_dist=log.target.ravel(),
        ),
    }


def open_bandit(folder: Path) -> None:
    """Our IPW and SNIPW of the uniform policy, from the logs of Bernoulli Thompson sampling."""
    from streams.experiments.off_policy.diagnostics import diagnose, refusal
    from streams.experiments.off_policy.weighting import ipw, snipw

    for campaign in ("all", "men", "women"):
        truth = float(np.mean([float(row["click"]) for row in _rows(folder, "random", campaign)]))
        rows = _rows(folder, "bts", campaign)
        items = len(_table(folder / "bts" / campaign / "item_context.csv"))
        reward = np.array([float(row["click"]) for row in rows])
        weight = 1 / items / np.array([float(row["propensity_score"]) for row in rows])
        error = float((reward * weight).std() / np.sqrt(len(rows)))
        found = diagnose(weight)
        print(
            f"{campaign:6} truth {truth:.4f}  ipw {ipw(reward, weight).value:.4f} +- {error:.4f}"
            f"  snipw {snipw(reward, weight).value:.4f}  effective {found.effective:.0f}"
            f"  mean weight {found.mean:.2f}  largest {found.largest:,.0f}"
            f"\n       {refusal(found) or 'readable'}"
        )


def _rows(folder: Path, policy: str, campaign: str) -> list[dict[str, str]]:
    return _table(folder / policy / campaign / f"{campaign}.csv")


def _table(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8") as lines:
        return list(csv.DictReader(lines))


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--json", type=Path, metavar="FILE", help="write obp's figures; needs obp")
    parser.add_argument("--open-bandit", type=Path, metavar="FOLDER", help="obp/dataset/obd; needs Headrace")
    args = parser.parse_args()
    if args.open_bandit is not None:
        open_bandit(args.open_bandit)
    if args.json is not None:
        obp = import_module("obp")
        told = {
            "by": f"obp {obp.__version__}, numpy {np.__version__}",
            "command": "python benchmarks/obp_figures.py --json benchmarks/results/obp-figures.json",
            "seed": SEED,
            "figures": {name: float(value) for name, value in obp_figures().items()},
        }
        args.json.write_text(json.dumps(told, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
