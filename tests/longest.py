"""The files of tests that take longest. They begin first, so that no process works alone at the end."""

from __future__ import annotations

LONGEST = {
    "tests/browser/test_demo.py",
    "tests/browser/test_demo_whole.py",
    "tests/browser/test_operators.py",
    "tests/browser/test_renewal.py",
    "tests/connected/test_dashboards.py",
    "tests/connected/test_demo.py",
    "tests/connected/test_gateway.py",
    "tests/connected/test_offsets_without_events.py",
    "tests/failures/test_killed_forgetting.py",
    "tests/failures/test_killed_learners.py",
    "tests/failures/test_killed_measuring.py",
    "tests/failures/test_killed_worker.py",
    "tests/failures/test_restarts.py",
    "tests/streams/commands/test_examples.py",
    "tests/streams/commands/test_train.py",
    "tests/streams/experiments/simulated/test_proof.py",
    "tests/streams/offline/renewal/test_continued.py",
    "tests/streams/offline/replay/test_continual.py",
    "tests/streams/offline/replay/test_prequential.py",
    "tests/streams/offline/text_tuning/test_text_trials.py",
    "tests/streams/offline/training/test_fit_resumed.py",
    "tests/streams/offline/training/test_retrieval_scout.py",
}
"""Measured by `--durations`; a name that is wrong costs some seconds, and no more."""
