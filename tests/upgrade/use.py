"""Upgrade an installation and use it: python -m tests.upgrade.use FOLDER

Database and media folder are those that the environment names. FOLDER gets seen.json, tables and results.
"""

import json
import os
import sys
from pathlib import Path
from typing import Any
from uuid import UUID

from tests.upgrade.shown import READER, RESEARCHER, STUDIES, WHY, client_of, keep

STUDY_PAGES = (
    "study", "study_design", "study_methods", "study_questions", "study_plan", "study_protocol", "study_examples",
    "study_explanations", "people", "study_progress", "study_allocation", "study_exclusions", "results",
)  # fmt: skip
NEW_VISIT = UUID(int=5000)


def main(folder: Path) -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "readerstudy.settings")
    import django

    django.setup()
    from django.conf import settings
    from django.core.management import call_command

    settings.ALLOWED_HOSTS = ["testserver"]
    call_command("migrate", verbosity=0)
    keep(folder)
    call_command("analyze", study="old-closed", output=str(folder / "results"), why=WHY)
    seen = {"stored": stored(), "pages": pages(), "told": told(), "report": report(), "reading": reading()}
    (folder / "seen.json").write_text(json.dumps(seen), encoding="utf-8")


def stored() -> dict[str, Any]:
    """What the rows say, and what today's code makes of the same things."""
    from explain.methods.kinds import KINDS
    from readerstudy.explanations.models import Explanation
    from readerstudy.explanations.parameters import explanation_key
    from readerstudy.studies.models import Study
    from readerstudy.studies.protocol import protocol_sha256

    rows = Explanation.objects.select_related("prediction__case")
    opened = Study.objects.exclude(state=Study.State.DRAFT)
    return {
        "protocols": {study.slug: study.protocol_sha256 for study in opened},
        "protocols_now": {study.slug: protocol_sha256(study) for study in opened},
        "explanations": sorted((row.prediction.case.public_id, row.kind, row.key) for row in rows),
        "explanations_now": sorted(
            (
                row.prediction.case.public_id,
                row.kind,
                explanation_key(
                    row.prediction.case.pixel_sha256, row.prediction.pathology, row.weights_sha256,
                    row.autoencoder_sha256, KINDS[row.kind], row.parameters,
                ),
            )
            for row in rows
        ),
    }  # fmt: skip


def pages() -> dict[str, int]:
    """Address -> status, as the researcher who made the studies sees them."""
    from django.urls import reverse

    client = client_of(RESEARCHER)
    addresses = ["/", *(reverse(name, args=[slug]) for slug in STUDIES for name in STUDY_PAGES)]
    return {address: client.get(address).status_code for address in addresses}


def told() -> dict[str, str]:
    """The pages that tell a reader about the study."""
    client = client_of(READER)
    return {name: client.get(f"/reading/old-open/{name}/").text for name in ("consent", "instructions")}


def report() -> bool:
    """Whether the stored report is served as it was written."""
    from readerstudy.analysis.models import Analysis

    row = Analysis.objects.get(study__slug="old-closed")
    return (
        client_of(RESEARCHER).get("/studies/old-closed/results/report/").content == Path(row.report.path).read_bytes()
    )


def reading() -> dict[str, Any]:
    """The reader goes on where they were: opens the example, gets its files, sends what the old page would send."""
    from readerstudy.reading.models import Response, Visit

    client, api = client_of(READER), "/api/reading/old-open/"
    state = client.get(f"{api}state/").json()
    shown = client.get(f"{api}assignments/2/").json()
    files = [shown["case"]["image"]["url"]]
    files += [panel[name] for panel in shown["panels"] for name in ("layer_url", "strip_url") if panel.get(name)]
    sent = [
        client.post(
            f"{api}visits/",
            {
                "id": str(NEW_VISIT), "position": 2, "visit_token": shown["visit_token"],
                "opened_at": "2026-11-28T14:00:00Z", "images_ready_ms": 70, "visible_ms": 900,
                "display": {}, "files": [],
            },
            content_type="application/json",
        ),
        client.put(
            f"{api}responses/{UUID(int=6000)}/",
            {
                "visit": str(NEW_VISIT), "question": "confidence", "score": 5,
                "client_answered_at": "2026-11-28T14:00:02Z", "elapsed_ms": 2000, "visible_ms": 2000,
            },
            content_type="application/json",
        ),
    ]  # fmt: skip
    return {
        "state": state["read"]["state"],
        "answers": shown["answers"],
        "files": [client.get(address).status_code for address in files],
        "sent": [answer.status_code for answer in sent],
        "stored": [Visit.objects.filter(id=NEW_VISIT).count(), Response.objects.get(client_id=UUID(int=6000)).score],
    }


if __name__ == "__main__":
    main(Path(sys.argv[1]))
