"""Run by test_precompute in a process of its own: renders a study in children that are killed, then to the end; then
measures what it shows in the same way."""

import os
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path

Progress = Callable[..., object]


def main(folder: Path) -> None:
    import django

    django.setup()
    import torchvision  # noqa: F401  once, not in each child
    from django.core.management import call_command

    import explain.evaluate.subjects  # noqa: F401
    import readerstudy.explanations.rendering  # noqa: F401

    call_command("migrate", verbosity=0)
    prepare(folder)
    killed_then_whole(lambda progress: render(folder, progress), explanations)
    check()
    killed_then_whole(lambda progress: measure(folder, progress), values)
    check_values()


def killed_then_whole(work: Callable[[Progress], object], stored: Callable[[], int]) -> None:
    from django.db import connection

    left = []
    for pause in (0.0, 0.05, 0.2):
        connection.close()
        told, tell = os.pipe()
        child = os.fork()
        if child == 0:
            work(lambda done, *_, pipe=tell: done and os.write(pipe, b"."))
            os._exit(0)
        os.close(tell)  # so that a child that fails is not waited for
        os.read(told, 1)  # the first is stored
        time.sleep(pause)
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        left.append(stored())
    work(lambda *done: None)
    assert 0 < left[0] < stored(), left


def prepare(folder: Path) -> None:
    from readerstudy.cases.models import Prediction
    from tests.builders import add_image, make_batch, make_study
    from tests.tiny_models import save_tiny_weights

    save_tiny_weights(folder)
    batch = make_batch("seen", cases=6, pathologies=("Cardiomegaly",))
    for seed, case in enumerate(batch.cases.all()):
        add_image(case, seed)
    for prediction in Prediction.objects.filter(case__batch=batch):
        prediction.model = "tests.tiny_models.TinyClassifier"
        prediction.save()
    make_study(batch=batch)


def options(folder: Path):
    from readerstudy.explanations.planning import Options

    return Options(
        classifier="tests.tiny_models.TinyClassifier",
        device="cpu",
        batch_size=1,
        weights=folder / "tiny-classifier.safetensors",
        autoencoder="tests.tiny_models.TinyAutoencoder",
        autoencoder_weights=folder / "tiny-autoencoder.safetensors",
    )


def render(folder: Path, progress: Progress) -> None:
    from readerstudy.studies.models import Study
    from readerstudy.studies.precomputing import Part, precompute

    precompute(Study.objects.get(slug="trial"), Part(), options(folder), progress)


def measure(folder: Path, progress: Progress) -> None:
    from explain.evaluate.metrics import METRICS
    from readerstudy.explanations.evaluating import evaluate
    from readerstudy.studies.evaluating import of_study
    from readerstudy.studies.models import Study

    metrics = [METRICS["deletion_auc_blur"], METRICS["noise_spearman"]]
    evaluate(of_study(Study.objects.get(slug="trial")), metrics, options(folder), progress)


def explanations() -> int:
    from readerstudy.explanations.models import Explanation

    return Explanation.objects.filter(status="done").count()


def values() -> int:
    from readerstudy.explanations.models import Measurement

    return Measurement.objects.count()


def check() -> None:
    from PIL import Image

    from readerstudy.explanations.models import ExplanationFile
    from readerstudy.studies.models import Study

    assert explanations() == 12
    for file in ExplanationFile.objects.exclude(role="curve"):
        with Image.open(file.file) as picture:
            picture.load()  # a half file would fail here
    for example in Study.objects.get().examples.all():
        assert example.explanations.count() == 2


def check_values() -> None:
    from readerstudy.explanations.models import Measurement

    rows = Measurement.objects.values_list("explanation", "metric", "value")
    assert len(rows) == len({row[:2] for row in rows}) == 24
    assert None not in {value for *_, value in rows}, list(Measurement.objects.values_list("error", flat=True))
    print("complete and whole")


main(Path(sys.argv[1]))
