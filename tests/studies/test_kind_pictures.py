"""The Methods page shows what every kind makes of one example, from stored pictures alone."""

import re

import pytest
from django.test import Client

from explain.methods.kinds import KINDS
from readerstudy.explanations.models import Explanation, ExplanationFile, ExternalKind
from readerstudy.studies.kind_pictures import KindPicture, example_named, kind_pictures
from readerstudy.studies.models import Example, Study
from tests.builders import make_batch, make_member, make_study, open_now
from tests.worlds import PNG, save_file

pytestmark = pytest.mark.django_db
PAGE = "/studies/trial/methods/"
HERE = [name for name, kind in KINDS.items() if "generator" not in kind.needs]  # no map generator is here


@pytest.fixture
def study() -> Study:
    study = make_study()
    practice = make_batch("practice", cases=1).cases.get().predictions.get()
    Example.objects.create(study=study, prediction=practice, number=1, practice=True)
    return study


@pytest.fixture
def client(study: Study) -> Client:
    client = Client()
    client.force_login(make_member(study, "ann", "researcher"))
    return client


def rendered(example: Example, kind: str, role: str, pinned: bool = True, **fields: object) -> Explanation:
    made = {"key": f"{kind} {fields}", "status": "done", "algorithm_version": KINDS[kind].algorithm_version} | fields
    row = Explanation.objects.create(prediction=example.prediction, kind=kind, **made)
    file = ExplanationFile(explanation=row, role=role, format="image/png", width=1, height=1)
    save_file(file.file, PNG + str(row.pk).encode(), ".png", salt=f"{role} {row.pk}")
    file.save()
    if pinned:
        example.explanations.add(row)
    return row


def of(study: Study, name: str, example: str = "1") -> KindPicture:
    chosen = example_named(study, example)
    assert chosen is not None
    return next(one for one in kind_pictures(study, chosen) if one.name == name)


def test_every_kind_that_can_be_rendered_has_its_title_text_and_settings(client: Client) -> None:
    page = client.get(PAGE).content.decode()
    assert re.findall(r'id="kind-(\w+)"', page) == HERE
    for kind in map(KINDS.__getitem__, HERE):
        assert kind.title in page and kind.what_is_this[:40] in page
    assert "shown by Method A" in page and page.count("Not rendered for this example.") == len(HERE)
    assert "precompute --study trial --limit 1 --kinds" in page


def test_each_form_by_the_picture_that_stands_alone(client: Client, study: Study) -> None:
    first = study.examples.get(number=1, practice=False)
    for kind, role in (("input_gradient", "overlay"), ("latentshift_animation", "gif")):
        row = rendered(first, kind, role)
        page = client.get(PAGE).content.decode()
        address = of(study, kind).url
        assert address.endswith(row.files.get().file.name.rpartition("/")[2]) and f'src="{address}"' in page
        assert client.get(address).status_code == 200
        assert f"{KINDS[kind].title} of example 1, Cardiomegaly" in page
    command = re.search(r"--kinds ([\w ]+)</pre>", client.get(PAGE).content.decode())
    assert command is not None
    assert command[1].split() == [name for name in HERE if name not in ("input_gradient", "latentshift_animation")]


def test_the_example_is_chosen_and_nonsense_is_the_first(client: Client, study: Study) -> None:
    rendered(study.examples.get(number=3), "input_gradient", "overlay")
    assert of(study, "input_gradient", "3").url and not of(study, "input_gradient", "1").url
    for name, chosen in (("3", "3"), ("P1", "P1"), ("", "1"), ("P9", "1"), ("²", "1"), ("x", "1"), ("9" * 30, "1")):
        page = client.get(PAGE, {"example": name}).content.decode()
        assert f'<option value="{chosen}" selected>' in page, name


def test_what_a_study_shows_goes_before_other_runs_and_says_how_it_was_set(study: Study) -> None:
    first = study.examples.get(number=1, practice=False)
    shown = rendered(first, "integrated_gradients", "overlay", parameters={"steps": 50})
    rendered(first, "integrated_gradients", "overlay", pinned=False, parameters={"steps": 64})
    other = rendered(first, "guided_backprop", "overlay", pinned=False, parameters={"final_relu": "captum"})
    ours = of(study, "integrated_gradients")
    assert ours.url == f"/studies/trial/files/{shown.files.get().file.name.rpartition('/')[2]}"
    assert ("50" in dict(ours.settings).values(), ours.current) == (True, True)
    study.render_parameters = {"steps": 20}
    assert not of(study, "integrated_gradients").current
    assert of(study, "guided_backprop").url, "a run that no study shows is there to look at"
    first.prediction.weights_sha256 = "of other weights"
    first.prediction.save()
    assert other.weights_sha256 == "" and not of(study, "guided_backprop").url


def test_a_failure_says_why(client: Client, study: Study) -> None:
    first = study.examples.get(number=1, practice=False)
    row = Explanation.objects.create(
        prediction=first.prediction, kind="input_gradient", key="x", status="failed", error="the map is constant"
    )
    first.explanations.add(row)
    assert "could not be rendered: the map is constant" in client.get(PAGE).content.decode()


def test_kinds_of_other_programs_only_where_they_matter(study: Study) -> None:
    for name in ("heat", "elsewhere"):
        ExternalKind.objects.create(name=name, title=f"Our {name}", what_is_this="Ours.", shows="still")
    study.methods.filter(key="A").update(kinds=["heat"])
    names = [one.name for one in kind_pictures(study, study.examples.get(number=1, practice=False))]
    assert names == [*HERE, "heat"] and not of(study, "heat").can_be_computed


def test_an_open_study_has_no_command(client: Client, study: Study) -> None:
    open_now(study)
    page = client.get(PAGE).content.decode()
    assert "a new version of the study can" in page and "precompute" not in page


def test_a_study_without_examples_says_so(client: Client, study: Study) -> None:
    study.examples.all().delete()
    assert "Once examples are drawn" in client.get(PAGE).content.decode()


def test_the_page_takes_a_fixed_number_of_queries(client: Client, django_assert_max_num_queries) -> None:
    client.get(PAGE)
    with django_assert_max_num_queries(16):
        client.get(PAGE)
