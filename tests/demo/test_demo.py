"""The demo: loads without torch, shows every state of a study, and says everywhere what is simulated."""

import csv
import hashlib
import io
import re
import sys

import pytest
from django.core.management import CommandError, call_command
from django.test import Client

from readerstudy.accounts.models import User
from readerstudy.analysis.models import Analysis
from readerstudy.cases.models import Case
from readerstudy.demo.fixtures import FOLDER
from readerstudy.demo.studies import ACCOUNTS, PASSWORD, live_study, make_demo
from readerstudy.exchange.export import export
from readerstudy.explanations.evaluating import chosen_metrics, evaluate
from readerstudy.explanations.models import Explanation, Measurement
from readerstudy.explanations.planning import Options
from readerstudy.reading import progress
from readerstudy.reading.models import Reader
from readerstudy.studies.evaluating import of_study
from readerstudy.studies.models import Study

pytestmark = pytest.mark.django_db
KEYS = "90d87749efe14b8c4b404924da13a7f6ca966954359d92a83f20dc55b499a6a7"


def test_the_fixtures_stay_small():
    assert sum(path.stat().st_size for path in FOLDER.rglob("*") if path.is_file()) < 30 * 2**20
    models = FOLDER.parent / "models"
    assert sum(path.stat().st_size for path in models.glob("*.safetensors")) < 8 * 2**20


def test_it_loads_only_where_demo_is_set(settings):
    settings.DEMO = False
    with pytest.raises(CommandError, match="DEMO=true"):
        call_command("demo")
    assert not User.objects.exists()


def test_an_unknown_measure_is_told_in_a_sentence():
    with pytest.raises(CommandError, match="No metric is called nonsense"):
        call_command("build_demo", measures="nonsense")


def test_the_demo_from_its_fixtures(settings, client):
    """One load, many looks: loading takes seconds."""
    torch_before = "torch" in sys.modules
    studies = make_demo()
    assert ("torch" in sys.modules) == torch_before
    assert make_demo() == []

    assert Case.objects.count() == 30 and set(Case.objects.values_list("bits", flat=True)) == {8, 12}
    demo, finished = (Study.objects.get(slug=study.slug) for study in studies)
    assert (demo.state, demo.simulated) == ("open", False)
    assert (finished.state, finished.simulated) == ("closed", True)
    assert "Latent" in demo.title and "Latent" not in demo.reader_title and "gradient" not in demo.reader_title
    for study in (demo, finished):
        scored = study.examples.filter(practice=False)
        assert (scored.count(), study.examples.filter(practice=True).count()) == (24, 6)
        assert all(example.explanations.count() == 5 for example in scored)

    fresh, halfway = (Reader.objects.get(study=demo, code=code) for code in ("R1", "R2"))
    assert fresh.consented_at is None
    assert [(item.state, item.done) for item in progress.reads_of(halfway)] == [
        ("finished", 6), ("open", 12), ("locked", 0),
    ]  # fmt: skip
    assert finished.readers.count() == 5
    assert all(item.state == "finished" for reader in finished.readers.all() for item in progress.reads_of(reader))

    rows = list(csv.DictReader(io.StringIO("".join(export(finished, "long")))))
    assert {row["simulated"] for row in rows} == {"1"} and {row["source"] for row in rows} == {"simulated"}
    analysis = Analysis.objects.get(study=finished)
    assert analysis.status == "done" and analysis.results["simulated"] is True

    keys = sorted(Explanation.objects.values_list("key", flat=True))
    assert hashlib.sha256(" ".join(keys).encode()).hexdigest() == KEYS, "an installed demo would be rendered anew"
    measures_are_there_and_what_they_say(finished, analysis)
    live = live_study()
    assert live_study() == live and live.examples.count() == 30
    assert not live.examples.filter(explanations__isnull=False).exists()  # all is left for precompute to render

    for role in ACCOUNTS:
        assert Client().login(username=f"demo-{role}", password=PASSWORD)
    client.login(username="demo-researcher", password=PASSWORD)
    for address in ("", "results/", "progress/", "explanations/"):
        page = client.get(f"/studies/demo-finished/{address}")
        assert page.status_code == 200 and "simulated" in page.content.decode()
    what_moves_along_is_shown(finished, analysis, client)


def what_moves_along_is_shown(study: Study, analysis: Analysis, client: Client) -> None:
    """A chart of each scored example, of all six outputs, and each pair of findings in the report."""
    page = client.get("/studies/demo-finished/explanations/").content.decode()
    assert page.count('alt="Correlation with ') == 24 and "rendered by an earlier version" not in page
    for number in study.examples.filter(practice=False).values_list("number", flat=True):
        chart = client.get(f"/studies/demo-finished/explanations/alignment/{number}.svg").content.decode()
        assert chart.count('text-anchor="end"') == 1 + 2 * 6, "names and changes"
        assert re.search("−0[.](29|30)", chart), "the explained one falls by 0.30"
    found = analysis.results["alignment"]
    assert (len(found["points"]), len(found["rows"]), found["note"]) == (24 * 5, 6 * 5, None)


def measures_are_there_and_what_they_say(study: Study, analysis: Analysis) -> None:
    """What needs no model is stored for all it goes with, as measuring now would find it, and is reported."""
    metrics = chosen_metrics(["stored"])
    sample = list(of_study(study)[:12])
    stored = {(row.explanation_id, row.metric): row.value for row in Measurement.objects.filter(explanation__in=sample)}
    assert evaluate(sample, metrics, Options()).made == 0
    done = evaluate(sample, metrics, Options(force=True))
    assert done.made > 60 and not done.failed
    for row in Measurement.objects.filter(explanation__in=sample, metric__in=[metric.name for metric in metrics]):
        assert row.value == pytest.approx(stored[row.explanation_id, row.metric], rel=1e-5), row.metric
    costly = {"aopc_blur": 5, "infidelity": 3, "randomisation_spearman": 5, "randomisation_entropy_rise": 5}
    for name, kinds in costly.items():
        rows = Measurement.objects.filter(explanation__in=of_study(study), metric=name)
        assert rows.filter(value__isnull=False).count() == rows.count() == 30 * kinds, name
    found = analysis.results["measures"]
    assert set(costly) <= {row["name"] for row in found["metrics"]}
    assert len(found["metrics"]) > 10 and not found["outdated"]
    assert any(row["ci_patient"] for row in found["correlations"]) and found["orders"]
    assert {row["n_on"] + row["n_off"] for row in found["wrong_reason"]} == {12}
