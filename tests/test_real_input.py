"""Real radiographs through the whole making of a study: a PNG, a JPEG and a DICOM from three hospitals' public data.

Nothing is known about their truth here, so they are loaded as cases without any, and each is explained for the
pathology its model thinks likeliest. Real radiographs are read where they are there, and nothing of them is kept.
"""

import io
from pathlib import Path

import numpy as np
import pytest
import torch
from django.core.management import call_command
from PIL import Image
from safetensors.torch import save_file
from torch import nn

from explain.demo.phantoms import draw
from explain.images.radiograph import Radiograph
from explain.methods.kinds import COMPARED_2021
from readerstudy.cases.models import Batch, Case, Prediction
from readerstudy.explanations.models import Explanation
from readerstudy.studies.models import Study
from tests.builders import make_batch, make_study
from tests.outside_data import folder_of

pytestmark = [pytest.mark.django_db, pytest.mark.torch, pytest.mark.shared]


def load(source: Path) -> Batch:
    call_command("load_cases", str(source), batch="real", keep_source_ids=True, stdout=io.StringIO())
    return Batch.objects.get(name="real")


def study_of_likeliest(batch: Batch) -> Study:
    """One example for each case, the pathology with the highest probability; every kind is shown by some method."""
    study = make_study(batch=make_batch("none", cases=0), render_parameters={"steps": 4})
    study.methods.filter(key="A").update(kinds=["input_gradient", "guided_backprop", "integrated_gradients"])
    study.methods.filter(key="B").update(kinds=["latentshift_map", "latentshift_animation"])
    for number, case in enumerate(batch.cases.order_by("id"), start=1):
        study.examples.create(prediction=case.predictions.order_by("-probability")[0], number=number)
    return study


def precompute(study: Study, **options: object) -> str:
    output = io.StringIO()
    call_command("precompute", study=study.slug, device="cpu", stdout=output, stderr=output, **options)
    return output.getvalue()


def check_explanations(study: Study) -> None:
    """Every kind of every example: a map that says something, and pictures that can be opened."""
    for example in study.examples.all():
        made = {row.kind: row for row in example.explanations.all()}
        assert set(made) == {kind for kinds in COMPARED_2021 for kind in kinds}
        for row in made.values():
            assert row.status == Explanation.Status.DONE, row.error
            with row.map.open() as file:
                values = np.load(file)
            assert values.shape == (224, 224) and np.isfinite(values).all() and values.max() > values.min()
            for file in row.files.exclude(role="curve"):
                with Image.open(file.file) as picture:
                    picture.load()


def seed_weights(folder: Path) -> None:
    """Both networks with seeded weights; batch norms settled on drawings, without which predictions are saturated."""
    import torchxrayvision as xrv

    torch.manual_seed(0)
    drawings = [Radiograph(draw(seed, 224).pixels) for seed in (0, 1)]
    x = torch.stack([torch.from_numpy(drawing.model_input()) for drawing in drawings])
    classifier, autoencoder = xrv.models.DenseNet(), xrv.autoencoders.ResNetAE101()
    for module in (*classifier.modules(), *autoencoder.modules()):
        if isinstance(module, nn.BatchNorm2d):
            module.momentum = None  # the plain average
    with torch.no_grad():
        autoencoder.train()(x)
        redrawn = autoencoder.eval()(x)["out"]
        scale = x.std() / redrawn.std()  # pictures that fill the grey range
        autoencoder.conv1_1.weight.mul_(scale)
        classifier.train()(torch.cat([x, redrawn * scale]))
        classifier.classifier.weight.mul_(3)
    for name, model in (("classifier", classifier), ("autoencoder", autoencoder)):
        save_file(model.state_dict(), folder / f"{name}.safetensors")


def test_three_formats_go_through_the_demo_models():
    batch = load(folder_of("RADIOGRAPHS"))
    found = {case.source_id: case for case in batch.cases.all()}
    assert len(found) == 3
    for name, case in found.items():
        assert case.bits == 8 and min(case.width, case.height) >= 224, name
        assert not case.truths.exists()
    call_command("predict", batch="real", model="demo", device="cpu", stdout=io.StringIO())
    assert Prediction.objects.filter(case__batch=batch).count() == 3 * 6
    study = study_of_likeliest(batch)
    assert "Rendered 15 explanations" in precompute(study)
    check_explanations(study)


def test_a_dicom_goes_through_densenet121_and_the_resnet101_autoencoder(tmp_path):
    """The published study's architectures. Their weights cannot be downloaded here, so these are seeded."""
    seed_weights(tmp_path)
    weights = {name: tmp_path / f"{name}.safetensors" for name in ("classifier", "autoencoder")}
    (tmp_path / "dicom").mkdir()
    (tmp_path / "dicom" / "rsna.dcm").write_bytes((folder_of("RADIOGRAPHS") / "rsna_sample.dcm").read_bytes())
    batch = load(tmp_path / "dicom")
    model = "xrv-densenet121-all"
    call_command(
        "predict", batch="real", model=model, weights=weights["classifier"], device="cpu", stdout=io.StringIO()
    )
    case = Case.objects.get(batch=batch)
    assert case.predictions.count() == 18
    study = study_of_likeliest(batch)
    said = precompute(study, weights=weights["classifier"], autoencoder_weights=weights["autoencoder"])
    assert "Rendered 5 explanations" in said
    check_explanations(study)
    shift = Explanation.objects.get(kind="latentshift_animation")
    assert shift.model == model and shift.autoencoder == "xrv-resnetae-101-elastic"
    assert len(shift.record["lambdas"]) == shift.record["frames"] == 11
