"""A head and topics are trained where stars are, registered, and read reviews in other languages."""

from __future__ import annotations

import random
from pathlib import Path

import msgspec
import numpy as np
import pytest

from export.manifest import read_manifest, write_manifest
from export.opinions import OpinionManifest, Probe, load_opinions
from export.registry import Registry
from export.text import TextEncoder, encoder_name, load_text_encoder
from model.errors import ManifestError, ModelError, ParityError
from model.universal import UNIVERSAL
from streams.datasets.dataset import Dataset
from streams.datasets.interactions import Interactions
from streams.offline.training.opinion_head import auc, auc_error, judged
from streams.offline.training.opinion_topics import found_topics, names_of
from streams.offline.training.opinions import opinions_of, words_of
from streams.serving.opining import Opining, opining
from streams.state.opinion import TOPICS_MOST

TOPICS = {
    "strings": (
        "The strings sound bright.",
        "These strings last long.",
        "Strings feel smooth.",
        "New strings ring.",
    ),
    "price": (
        "The price is fair.",
        "A good price for this.",
        "Price and value are right.",
        "Low price, too.",
    ),
    "cable": (
        "The cable is long.",
        "This cable plugs in.",
        "Cable with firm jacks.",
        "A cable without noise.",
    ),
    "battery": (
        "Its battery lasts.",
        "The battery charges.",
        "Battery life of days.",
        "A battery of its own.",
    ),
}
GOOD = (
    "I love it.", "Excellent quality.", "Works perfectly.", "Very happy with this.", "Highly recommended.",
    "Great product.", "Best I ever had.", "Five stars from me.", "Wonderful and solid.", "Sounds beautiful.",
)  # fmt: skip
BAD = (
    "It broke after a week.", "Terrible quality.", "Do not buy this.", "A waste of money.",
    "Stopped working.",
    "I returned it.", "Very disappointed.", "Cheap junk that fails.", "Worst purchase ever.", "Sounds awful.",
)  # fmt: skip


def reviewed(reviews: int = 500, blame: float = 0.3) -> Dataset:
    """Seeded reviews: two sentences of feeling, and one on a topic."""
    rng = random.Random(3)
    texts, stars = list[str](), list[float]()
    for _ in range(reviews):
        bad = rng.random() < blame
        told = [*rng.sample(BAD if bad else GOOD, 2), rng.choice(TOPICS[rng.choice(list(TOPICS))])]
        rng.shuffle(told)
        texts.append(" ".join(told))
        stars.append(rng.choice((1.0, 2.0)) if bad else rng.choice((4.0, 5.0)))
    events = Interactions(
        [f"u{k % 50}" for k in range(reviews)],
        [f"i{k % 20}" for k in range(reviews)],
        np.arange(reviews, dtype=np.int64) * 60_000,
        np.array(stars, np.float32),
        text=texts,
    )
    return Dataset(events, {})


def silent(stage: str, done: int, total: int) -> None:
    return None


@pytest.fixture(scope="module")
def encoder(universal_registry: Registry) -> TextEncoder:
    return load_text_encoder(universal_registry.text.get(encoder_name(UNIVERSAL)))


@pytest.fixture(scope="module")
def trained(encoder: TextEncoder, tmp_path_factory: pytest.TempPathFactory) -> Registry:
    registry = Registry(tmp_path_factory.mktemp("opined"))
    assert opinions_of(reviewed(), 500, encoder, registry, 1, silent) is not None
    return registry


def manifest_of(registry: Registry) -> OpinionManifest:
    return read_manifest(registry.opinions.get(UNIVERSAL), OpinionManifest)


def test_what_is_registered_says_how_good_it_is(trained: Registry, encoder: TextEncoder) -> None:
    manifest = manifest_of(trained)
    assert manifest.auc > 0.95
    assert (manifest.learned, manifest.held_out) == (400, 100)
    assert manifest.encoder == encoder.manifest.reference
    assert 0 < len(manifest.topics) == len(set(manifest.topics)) <= TOPICS_MOST
    assert trained.names() == []  # it is no model
    assert trained.opinions.names() == [UNIVERSAL]
    with pytest.raises(ModelError, match="opinions"):
        trained.has("opinions")


def test_the_same_reviews_give_the_same_numbers(
    trained: Registry, encoder: TextEncoder, tmp_path: Path
) -> None:
    again = Registry(tmp_path)
    made = opinions_of(reviewed(), 500, encoder, again, 1, silent)
    assert made is not None
    assert made.topics == manifest_of(trained).topics
    assert made.auc == manifest_of(trained).auc
    one, other = (load_opinions(each.opinions.get(UNIVERSAL), encoder).arrays for each in (trained, again))
    for first, second in zip(one, other, strict=True):
        np.testing.assert_array_equal(first, second)


def test_topics_are_named_by_their_words(trained: Registry, encoder: TextEncoder) -> None:
    opine = opining(encoder, trained)
    assert opine is not None
    # Of so few sentences, which of its words names a topic depends on the kernels of the machine.
    words = [{word for each in sentences for word in words_of(each)} for sentences in TOPICS.values()]
    named = [own for own in words if any(own >= set(name.split(", ")) for name in opine.topics)]
    assert len(named) >= 3, opine.topics
    for sentences in TOPICS.values():
        text = f"{sentences[0]} It broke after a week."
        _, opinions = opine([text], [text])
        assert len(opinions[text].aspects) >= 1, text


@pytest.mark.parametrize(
    ("text", "praises"),
    [
        ("质量很好，做工精细，非常满意，强烈推荐。", True),
        ("声音很棒，物超所值，我很喜欢。", True),
        ("音質非常好，很滿意。", True),
        ("质量太差了，用了两天就坏了，要求退款。", False),
        ("做工粗糙，非常失望，千万别买。", False),
        ("品質很差，收到就是壞的，浪費錢。", False),
        ("Sehr gute Qualität, ich bin begeistert.", True),
        ("Nach zwei Tagen kaputt, sehr enttäuscht.", False),
        ("Me encanta, funciona perfecto.", True),
        ("No funciona, una pérdida de dinero.", False),
        ("すぐに壊れました。最悪です。", False),
    ],
)
def test_other_languages_are_felt(trained: Registry, encoder: TextEncoder, text: str, praises: bool) -> None:
    opine = opining(encoder, trained)
    assert opine is not None
    _, opinions = opine([text], [text])
    assert (opinions[text].sentiment > 0.1) if praises else (opinions[text].sentiment < -0.1)


def test_vectors_are_those_without_opinions(trained: Registry, encoder: TextEncoder) -> None:
    opine = opining(encoder, trained)
    assert opine is not None
    texts = ["Works perfectly. The price is fair.", "a title", "Works perfectly. The price is fair."]
    vectors, opinions = opine(texts, texts[:1])
    np.testing.assert_array_equal(vectors, encoder.project(texts))
    assert list(opinions) == texts[:1]
    assert opinions[texts[0]].by == manifest_of(trained).identity


def test_too_few_reviews_teach_nothing(encoder: TextEncoder, tmp_path: Path) -> None:
    registry = Registry(tmp_path)
    for dataset in (reviewed(60), reviewed(500, blame=0.0), reviewed(500, blame=1.0)):
        assert opinions_of(dataset, 500, encoder, registry, 1, silent) is None
    assert not registry.opinions.has(UNIVERSAL)
    assert opining(encoder, registry) is None


def test_what_does_not_tell_is_not_kept(
    encoder: TextEncoder, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    dataset = reviewed()
    np.random.default_rng(1).shuffle(dataset.interactions.rating)
    assert opinions_of(dataset, 500, encoder, Registry(tmp_path), 1, silent) is None
    assert "is not kept" in caplog.text


def damaged(registry: Registry, folder: Path, **fields: object) -> Registry:
    other = Registry(folder)
    with other.opinions.adding(UNIVERSAL) as made:
        for file in registry.opinions.get(UNIVERSAL).iterdir():
            (made / file.name).write_bytes(file.read_bytes())
        write_manifest(made, msgspec.structs.replace(manifest_of(registry), **fields))
    return other


def test_another_encoder_or_other_numbers_are_refused(
    trained: Registry, encoder: TextEncoder, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    reference = msgspec.structs.replace(manifest_of(trained).encoder, sha256="0" * 64)
    wrong = damaged(trained, tmp_path / "a", encoder=reference)
    with pytest.raises(ManifestError, match="train again"):
        load_opinions(wrong.opinions.get(UNIVERSAL), encoder)
    assert opining(encoder, wrong) is None
    assert "not read for opinions" in caplog.text
    other = damaged(trained, tmp_path / "b", probes=(Probe("Excellent.", -1.0),))
    with pytest.raises(ParityError, match=r"said -1\.000"):
        load_opinions(other.opinions.get(UNIVERSAL), encoder)
    fewer = damaged(trained, tmp_path / "c", topics=("one",))
    with pytest.raises(ManifestError, match="1 topics"):
        load_opinions(fewer.opinions.get(UNIVERSAL), encoder)
    newer = damaged(trained, tmp_path / "d", version=2)
    with pytest.raises(ManifestError, match="version 2"):
        load_opinions(newer.opinions.get(UNIVERSAL), encoder)


def test_a_head_finds_a_direction() -> None:
    rng = np.random.default_rng(0)
    vectors = rng.normal(size=(600, 8))
    praises = vectors[:, 0] + 0.1 * rng.normal(size=600) > 0
    head, found = judged(vectors, praises, 480)
    assert found.auc > 0.97
    assert abs(head[0]) > 5 * np.abs(head[1:8]).max()
    assert auc(np.zeros(4), np.array([True, False, True, False])) == 0.5
    assert auc_error(vectors[:, 0], praises) < 0.01


def test_topics_are_the_clusters() -> None:
    rng = np.random.default_rng(0)
    middles = np.eye(6, dtype=np.float32)[:4]
    of = np.repeat(np.arange(4), 30)
    vectors = (middles[of] + 0.05 * rng.normal(size=(120, 6))).astype(np.float32)
    found = found_topics(vectors, 4, 1)
    for topic in range(4):
        assert len(set(found.of[of == topic].tolist()) - {-1}) == 1
    words = ["amp", "bow", "cup", "drum"]
    clauses = [f"very {words[k]} {words[k]}s indeed" for k in of]
    names = names_of(clauses, found.of, 4, str.split)
    assert sorted(name.split(",")[0][:3] for name in names) == sorted(word[:3] for word in words)
    assert len(found_topics(vectors[:3], 8, 1).vectors) <= 3


def test_an_opining_is_what_a_worker_calls(trained: Registry, encoder: TextEncoder) -> None:
    made = opining(encoder, trained)
    assert isinstance(made, Opining)
    vectors, opinions = made(["one text alone"], [])
    assert vectors.shape == (1, 64)
    assert opinions == {}
