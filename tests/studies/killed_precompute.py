"""Run by test_precompute in a process of its own: renders a study in children that are killed, then to the end."""

import os
import signal
import sys
import time
from pathlib import Path


def main(folder: Path) -> None:
    import django

    django.setup()
    from django.core.management import call_command
    from django.db import connection

    call_command("migrate", verbosity=0)
    prepare(folder)
    for pause in (0.0, 0.05, 0.2):
        connection.close()
        told, tell = os.pipe()
        child = os.fork()
        if child == 0:
            render(folder, lambda done, pipe=tell: os.write(pipe, b"."))
            os._exit(0)
        os.read(told, 1)  # something is stored or about to be
        time.sleep(pause)
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
    render(folder, lambda done: None)
    check()


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


def render(folder: Path, progress) -> None:
    from readerstudy.explanations.planning import Options
    from readerstudy.studies.models import Study
    from readerstudy.studies.precomputing import Part, precompute

    options = Options(
        classifier="tests.tiny_models.TinyClassifier",
        device="cpu",
        batch_size=1,
        weights=folder / "tiny-classifier.safetensors",
        autoencoder="tests.tiny_models.TinyAutoencoder",
        autoencoder_weights=folder / "tiny-autoencoder.safetensors",
    )
    precompute(Study.objects.get(slug="trial"), Part(), options, progress)


def check() -> None:
    from PIL import Image

    from readerstudy.explanations.models import Explanation, ExplanationFile
    from readerstudy.studies.models import Study

    assert Explanation.objects.filter(status="done").count() == 12
    for file in ExplanationFile.objects.exclude(role="curve"):
        with Image.open(file.file) as picture:
            picture.load()  # a half file would fail here
    for example in Study.objects.get().examples.all():
        assert example.explanations.count() == 2
    print("complete and whole")


main(Path(sys.argv[1]))
