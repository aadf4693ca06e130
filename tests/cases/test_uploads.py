"""Uploads: images are decoded once, what is wrong is sent again alone, a worker checks and loads large ones."""

import hashlib
import json
import os
import shutil
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import numpy as np
import pytest
from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.utils import timezone

from explain.images.radiograph import pixel_sha256, read_radiograph
from explain.render.made_elsewhere import read_animation, read_map
from explain.render.pictures import animation_gif, display_image, frame_strip, read_display_image
from readerstudy.cases import jobs
from readerstudy.cases.loading import mending, sources, staging, upload_check
from readerstudy.cases.loading.expiry import LIFETIME_SECONDS, about
from readerstudy.cases.loading.keeping import shrunk
from readerstudy.cases.loading.masks import mask_png as stored_mask
from readerstudy.cases.loading.masks import read_mask
from readerstudy.cases.loading.problems import BatchRefused
from readerstudy.cases.loading.staged import Staged
from readerstudy.cases.loading.waiting import listed
from readerstudy.cases.loading.written import remove_leftovers
from readerstudy.cases.models import Batch, Case, Truth
from readerstudy.explanations import external
from readerstudy.explanations.models import Explanation
from readerstudy.jobs.models import Job
from readerstudy.jobs.panel import words
from readerstudy.jobs.queueing import requeue
from readerstudy.jobs.work import LeaseLost, Work
from tests.builders import make_user
from tests.cases.batches import check_here, gif, make_batch, manifest, mask_png, png, sent, simple_rows, zipped
from tests.cases.test_loading import load
from tests.explain.image_files import dicom, encoded, greys

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def checked_here(monkeypatch) -> None:
    monkeypatch.setattr(staging, "check_apart", check_here)


@pytest.fixture
def decoded(monkeypatch) -> list[str]:
    """What was decoded, a line for each time."""
    found: list[str] = []

    def radiograph(file, where):
        found.append(where)
        return read_radiograph(file, where)

    def mask(*args):
        found.append("mask")
        return read_mask(*args)

    def other(read: Callable[..., np.ndarray], what: str) -> Callable[..., np.ndarray]:
        def reads(*args):
            found.append(what)
            return read(*args)

        return reads

    monkeypatch.setattr(sources, "read_radiograph", radiograph)
    monkeypatch.setattr(sources, "read_mask", mask)
    monkeypatch.setattr(external, "read_map", other(read_map, "map"))
    monkeypatch.setattr(external, "read_animation", other(read_animation, "animation"))
    return found


@pytest.fixture
def admin() -> Client:
    client = Client()
    client.force_login(make_user("administrator", is_staff=True))
    return client


def all_sorts(folder: Path) -> Path:
    """A batch with every way in which a case's files come about."""
    deep = greys(bits=12)
    images = {
        "eight.png": png(1),
        "sixteen.png": encoded(greys(bits=16, seed=2)),
        "window.dcm": dicom(deep, 12, WindowCenter=2000, WindowWidth=1000, PatientID="P7", PatientAge="093Y"),
        "curve.dcm": dicom(deep[::-1].copy(), 12, WindowCenter=2048, WindowWidth=1000, VOILUTFunction="SIGMOID"),
        "large.dcm": dicom(greys(70, 2400, 12), 12),
        "flat.dcm": dicom(greys(64, 72, seed=3), 8, PixelSpacing=["0.2", "0.1"]),
        "mask.png": mask_png(),
        "map.png": encoded(greys(224, 224)),
        "moving.gif": gif(),
        "map_of_a_new_kind.png": encoded(greys(100, 100)),
    }
    rows = [{"image": name, "pathology": "Mass", "label": 1} for name in images if name[0] != "m"]
    rows[0] |= {"mask": "mask.png", "confounder": "30,10,20,12"}
    rows[3] |= {"prediction": 0.7, "explanation:input_gradient": "map.png"}
    rows[4] |= {"prediction": 0.2, "explanation:moves": "moving.gif", "explanation:rests": "map_of_a_new_kind.png"}
    rows[5] |= {"mask": "mask.png"}
    return make_batch(folder, rows, images)


def assert_stored_as_decoded(case: Case, folder: Path) -> None:
    """As the loader did when it decoded each image again: that is what stored rows of before hold."""
    radiograph = read_radiograph(folder / case.source_id)
    shown = radiograph.as_shown()
    if max(radiograph.pixels.shape) > 2048:
        shown = shrunk(shown, 2048)
    whole, display = display_image(radiograph), display_image(shown)
    assert case.pixels.read() == whole.png and case.display.read() == display.png
    assert (case.display.name == case.pixels.name) == (shown is radiograph)
    assert case.display_sha256 == hashlib.sha256(display.png).hexdigest()
    assert (case.display_width, case.display_height) == (display.width, display.height)
    assert (case.height, case.width) == radiograph.pixels.shape and case.pixel_sha256 == pixel_sha256(radiograph)
    assert (case.crop_x, case.crop_y, case.crop_size) == radiograph.crop and case.bits == radiograph.bits
    assert (case.window_low, case.window_high) == (radiograph.window or (None, None))
    done = radiograph.as_read
    assert done and (case.file_height, case.file_width) == done.shape
    assert (case.range_rule, case.range_low, case.range_high) == (done.rule, *done.used)
    assert (case.range_replaced, case.shown_by) == (done.replaced, done.shown_by)


def test_each_image_is_decoded_once_and_stored_as_before(tmp_path, decoded):
    folder = all_sorts(tmp_path / "all")
    batch = load(folder, "here").batch
    once = ["animation", "map", "map"] + ["mask"] * 3 + [f"row {row}" for row in range(2, 8)]
    assert sorted(decoded) == once
    decoded.clear()
    staged = sent(zipped(folder, tmp_path / "all.zip"), keep_source_ids=True)
    there = staging.confirm(staged.token, make_user("root")).batch
    assert sorted(decoded) == once
    assert batch.content_sha256 == there.content_sha256
    assert {**batch.report, "warnings": ""} == {**there.report, "warnings": ""}
    for case in [*batch.cases.all(), *there.cases.all()]:
        assert_stored_as_decoded(case, folder)
    assert there.cases.get(source_id="window.dcm").age == 90 and there.cases.get(source_id="window.dcm").patient_key
    for truth in Truth.objects.exclude(mask=""):
        file_shape = (truth.case.file_height, truth.case.file_width)
        inside = read_mask(
            "mask.png", (truth.case.height, truth.case.width), lambda name: (folder / name).open("rb"), file_shape
        )
        assert truth.mask.read() == stored_mask(inside)
    assert Truth.objects.exclude(mask="").count() == 4 and Truth.objects.exclude(confounder="").count() == 2
    for kind, name in (("input_gradient", "map.png"), ("rests", "map_of_a_new_kind.png"), ("moves", "moving.gif")):
        first, second = Explanation.objects.filter(kind=kind)  # a radiograph below a map is read from what was kept
        files = [[file.file.read() for file in one.files.order_by("role")] for one in (first, second)]
        assert files[0] == files[1] and len(files[0]) == 2
        if kind == "moves":
            frames = read_animation(folder / name)
            assert files[0] == [animation_gif(frames), frame_strip(frames)]
        else:
            assert (np.load(first.map) == read_map(folder / name)).all() and first.map.size == second.map.size
    assert not list((Path(settings.MEDIA_ROOT) / "staging").iterdir())


# --- mending ----------------------------------------------------------------------------------------------------------
def send(client: Client, address: str, *files: tuple[str, bytes], batch: str = "ward") -> str:
    sent_files = [SimpleUploadedFile(name, content) for name, content in files]
    return client.post(f"{address}mend/", {"corrected": sent_files, "batch": batch}, follow=True).content.decode()


def test_only_what_was_wrong_is_sent_again_and_only_that_is_decoded(admin, tmp_path, decoded):
    rows = [{"image": f"{place}/x.png", "pathology": "Mass", "label": "maybe"} for place in "abc"]
    rows += [{"image": "b/y.png", "pathology": "Mass", "label": 0, "mask": "drawn.png"}]
    images = {f"{place}/x.png": png(number) for number, place in enumerate("abc")} | {"b/y.png": b"no image"}
    archive = zipped(make_batch(tmp_path / "b", rows, images), tmp_path / "b.zip", prefix="all/")
    with archive.open("rb") as file:
        address = admin.post("/batches/", {"batch": "ward", "file": file}).headers["Location"]
    assert "5 problems" in admin.get(address).content.decode()  # three labels, an image, a mask without the label 1
    assert decoded == ["row 2", "row 3", "row 4", "row 5"]

    assert "differ by their folders only" in send(admin, address, ("x.png", png(7)))
    assert "file 1 of those sent has a name that the upload does not know" in send(admin, address, ("z.png", png(7)))
    assert len(list((Path(settings.MEDIA_ROOT) / "staging").glob("*/content/*"))) == 1

    decoded.clear()
    for row in rows:
        row["label"] = 1
    page = send(admin, address, ("list.csv", manifest(rows).encode()), ("y.png", png(8)))
    assert "1 problem." in page and "the ZIP has no such file" in page  # drawn.png
    assert decoded == ["row 5"]
    decoded.clear()
    page = send(admin, address, ("drawn.png", mask_png()))
    assert "No problems were found" in page and decoded == ["mask"]

    admin.post(address)
    assert [case.pixel_sha256 for case in Case.objects.all()] == [
        pixel_sha256(read_radiograph(content)) for content in (png(0), png(1), png(2), png(8))
    ]
    assert Truth.objects.filter(label=True).count() == 4


def test_a_file_takes_no_other_files_place(admin, tmp_path, monkeypatch):
    rows = [{"image": name, "pathology": "Mass", "label": 1} for name in ("x.png", "good.png")]
    table, good = [SimpleUploadedFile("list.csv", manifest(rows).encode()), SimpleUploadedFile("good.png", png(1))]
    data = {"batch": "ward", "file": table, "images": [good]}
    address = admin.post("/batches/", data).headers["Location"]

    def zip_of(*names: str) -> tuple[str, bytes]:
        folder = tmp_path / str(len(list(tmp_path.iterdir())))
        for number, name in enumerate(names, 2):
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_bytes(png(number))
        return "i.zip", zipped(folder, folder.with_suffix(".zip")).read_bytes()

    with monkeypatch.context() as patch:
        patch.setattr(mending, "MAX_MANIFEST", 10)
        assert "the manifest is larger than" in send(admin, address, ("x.png", png(2)))
    same = "stand for the same file of the upload"
    assert f"several files in the ZIP that is file 1 of those sent {same}" in send(
        admin, address, zip_of("new/x.png", "old/x.png")
    )
    assert f"files 1 and 2 of those sent {same}" in send(admin, address, ("x.png", png(2)), ("x.png", png(3)))
    page = send(admin, address, zip_of("new/x.png", "old/good.png", "x.png"))  # in this order, as numbers 2, 3, 4
    assert "No problems were found" in page
    admin.post(address)
    assert {case.pixel_sha256 for case in Case.objects.all()} == {
        pixel_sha256(read_radiograph(png(seed))) for seed in (4, 1)
    }


def test_a_zip_with_folders_a_new_name_and_a_list_of_columns_mend_too(admin, tmp_path):
    rows = [{"image": f"{place}/x.png", "pathology": "Mass", "label": 1} for place in "ab"]
    images = {"a/x.png": b"no image", "b/x.png": b"no image either"}
    table = SimpleUploadedFile("list.csv", manifest(rows).encode())
    address = admin.post("/batches/", {"batch": "ward", "file": table}).headers["Location"]
    zip_of_images = zipped(make_batch(tmp_path / "i", rows, images), tmp_path / "i.zip")
    assert "is not PNG, JPEG or DICOM" in send(admin, address, ("i.zip", zip_of_images.read_bytes()))
    Batch.objects.create(name="ward", source="someone else")
    mended = zipped(make_batch(tmp_path / "m" / "wrapped", rows).parent, tmp_path / "m.zip")
    assert "Choose another name" in send(admin, address, ("m.zip", mended.read_bytes()))
    assert "No problems were found" in send(admin, address, batch="ward-2")
    staged = staging.find(address.split("/")[-2])
    assert sorted(path.suffix for path in staged.content.iterdir()) == [".csv", ".zip"]  # what was replaced is gone
    admin.post(address)
    assert Case.objects.filter(batch__name="ward-2").count() == 2


def test_an_explanation_that_was_right_is_not_decoded_again(admin, tmp_path, decoded):
    rows = [{"image": f"{number}.png", "pathology": "Mass", "label": 1, "prediction": 0.5} for number in range(3)]
    for row, name in zip(rows, ("good.gif", "wrong.gif", "good.gif"), strict=True):
        row["explanation:moves"] = name
    folder = make_batch(tmp_path / "b", rows, {"good.gif": gif(), "wrong.gif": png(9)})
    with zipped(folder, tmp_path / "b.zip").open("rb") as file:
        address = admin.post("/batches/", {"batch": "ward", "file": file}).headers["Location"]
    assert "1 problem." in admin.get(address).content.decode() and decoded.count("animation") == 2
    decoded.clear()
    assert "No problems were found" in send(admin, address, ("wrong.gif", gif(5))) and decoded == ["animation"]
    admin.post(address)
    assert Explanation.objects.count() == 3 and decoded == ["animation"]


def test_an_explanation_that_is_another_file_than_was_checked_is_not_loaded(tmp_path):
    row = {"image": "0.png", "pathology": "Mass", "prediction": 0.5, "explanation:input_gradient": "map.png"}
    folder = make_batch(tmp_path / "b", [row], {"map.png": encoded(greys(224, 224))})
    staged = sent(zipped(folder, tmp_path / "b.zip"))
    (folder / "map.png").write_bytes(encoded(greys(224, 224, seed=5)))
    zipped(folder, staged.content / "upload.zip")
    with pytest.raises(BatchRefused, match="is gone or damaged"):
        staging.confirm(staged.token, make_user("root"))
    assert not Explanation.objects.exists() and not Case.objects.exists()


# --- by a worker ------------------------------------------------------------------------------------------------------
def under_way(kind: str) -> Work:
    """The newest job of this kind, as the process has it that does it."""
    job = Job.objects.filter(kind=kind).latest("pk")
    Job.objects.filter(pk=job.pk).update(state=Job.State.RUNNING, lease_until=timezone.now())
    return Work(job.pk, job.lease, job.asked_by)


def done(work: Work) -> None:
    Job.objects.filter(pk=work.job).update(state=Job.State.DONE, outcome="x", finished_at=timezone.now())


@pytest.fixture
def large(admin, tmp_path, settings) -> Staged:
    """An upload that is too large to be checked while the browser waits."""
    settings.UPLOAD_AT_ONCE_MIB = 0
    with zipped(make_batch(tmp_path / "b", simple_rows()), tmp_path / "b.zip").open("rb") as file:
        address = admin.post("/batches/", {"batch": "ward", "file": file}).headers["Location"]
    return staging.find(address.split("/")[-2])


def test_a_large_upload_is_checked_and_loaded_by_a_worker(admin, large):
    address = f"/batches/staged/{large.token}/"
    page = admin.get(address).content.decode()
    assert "Check the upload “ward”" in page and "No worker does such work now" in page and "Cancel" in page
    started = timezone.now() - timedelta(minutes=2)
    half = Job(state=Job.State.RUNNING, doing="Checking images", done=20, total=40, started_at=started)
    assert words(half) == "Checking images, 20 of 40, 10 a minute, about 2 minutes left."
    assert "Waiting for a worker" in admin.get("/batches/").content.decode()
    assert "A worker is at this upload" in admin.post(f"{address}discard/", follow=True).content.decode()
    assert "A worker is at this upload" in send(admin, address)
    assert "A worker is at this upload" in admin.post(address, follow=True).content.decode()
    old = Staged.read(large.folder)
    old.created -= LIFETIME_SECONDS - 60
    old.save()

    check = under_way(jobs.CHECK)
    assert jobs.check_upload(check, large.token) == "No problems in 4 cases."
    assert staging.find(large.token).created >= large.created
    done(check)
    with pytest.raises(ValidationError, match="was checked"):
        jobs.ask_to_check(about(large.token), None, {})
    page = admin.get(address).content.decode()
    assert "No problems were found" in page and "Load the cases" in page
    assert "is being loaded or was refused" in admin.post(address, follow=True).content.decode()  # not at once
    admin.post(f"/jobs/start/load_upload/upload/{large.token}/")
    with pytest.raises(ValidationError, match="cannot be loaded now"):
        jobs.ask_to_load(about(large.token), None, {})
    load_it = under_way(jobs.LOAD)
    assert jobs.load_upload(load_it, large.token) == "4 cases are loaded as batch ward."
    job = Job.objects.get(pk=load_it.job)
    assert (job.done, job.total, job.doing) == (4, 4, "Loading cases")
    done(load_it)
    assert Batch.objects.get().loaded_by.username == "administrator"
    assert "Download and remove" in admin.get(address).content.decode()
    kept = {path.name for path in large.folder.rglob("*") if path.is_file()}
    assert kept == {"state.json", "linking.csv"}


def test_a_load_that_is_killed_is_done_again_without_doubling_or_losing(large, monkeypatch):
    done_check = under_way(jobs.CHECK)
    jobs.check_upload(done_check, large.token)
    done(done_check)
    jobs.ask_to_load(about(large.token), make_user("root"), {})
    late = under_way(jobs.LOAD)
    requeue(Job.objects.get(pk=late.job), late.lease)
    with pytest.raises(LeaseLost):  # a worker that was only slow
        jobs.load_upload(late, large.token)
    assert not Case.objects.exists() and not list(Path(settings.MEDIA_ROOT).glob("cases/*/*"))

    large.links.write_text("row,image,case\n2,0.png,nocase\n")  # killed as it stored the rows
    work = under_way(jobs.LOAD)
    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(staging, "_remove_content", lambda staged: (_ for _ in ()).throw(KeyboardInterrupt))
        patch.setattr(Staged, "save", lambda staged: None)
        jobs.load_upload(work, large.token)  # killed just after it stored them
    links = large.links.read_text()
    assert jobs.load_upload(work, large.token) == "4 cases are loaded as batch ward."
    assert Case.objects.count() == 4 and large.links.read_text() == links
    assert {line.split(",")[2] for line in links.split()[1:]} == set(Case.objects.values_list("public_id", flat=True))
    assert jobs.load_upload(work, large.token) == "Loaded as batch ward."
    with pytest.raises(ValidationError, match="It was loaded"):
        jobs.check_upload(under_way(jobs.CHECK), large.token)
    assert large.links.read_text() == links and staging.find(large.token).loaded

    media, batch = Path(settings.MEDIA_ROOT), Batch.objects.get()
    stored, orphan = Case.objects.first().pixels.name, "cases/ab/orphan.png"
    (media / orphan).parent.mkdir(exist_ok=True)
    (media / orphan).write_bytes(b"of the load that was killed")
    for number, name in enumerate((stored, orphan)):
        journal = media / "staging" / f"{number}.journal"
        journal.write_text(f"{json.dumps([batch.name, batch.content_sha256])}\n{json.dumps(name)}\n")
        os.utime(journal, (0, 0))
    assert remove_leftovers() == 2 and (media / stored).exists() and not (media / orphan).exists()


def test_an_upload_that_is_not_there_and_a_full_disk_are_said_in_a_sentence(admin, large, monkeypatch):
    work = under_way(jobs.CHECK)

    def full(*_: object) -> None:
        with Path("/dev/full").open("wb", buffering=0) as file:
            file.write(b"x")

    monkeypatch.setattr(staging, "check_apart", full)
    with pytest.raises(ValidationError, match="The disk is full"):
        jobs.check_upload(work, large.token)
    done(work)
    page = admin.get(f"/batches/staged/{large.token}/").content.decode()
    assert "its check has not ended" in page and "Check again" in page and "Discard this upload" in page
    staging.remove(large.token)
    with pytest.raises(ValidationError, match="was discarded, has expired, or lies on another host"):
        jobs.check_upload(work, large.token)
    assert admin.get(f"/jobs/{work.job}/state/").status_code == 200  # as on another web host


def test_an_upload_that_an_older_version_has_checked_is_checked_again_and_loaded(tmp_path):
    staged = sent(zipped(make_batch(tmp_path / "b", simple_rows(1)), tmp_path / "b.zip"))
    upload_check.checked_file(staged).unlink()
    shutil.rmtree(staged.folder / "kept")
    assert staging.confirm(staged.token, make_user("root")).created and Case.objects.count() == 1


def test_public_data_loaded_by_a_worker_lead_to_their_batch(admin, tmp_path, settings):
    settings.UPLOAD_AT_ONCE_MIB = 0
    with zipped(make_batch(tmp_path / "b", simple_rows(1)), tmp_path / "b.zip").open("rb") as file:
        data = {"batch": "ward", "file": file, "keep_source_ids": "on"}
        address = admin.post("/batches/", data).headers["Location"]
    token = address.split("/")[-2]
    jobs.check_upload(work := under_way(jobs.CHECK), token)
    done(work)
    jobs.ask_to_load(about(token), None, {})
    jobs.load_upload(under_way(jobs.LOAD), token)
    assert admin.get(address).headers["Location"] == "/batches/ward/"
    assert listed() == []
    assert read_display_image(Case.objects.get().pixels.read(), 8).pixels.shape == (64, 72)
