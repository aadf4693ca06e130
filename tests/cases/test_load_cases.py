"""The command: what it prints, how it ends, and that nothing identifying gets past it."""

import logging
from datetime import date
from io import StringIO
from pathlib import Path

import pytest
from django.apps import apps
from django.conf import settings
from django.core.management import CommandError, call_command
from PIL import Image
from PIL.PngImagePlugin import PngInfo
from pydicom import dcmread
from pydicom.datadict import DicomDictionary, keyword_for_tag

from readerstudy.cases.models import Batch, Case
from tests.cases.batches import make_batch, manifest, simple_rows
from tests.explain.image_files import dicom, encoded, greys

pytestmark = pytest.mark.django_db


def run(*args: object) -> tuple[str, str]:
    out, err = StringIO(), StringIO()
    call_command("load_cases", *map(str, args), stdout=out, stderr=err)
    return out.getvalue(), err.getvalue()


def test_it_counts_loads_and_says_so(tmp_path):
    folder = make_batch(tmp_path / "batch", simple_rows())
    said, warned = run(folder, "--batch", "ward", "--dry-run")
    assert "Warning: to load it, add --linking-table FILE, or --keep-source-ids for public data." in warned
    assert "4 cases can be loaded as batch ward." in said
    assert said.splitlines()[1].split() == ["Effusion", "2", "2", "0", "0", "0"]
    assert not Batch.objects.exists()
    said, _ = run(folder, "--batch", "ward", "--linking-table", tmp_path / "links.csv")
    assert "4 cases loaded as batch ward." in said
    said, _ = run(folder, "--batch", "ward", "--linking-table", tmp_path / "links.csv")
    assert "4 cases are already loaded as batch ward." in said
    _, warned = run(folder, "--batch", "other", "--keep-source-ids", "--dry-run")
    assert "Warning: 4 of 4 images are known from other batches." in warned
    said, warned = run(folder, "--batch", "ward")  # nothing is written, so nothing need say where
    assert "4 cases are already loaded as batch ward." in said
    assert "linking" not in run(folder, "--batch", "ward", "--dry-run")[1]


def test_a_dry_run_refuses_a_linking_table_that_the_load_would_refuse(tmp_path):
    folder, taken = make_batch(tmp_path / "batch", simple_rows()), tmp_path / "links.csv"
    taken.write_text("keep me")
    with pytest.raises(CommandError, match="Nothing was loaded: 1 problem"):
        run(folder, "--batch", "ward", "--dry-run", "--linking-table", taken)


@pytest.mark.parametrize("option", [("--views", "PA"), ("--limit", "3"), ("--imgpath", "here")])
def test_options_of_data_sets_are_refused_for_other_sources(tmp_path, option):
    with pytest.raises(CommandError, match=f"{option[0]}: for xrv: sources only"):
        run(make_batch(tmp_path / "batch", simple_rows()), "--batch", "ward", "--dry-run", *option)


def test_it_lists_problems_and_fails(tmp_path):
    folder = make_batch(tmp_path / "batch", simple_rows())
    (folder / "2.png").write_bytes(b"")
    (folder / "3.png").write_bytes(b"text")
    err = StringIO()
    with pytest.raises(CommandError, match="Nothing was loaded: 2 problems"):
        call_command("load_cases", str(folder), "--batch=ward", "--dry-run", stdout=StringIO(), stderr=err)
    assert "row 4, image: the file is empty. Copy it again.\n" in err.getvalue()


def test_many_problems_that_are_alike_are_folded_with_all_their_rows(tmp_path):
    folder = make_batch(tmp_path / "batch", simple_rows(30))
    for number in range(30):
        if number != 20:
            (folder / f"{number}.png").unlink()
    err = StringIO()
    with pytest.raises(CommandError, match="Nothing was loaded: 29 problems"):
        call_command("load_cases", str(folder), "--batch=ward", "--dry-run", stdout=StringIO(), stderr=err)
    assert err.getvalue().count("row 11, image: the folder has no such file") == 1
    assert "19 more rows like these, image: the folder has no such file. Rows 12 to 21, 23 to 31.\n" in err.getvalue()
    assert "row 12, image" not in err.getvalue()
    assert "checking: 30 of 30 cases\n" in err.getvalue()  # no terminal, so a line now and then


SECRETS = ("Zebulon", "ZEBULON", "zebulon", "19470304", "1947:03:04")
# a file without these is no radiograph, or not even readable by the test itself
NEEDED = {"Modality", "PhotometricInterpretation", "PresentationIntentType", "SpecificCharacterSet"}
TEXT_VRS = {"AE", "LO", "LT", "PN", "SH", "ST", "UC", "UT"}


def talkative_dicom(seed: int) -> bytes:
    """A radiograph with a name or date in every text and date tag of the dictionary, and in private ones."""
    tags: dict[str, object] = {}
    for tag, (vr, *_rest) in DicomDictionary.items():
        name = keyword_for_tag(tag)
        group = tag >> 16
        if not name or group in (0x0000, 0x0002, 0x0006) or name in NEEDED:
            continue
        if vr in TEXT_VRS:
            tags[name] = "Zebulon"
        elif vr == "CS":
            tags[name] = "ZEBULON"
        elif vr == "DA":
            tags[name] = date(1947, 3, 4).strftime("%Y%m%d")
        elif vr == "DT":
            tags[name] = "19470304120000"
    tags |= {"PatientAge": "097Y", "PatientSex": "F", "PatientName": "Zebulon^Quack"}
    return dicom(greys(64, 80, 12, seed), 12, **tags)


def talkative_picture(path: Path, seed: int) -> None:
    exif = Image.Exif()
    exif[0x010E], exif[0x0132], exif[0x013B] = "Zebulon", "1947:03:04 12:00:00", "Zebulon"
    text = PngInfo()
    text.add_text("Patient", "Zebulon")
    text.add_itxt("Born", "19470304")
    extra = {"pnginfo": text} if path.suffix == ".png" else {"comment": b"Zebulon", "quality": 95}
    Image.fromarray(greys(64, 80, seed=seed)).save(path, exif=exif, **extra)


def everything_written(*also: str) -> dict[str, bytes]:
    """All rows of all tables, all stored files and their names, and the texts given."""
    found = {f"text {number}": text.encode() for number, text in enumerate(also)}
    for model in apps.get_models():
        for number, row in enumerate(model._base_manager.values()):
            found[f"{model.__name__} {number}"] = repr(row).encode()
    for path in Path(settings.MEDIA_ROOT).rglob("*"):
        found[f"name {path.name}"] = str(path.relative_to(settings.MEDIA_ROOT)).encode()
        if path.is_file():
            found[f"file {path.name}"] = path.read_bytes()
    return found


def test_nothing_identifying_gets_past_it(tmp_path, caplog, capfd):
    caplog.set_level(logging.DEBUG)
    folder = tmp_path / "Zebulon 19470304"
    folder.mkdir()
    (folder / "Zebulon.dcm").write_bytes(talkative_dicom(1))
    for seed, suffix in ((2, ".png"), (3, ".jpg")):
        talkative_picture(folder / f"Zebulon-19470304{suffix}", seed)
    assert len(dcmread(folder / "Zebulon.dcm")) > 1000  # the trap is set
    assert b"Zebulon" in (folder / "Zebulon-19470304.png").read_bytes()
    links = tmp_path / "links.csv"
    (folder / "Zebulon broken.dcm").write_bytes(talkative_dicom(4)[:-2000])
    caplog.clear()  # what was said while these files were made
    err = StringIO()
    with pytest.raises(CommandError) as refused:
        call_command("load_cases", str(folder), "--batch=ward", f"--linking-table={links}", stderr=err)
    (folder / "Zebulon broken.dcm").unlink()
    out, warned = run(folder, "--batch", "ward", "--linking-table", links)
    shown = capfd.readouterr()

    assert Case.objects.count() == 3
    case = Case.objects.get(bits=12)
    assert (case.age, case.sex) == (90, "F")
    assert len(case.patient_key) == 24
    written = everything_written(out, warned, err.getvalue(), str(refused.value), caplog.text, shown.out, shown.err)
    assert len(written) > 10
    leaks = [(where, secret) for where, text in written.items() for secret in SECRETS if secret.encode() in text]
    assert leaks == []
    assert "Zebulon.dcm" in links.read_text()


def test_a_manifest_with_a_patient_is_not_quoted_either(tmp_path):
    rows = [{"image": "Zebulon.png", "pathology": "Mass", "label": 1, "patient": "Zebulon", "mask": "Zebulon-m.png"}]
    folder = make_batch(tmp_path / "batch", rows)
    err = StringIO()
    with pytest.raises(CommandError):
        call_command("load_cases", str(folder), "--batch=ward", "--dry-run", stdout=StringIO(), stderr=err)
    assert "row 2, mask" in err.getvalue()
    assert "Zebulon" not in err.getvalue()
    (folder / "manifest.csv").write_text(manifest([rows[0] | {"mask": "1,1,5,5"}]))
    (folder / "Zebulon.png").write_bytes(encoded(greys(64, 72)))
    out, warned = run(folder, "--batch", "ward", "--linking-table", tmp_path / "links.csv")
    assert not any(b"Zebulon" in text for text in everything_written(out, warned).values())
