"""Make a small installation as it stands after some use: python -m tests.upgrade.make_installation FOLDER

Run it at the commit whose installations must go on working; it takes DATABASE_URL, MEDIA_ROOT and SECRET_KEY from the
environment, all empty and of its own. FOLDER gets what that commit exports of it, to compare later versions with.
"""

import csv
import json
import os
import shutil
import sys
import tempfile
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

from tests.upgrade.shown import keep

IMAGES = ("05.png", "07.png", "26.png", "27.png")  # the last two for practice
KINDS = ("input_gradient", "latentshift_map", "latentshift_animation")


def main(folder: Path) -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "readerstudy.settings")
    import django

    django.setup()
    from django.conf import settings
    from django.core.management import call_command

    settings.ALLOWED_HOSTS = ["testserver"]
    call_command("migrate", verbosity=0)
    call_command("createcachetable", verbosity=0)
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as part:
        _some_of_the_demo(Path(part))
        _fill(Path(part))
    _keep(folder)


def _some_of_the_demo(folder: Path) -> None:
    from readerstudy.demo.fixtures import FOLDER

    with (FOLDER / "manifest.csv").open(encoding="utf-8", newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["image"].removeprefix("images/") in IMAGES]
    for row in rows:
        for path in filter(None, (row.get(name) for name in ("image", "mask", "confounder"))):
            (folder / path).parent.mkdir(exist_ok=True)
            shutil.copy(FOLDER / path, folder / path)
    with (folder / "manifest.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
    described = json.loads((FOLDER / "explanations.json").read_text(encoding="utf-8"))
    kept = [entry for entry in described if entry["image"].removeprefix("images/") in IMAGES and entry["kind"] in KINDS]
    for entry in kept:
        for path in filter(None, (entry["map"], entry.get("strip"))):
            (folder / path).parent.mkdir(exist_ok=True)
            shutil.copy(FOLDER / path, folder / path)
    (folder / "explanations.json").write_text(json.dumps(kept), encoding="utf-8")


def _fill(folder: Path) -> None:
    from readerstudy.cases.loading.load import load_batch
    from readerstudy.cases.loading.sources import open_source
    from readerstudy.demo.fixtures import restore_explanations
    from readerstudy.demo.studies import make_accounts
    from readerstudy.studies.drafting import new_study

    users = make_accounts()
    with open_source(folder / "manifest.csv") as source:
        batch = load_batch(source, "old-batch", simulated=False, user=users["admin"], keep_source_ids=True).batch
    explanations = restore_explanations(batch, folder)
    _closed(users, batch, explanations)
    _open(users, batch, explanations)
    draft = new_study("Old draft", users["researcher"])
    draft.instructions = "Changed by hand."
    draft.save()


def _compose(title: str, slug: str, users: dict[str, Any], batch: Any, explanations: list[Any]) -> Any:
    from readerstudy.studies.drafting import new_study
    from readerstudy.studies.precomputing import pin
    from readerstudy.studies.selection import Draw, select_examples

    study = new_study(title, users["researcher"])
    study.slug, study.seed, study.render_parameters = slug, 7, {}  # as the fixtures were rendered
    study.save()
    study.methods.filter(key="A").update(kinds=list(KINDS[:1]))
    select_examples(study, batch, Draw(per_pathology=2, practice=2, seed=7), user=users["researcher"])
    pin(list(study.examples.all()), explanations)
    return study


def _closed(users: dict[str, Any], batch: Any, explanations: list[Any]) -> None:
    from django.utils import timezone

    from readerstudy.analysis.running import store_analysis
    from readerstudy.demo.simulated import read_by_program
    from readerstudy.reading.models import Reader
    from readerstudy.studies.lifecycle import close_study, open_study
    from readerstudy.studies.models import Study

    study = _compose("Old closed", "old-closed", users, batch, explanations)
    study.simulated, study.washout_days = True, 1
    study.save()
    for number in (1, 2, 3):
        Reader.objects.create(study=study, code=f"R{number}", specialty="radiology", years_experience=number)
    study = open_study(study, users["researcher"])
    opened = timezone.now() - timedelta(days=30)
    for reader in study.readers.order_by("id"):
        at = opened
        for read in reader.reads.order_by("number"):
            at = read_by_program(reader, read, at + timedelta(days=2), 7)
    Study.objects.filter(pk=study.pk).update(opened_at=opened)
    study.refresh_from_db()
    study = close_study(study, users["researcher"])
    store_analysis(study, users["researcher"])


def _open(users: dict[str, Any], batch: Any, explanations: list[Any]) -> None:
    """R1 has practised and answered two examples of read 1: one answer changed, one comment cleared."""
    from django.utils import timezone

    from readerstudy.demo.simulated import read_by_program
    from readerstudy.reading.models import Read, Reader
    from readerstudy.reading.recording import Answer, record_response, record_visit, start_read, update_visit
    from readerstudy.studies.lifecycle import open_study
    from readerstudy.studies.models import Membership

    study = _compose("Old open", "old-open", users, batch, explanations)
    membership = Membership.objects.create(study=study, user=users["reader"], role=Membership.Role.READER)
    now = timezone.now()
    reader = Reader.objects.create(
        study=study, membership=membership, code="R1", consented_at=now, instructions_read_at=now
    )
    study = open_study(study, users["researcher"])
    reader.refresh_from_db()
    practice, first = (reader.reads.get(number=number) for number in (Read.PRACTICE, 1))
    read_by_program(reader, practice, now, 7)
    start_read(reader, first)
    number = 0
    for assignment in first.assignments.order_by("position")[:2]:
        visit = UUID(int=1000 + assignment.position)
        record_visit(assignment, visit, {"client_opened_at": now, "images_ready_ms": 80, "comment": "first thought"})
        for question, score in (("confidence", 4), ("confidence", 2), ("feature", 3)):
            number += 1
            record_response(reader, Answer(UUID(int=number), visit, question, score, now, 2000 * number, 1900 * number))
        update_visit(reader, visit, {"visible_ms": 7000, "actions": {"zoom": 2}, "animation_loops": 1})
    update_visit(reader, visit, {"comment": ""})


def _keep(folder: Path) -> None:
    """What this version says of the installation."""
    from readerstudy.analysis.models import Analysis
    from readerstudy.explanations.models import Explanation
    from readerstudy.studies.models import Study
    from readerstudy.studies.protocol import protocol_sha256

    keep(folder)
    for study in Study.objects.exclude(state=Study.State.DRAFT):
        assert study.protocol_sha256 == protocol_sha256(study)
    analysis = Analysis.objects.get(study__slug="old-closed")
    (folder / "old-closed.results.json").write_text(json.dumps(analysis.results, indent=1), encoding="utf-8")
    facts = {
        "protocols": {study.slug: protocol_sha256(study) for study in Study.objects.all()},
        "explanations": sorted(Explanation.objects.values_list("prediction__case__public_id", "kind", "key"), key=str),
    }
    (folder / "facts.json").write_text(json.dumps(facts, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
