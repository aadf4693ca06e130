"""Loading a batch: whole or not at all, once, with a linking table, and with explanations of other tools."""

import csv
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from django.conf import settings

from explain.images.radiograph import read_radiograph
from explain.render.pictures import read_display_image
from readerstudy.cases.loading import load as loading
from readerstudy.cases.loading.load import Loaded, load_batch
from readerstudy.cases.loading.problems import BatchRefused
from readerstudy.cases.loading.sources import open_source
from readerstudy.cases.models import Batch, Case, Prediction, Truth
from readerstudy.common.identity import patient_key
from readerstudy.explanations.models import Explanation
from tests.cases.batches import gif, make_batch, mask_png, messages, png, simple_rows, zipped
from tests.explain.image_files import dicom, encoded, greys

pytestmark = pytest.mark.django_db


def load(path: Path, name: str = "ward", **options) -> Loaded:
    options = {"keep_source_ids": "linking_table" not in options} | options
    with open_source(path) as source:
        return load_batch(source, name, **options)


def stored_files() -> list[Path]:
    return [path for path in Path(settings.MEDIA_ROOT).rglob("*") if path.is_file()]


@pytest.fixture
def full(tmp_path) -> Path:
    """One case with everything a manifest can say, and one with next to nothing."""
    everything = {
        "image": "a.png",
        "pathology": "Mass",
        "label": 1,
        "patient": "P1",
        "view": "PA",
        "sex": "female",
        "age": "93",
        "dataset": "ward",
        "mask": "mask.png",
        "confounder": "30,10,20,12",
        "prediction": 0.83,
        "practice": 1,
        "explanation:input_gradient": "map.png",
        "explanation:latentshift_animation": "moving.gif",
    }
    files = {"mask.png": mask_png(), "map.png": encoded(greys(224, 224)), "moving.gif": gif()}
    return make_batch(tmp_path / "full", [everything, {"image": "b.png"}], files)


def test_everything_in_the_manifest_is_stored(full):
    loaded = load(full)
    assert loaded.created
    case, other = loaded.batch.cases.all()
    assert (case.patient_key, case.view, case.sex, case.age) == (patient_key("P1"), "PA", "F", 90)
    assert (case.dataset, case.practice, case.source_id) == ("ward", True, "a.png")
    assert (case.width, case.height, case.bits) == (72, 64, 8)
    assert (case.crop_x, case.crop_y, case.crop_size) == (4, 0, 64)
    assert not other.truths.exists()
    truth = case.truths.get()
    assert (truth.pathology, truth.label) == ("Mass", True)
    assert truth.history.count() == 1
    mask = read_display_image(truth.mask.read(), 8).pixels
    assert mask.shape == (64, 72)
    assert int((mask == 255).sum()) == 200
    confounder = read_display_image(truth.confounder.read(), 8).pixels
    assert (confounder[10:22, 30:50] == 255).all() and int((confounder == 255).sum()) == 240
    prediction = case.predictions.get()
    assert (prediction.probability, prediction.model, prediction.weights_sha256) == (0.83, "manifest", "")
    stored = read_display_image(case.pixels.read(), case.bits)
    assert np.array_equal(stored.pixels, read_radiograph(full / "a.png").pixels)
    assert case.display.name == case.pixels.name


def test_explanations_of_other_tools_are_stored_as_ours_are(full):
    load(full)
    still = Explanation.objects.get(kind="input_gradient")
    assert still.external
    assert {file.role for file in still.files.all()} == {"layer", "overlay"}
    assert np.load(still.map.open()).shape == (224, 224)
    moving = Explanation.objects.get(kind="latentshift_animation")
    assert moving.record == {"frames": 4, "lambdas": [], "frame_ms": 100}
    strip = moving.files.get(role="strip")
    assert (strip.width, strip.height) == (32, 4 * 32)
    assert moving.files.get(role="gif").file.read().startswith(b"GIF8")


def test_loading_again_changes_nothing(full, tmp_path):
    load(full)
    before = sorted(stored_files())
    again = load(zipped(full, tmp_path / "same.zip"))
    assert not again.created
    assert (Batch.objects.count(), Case.objects.count()) == (1, 2)
    assert sorted(stored_files()) == before


def test_the_same_name_with_other_content_is_refused(full):
    load(full)
    (full / "b.png").write_bytes(png(9))
    with pytest.raises(BatchRefused, match="with other content is already there"):
        load(full)


def test_the_same_pixels_in_another_batch_are_reported(full, tmp_path):
    case = load(full).batch.cases.first()
    folder = make_batch(tmp_path / "more", [{"image": "x.png"}], {"x.png": (full / "a.png").read_bytes()})
    warnings = load(folder, "more").report.warnings
    assert warnings == [f"row 2 shows the same pixels as case {case.public_id} of batch ward"]


def test_known_pixels_are_reported_in_the_order_of_rows(tmp_path):
    """The other batch has the images in the reverse order, and so has the database."""
    rows = [{"image": f"{n}.png"} for n in range(8)]
    load(make_batch(tmp_path / "first", rows[::-1]), "first")
    images = {f"{n}.png": (tmp_path / "first" / f"{n}.png").read_bytes() for n in range(8)}
    warnings = load(make_batch(tmp_path / "again", rows, images), "again").report.warnings
    assert [warning.split(" shows")[0] for warning in warnings] == [f"row {n}" for n in range(2, 10)]


def test_a_linking_table_says_which_image_is_which_case(full, tmp_path):
    table = tmp_path / "links.csv"
    load(full, linking_table=table)
    cases = list(Case.objects.values_list("public_id", flat=True))
    with table.open(newline="") as file:
        assert list(csv.reader(file)) == [["row", "image", "case"], ["2", "a.png", cases[0]], ["3", "b.png", cases[1]]]
    assert not Case.objects.exclude(source_id="").exists()
    assert table.stat().st_mode & 0o077 == 0


def test_without_linking_table_or_source_ids_nothing_is_loaded(full, tmp_path):
    with pytest.raises(BatchRefused, match="nothing would say which case is which image"):
        load(full, keep_source_ids=False)
    taken = tmp_path / "taken.csv"
    taken.write_text("keep me")
    with pytest.raises(BatchRefused, match="already there"):
        load(full, linking_table=taken)
    assert taken.read_text() == "keep me"


@pytest.mark.parametrize("stage", ["files", "rows"])
def test_a_failure_half_way_leaves_nothing(full, tmp_path, monkeypatch, stage):
    def fail(*args: object, **kwargs: object) -> None:
        raise KeyboardInterrupt

    if stage == "files":
        monkeypatch.setattr(loading, "_finding", fail)
    else:
        monkeypatch.setattr(Prediction.objects, "bulk_create", fail)
    with pytest.raises(KeyboardInterrupt):
        load(full, linking_table=tmp_path / "links.csv")
    assert stored_files() == []
    assert not list(tmp_path.glob("*.csv"))
    assert not (Batch.objects.exists() or Case.objects.exists() or Truth.objects.exists())


def test_what_was_checked_is_loaded_though_a_file_changes_meanwhile(full):
    before = read_radiograph(full / "b.png").pixels
    with open_source(full) as source:

        def change(doing: str, done: int, total: int) -> None:
            if doing == "checking" and done == total:
                (full / "b.png").write_bytes(png(9))
                (full / "mask.png").unlink()

        batch = load_batch(source, "ward", keep_source_ids=True, progress=change).batch
    assert np.array_equal(read_display_image(batch.cases.last().pixels.read(), 8).pixels, before)
    assert not list((Path(settings.MEDIA_ROOT) / "staging").iterdir())


def test_two_loads_of_one_name_at_once_leave_one(full):
    def another(doing: str, done: int, total: int) -> None:
        if doing == "loading" and done == 1:
            Batch.objects.create(name="ward", source="another process")

    with pytest.raises(BatchRefused, match="was loaded at the same moment"):
        load(full, progress=another)
    assert Batch.objects.get().source == "another process"
    assert stored_files() == []


def test_every_problem_is_listed_and_nothing_loads(full):
    (full / "mask.png").write_bytes(b"no mask")
    (full / "moving.gif").write_bytes(gif()[:60])
    (full / "b.png").unlink()
    with pytest.raises(BatchRefused) as caught:
        load(full)
    said = messages(caught.value)
    assert [problem.column for problem in caught.value.problems] == [
        "mask",
        "explanation:latentshift_animation",
        "image",
    ]
    assert "row 3, image" in said
    assert not Batch.objects.exists()
    assert stored_files() == []


def test_a_confounder_outside_the_image_or_without_a_label_is_named(full):
    table = full / "manifest.csv"
    table.write_text(table.read_text().replace('"30,10,20,12"', '"90,10,20,12"'))
    with pytest.raises(BatchRefused) as caught:
        load(full)
    assert [(problem.row, problem.column) for problem in caught.value.problems] == [(2, "confounder")]
    table.write_text(table.read_text().replace("Mass,1,", "Mass,,"))
    with pytest.raises(BatchRefused, match="a confounder needs a label"):
        load(full)


def test_problems_of_the_manifest_and_of_images_are_listed_together(full):
    (full / "b.png").unlink()
    table = full / "manifest.csv"
    table.write_text(table.read_text().replace(",female,", ",7,"))
    with pytest.raises(BatchRefused) as caught:
        load(full)
    assert [(problem.row, problem.column) for problem in caught.value.problems] == [(2, "sex"), (3, "image")]


def test_files_of_a_load_that_was_killed_are_removed_by_a_later_one(full, tmp_path):
    media = Path(settings.MEDIA_ROOT)
    killed = (
        "import os, django; django.setup()\n"
        "from readerstudy.cases.models import Batch, Case\n"
        "from readerstudy.cases.loading.written import WrittenFiles\n"
        "with WrittenFiles(Batch(name='killed', content_sha256='0')) as files:\n"
        "    files.save(Case().pixels, b'pixels', '.png', 'salt')\n"
        "    os.kill(os.getpid(), 9)\n"
    )
    environment = os.environ | {"DJANGO_SETTINGS_MODULE": "tests.settings", "MEDIA_ROOT": str(media)}
    subprocess.run([sys.executable, "-c", killed], env=environment, check=False)
    (orphan,) = media.glob("cases/*/*.png")
    load(full)
    assert orphan.exists()  # its load might still be running
    (journal,) = media.glob("staging/*.journal")
    os.utime(journal, (0, 0))
    load(full, "more")
    assert not orphan.exists()
    assert not journal.exists()
    assert Case.objects.get(batch__name="ward", practice=True).pixels.read()


def test_large_and_deep_radiographs_get_a_smaller_display_image(tmp_path):
    folder = make_batch(
        tmp_path / "deep",
        [{"image": "a.dcm"}],
        {"a.dcm": dicom(greys(300, 2400, 12), 12, WindowCenter=2000, WindowWidth=1000)},
    )
    case = load(folder).batch.cases.get()
    assert (case.width, case.height, case.display_width, case.display_height) == (2400, 300, 2048, 256)
    assert case.bits == 12
    assert case.window_high - case.window_low == 999
    shown = read_display_image(case.display.read(), 12)
    assert shown.pixels.shape == (256, 2048)
    assert shown.pixels.max() > 3500


def test_a_batch_name_must_fit_a_url(full):
    with pytest.raises(BatchRefused, match="letters, digits"):
        load(full, name="ward 3")


def test_many_rows_are_loaded(tmp_path):
    loaded = load(make_batch(tmp_path / "batch", simple_rows(6)))
    assert loaded.report.pathologies["Effusion"] == {
        "present": 3, "absent": 3, "no_truth": 0, "masks": 0, "predictions": 0
    }  # fmt: skip


def test_an_empty_linking_table_of_a_killed_load_does_not_block_the_next(full, tmp_path):
    table = tmp_path / "links.csv"
    table.touch()
    load(full, linking_table=table)
    assert len(table.read_text().splitlines()) == 1 + Case.objects.count()
    assert table.stat().st_mode & 0o777 == 0o600
    assert [path.name for path in tmp_path.glob(".links*")] == []


def test_an_image_named_like_a_formula_is_no_formula_in_the_linking_table(tmp_path):
    folder = tmp_path / "batch"
    folder.mkdir()
    (folder / "=1+1.png").write_bytes(png(1))
    load(folder, linking_table=tmp_path / "links.csv")
    assert (tmp_path / "links.csv").read_text().splitlines()[1].startswith("1,'=1+1.png,")
