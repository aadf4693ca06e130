"""A study with a kind, a metric and models of an installed package: python -m tests.explanations.outside_study FOLDER

Database and media folder are those that the environment names. These are only known by the package. FOLDER
gets seen.json: what pages, files and the report say of it.
"""

import io
import json
import os
import sys
from pathlib import Path
from typing import Any

KIND = "gradient_times_input"


def main(folder: Path) -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "readerstudy.settings")
    import django

    django.setup()
    from django.conf import settings
    from django.core.management import call_command

    from tests.cases.batches import make_batch
    from tests.explain.image_files import encoded, greys

    settings.ALLOWED_HOSTS = ["testserver"]
    call_command("migrate", verbosity=0)
    rows = [{"image": f"{n}.png", "pathology": "Effusion", "label": n % 2, "patient": f"P{n}"} for n in range(4)]
    source = make_batch(folder / "cases", rows, {f"{n}.png": encoded(greys(240, 240, seed=n)) for n in range(4)})
    call_command("load_cases", str(source), batch="ward", keep_source_ids=True, stdout=io.StringIO())
    call_command("predict", batch="ward", model="ward", device="cpu", stdout=io.StringIO())
    (folder / "seen.json").write_text(json.dumps(study(folder)), encoding="utf-8")


def study(folder: Path) -> dict[str, Any]:
    from django.core.management import call_command
    from django.test import Client

    from readerstudy.accounts.models import User
    from readerstudy.cases.models import Prediction
    from readerstudy.explanations.models import Explanation, Measurement
    from readerstudy.studies.drafting import new_study

    researcher = User.objects.create_user(username="ann", email="ann@example.org")
    draft = new_study("Pilot", researcher)
    for number, prediction in enumerate(Prediction.objects.filter(pathology="Effusion").order_by("id"), start=1):
        draft.examples.create(prediction=prediction, number=number)
    client = Client()
    client.force_login(researcher)
    seen: dict[str, Any] = {"methods_page": client.get("/studies/pilot/methods/").content.decode()}
    seen["chosen"] = client.post("/studies/pilot/methods/", _methods()).status_code
    seen["form"] = client.get("/studies/pilot/explanations/").content.decode()
    refused = client.post("/studies/pilot/explanations/", {f"{KIND}-power": 9, "final_relu": "captum"})
    seen["refused"] = refused.content.decode()
    seen["set"] = client.post("/studies/pilot/explanations/", {f"{KIND}-power": 2, "final_relu": "captum"}).status_code
    said = io.StringIO()
    call_command("precompute", study="pilot", device="cpu", stdout=said)
    call_command("evaluate", study="pilot", metrics="sparseness", device="cpu", stdout=io.StringIO())
    draft.refresh_from_db()
    seen |= {"parameters": draft.render_parameters, "rendered": said.getvalue(), "models": draft.chosen_models}
    seen["measured"] = list(Measurement.objects.filter(metric="sparseness").values_list("value", flat=True))
    seen["predicted"] = [
        list(row) for row in Prediction.objects.order_by("model").values_list("model", "weights_sha256").distinct()
    ]
    rows = Explanation.objects.filter(kind=KIND)
    seen["explanations"] = [[row.status, row.parameters, sorted(f.role for f in row.files.all())] for row in rows]
    return seen | read(folder)


def _methods() -> dict[str, Any]:
    data: dict[str, Any] = {"methods-TOTAL_FORMS": 2, "methods-INITIAL_FORMS": 0, "autoencoder": "ward-ae"}
    for number, (key, kind) in enumerate([("A", "guided_backprop"), ("B", KIND)]):
        row = {"key": key, "label": f"Method {key}", "panel_1": kind, "ORDER": number + 1}
        data |= {f"methods-{number}-{name}": value for name, value in row.items()}
    return data


def read(folder: Path) -> dict[str, Any]:
    """Open; a reader opens the first examples in the reading room; programs read all; close and analyse."""
    from django.core.management import call_command
    from django.test import Client
    from django.utils import timezone

    from readerstudy.demo.simulated import read_by_program
    from readerstudy.reading.models import Read
    from readerstudy.studies.lifecycle import close_study, open_study
    from readerstudy.studies.models import Study
    from tests.builders import make_reader, make_user

    draft = Study.objects.get(slug="pilot")
    draft.washout_days = 0
    draft.analysis_plan["bootstrap_replicates"] = 100  # quicker
    draft.save()
    made = {"consented_at": timezone.now(), "instructions_read_at": timezone.now(), "specialty": "radiology"}
    reader = make_reader(draft, "R1", make_user("bob"))
    type(reader).objects.filter(pk=reader.pk).update(**made)
    make_reader(draft, "R2")
    opened = open_study(draft, None)
    Read.objects.filter(reader=reader, number=1).update(opened_at=timezone.now())
    client, api = Client(), "/api/reading/pilot/assignments/"
    client.force_login(reader.membership.user)
    shown = [client.get(f"{api}{place}/").json()["panels"][1] for place in range(1, 5)]
    files = [client.get(panel["layer_url"]).status_code for panel in shown]
    for one in opened.readers.all():
        started = opened.opened_at
        for each in one.reads.order_by("number"):
            started = read_by_program(one, each, started, 1)
    close_study(opened, None)
    call_command("analyze", study="pilot", output=str(folder / "results"), stdout=io.StringIO())
    report = (folder / "results" / "report.html").read_text(encoding="utf-8")
    return {"panels": shown, "files": files, "report": report, "kind_texts": opened.kind_texts}


if __name__ == "__main__":
    main(Path(sys.argv[1]))
