"""The pages of a study's design: a draft with the published design, its parts saved, refusals said in sentences."""

import pytest
from django.utils import timezone

from explain.methods.kinds import KINDS
from readerstudy.explanations.models import Explanation
from readerstudy.reading.models import Reader
from readerstudy.statistics.plan import AnalysisPlan
from readerstudy.statistics.planned import PlannedPair, Subgroup
from readerstudy.studies.checklist import checklist
from readerstudy.studies.composition import composition
from readerstudy.studies.drafting import new_study
from readerstudy.studies.models import Look, Method, Study
from readerstudy.studies.protocol import protocol
from tests.builders import make_batch, make_member, make_study, make_user, open_now

pytestmark = pytest.mark.django_db


@pytest.fixture
def ann():
    return make_user("ann")


@pytest.fixture
def draft(ann, client):
    client.force_login(ann)
    return new_study("Which map helps?", ann)


@pytest.fixture
def opened(client):
    study = make_study()
    client.force_login(make_member(study, "ann", "researcher"))
    return open_now(study)


def text_of(response):
    return response.content.decode()


def formset(name, rows, **extra):
    data = {f"{name}-TOTAL_FORMS": len(rows), f"{name}-INITIAL_FORMS": 0} | extra
    for index, row in enumerate(rows):
        data |= {f"{name}-{index}-{key}": value for key, value in row.items()}
    return data


def test_a_new_study_has_the_published_design(draft, ann):
    assert draft.slug == "which-map-helps"
    assert {method.key: method.kinds for method in draft.methods.all()} == {
        "A": ["input_gradient", "guided_backprop", "integrated_gradients"],
        "B": ["latentshift_map", "latentshift_animation"],
    }
    assert set(KINDS) >= {kind for method in draft.methods.all() for kind in method.kinds}
    assert [(q.key, q.minimum, q.maximum) for q in draft.questions.all()] == [("confidence", 1, 5), ("feature", 1, 5)]
    assert all(q.low_label and q.high_label for q in draft.questions.all())
    assert AnalysisPlan.from_dict(draft.analysis_plan) == AnalysisPlan.proposed()
    assert draft.memberships.get().user == ann
    missing = [check.text for check in checklist(draft) if check.state == "missing"]
    assert missing == ["Select examples."]


def test_slugs_are_free_and_never_new(ann):
    assert [new_study(title, ann).slug for title in ("New", "Trial", "Trial", "—")] == [
        "new-2", "trial", "trial-2", "study",
    ]  # fmt: skip


def test_a_title_in_use_is_warned_of_among_ones_own_studies(client):
    new_study("Secret", make_user("somebody"))
    client.force_login(make_member(make_study("pilot"), "ann", "researcher"))
    Study.objects.filter(slug="pilot").update(title="Pilot")
    assert "another study called" in text_of(client.post("/studies/new/", {"title": "pilot"}, follow=True))
    for title in ("Secret", "Another"):
        assert "another study called" not in text_of(client.post("/studies/new/", {"title": title}, follow=True))


def test_the_page_makes_a_draft_for_people_who_may(client):
    client.force_login(make_user("root", is_staff=True))
    response = client.post("/studies/new/", {"title": "Pilot"})
    assert response.headers["Location"] == "/studies/pilot/"
    assert client.get("/studies/pilot/").status_code == 200
    client.force_login(make_user("nobody"))
    assert client.post("/studies/new/", {"title": "Mine"}).status_code == 403
    assert not Study.objects.filter(title="Mine").exists()


def design(study, **changes):
    names = ("title", "instructions", "consent", "washout_days", "allocation", "order", "seed", "drag_direction")
    return {name: getattr(study, name) for name in names} | {"allow_changes": "on"} | changes


def test_design_is_saved(client, draft):
    response = client.post(f"/studies/{draft.slug}/design/", design(draft, washout_days=21, seed=7))
    assert response.status_code == 302
    draft.refresh_from_db()
    assert (draft.washout_days, draft.seed, draft.allow_changes) == (21, 7, True)


def test_methods_are_saved_in_the_order_of_their_place_with_panels_in_order(client, draft):
    rows = [
        {"key": "A", "label": "Method A", "panel_1": "input_gradient", "ORDER": 3},
        {"key": "B", "label": "Method B", "panel_1": "latentshift_map", "panel_3": "input_gradient", "ORDER": 1},
        {"key": "C", "label": "Method C", "ORDER": 2},
        {"key": "D", "label": "Method D", "ORDER": 4, "DELETE": "on"},
    ]
    assert client.post(f"/studies/{draft.slug}/methods/", formset("methods", rows)).status_code == 302
    assert [(m.key, m.kinds) for m in draft.methods.order_by("position")] == [
        ("B", ["latentshift_map", "input_gradient"]), ("C", []), ("A", ["input_gradient"]),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        ([{"key": "A", "label": "Method A"}], "At least 2 methods must stay."),
        ([{"key": "A", "label": "Method A"}, {"key": "a", "label": "Method B"}], "Two methods have the same key."),
        ([{"key": "A", "label": "Map"}, {"key": "B", "label": "map"}], "Two methods have the same label."),
        (
            [{"key": "A", "label": "1", "panel_1": "input_gradient", "panel_2": "input_gradient"}],
            "A method shows each kind of explanation once.",
        ),
        ([{"key": k, "label": k} for k in "ABCDE"], "at most 4 forms"),
        ([{"key": "1 a", "label": "1"}], "Use a letter, then letters"),
    ],
)
def test_methods_that_make_no_study_are_refused(client, draft, rows, said):
    page = client.post(f"/studies/{draft.slug}/methods/", formset("methods", rows))
    assert page.status_code == 200
    assert said in text_of(page)
    assert draft.methods.count() == 2


def test_a_question_that_the_plan_needs_is_missed_by_the_checklist(client, draft):
    rows = [{"key": "trust", "text": "Do you trust it?", "minimum": 0, "maximum": 100}]
    assert client.post(f"/studies/{draft.slug}/questions/", formset("questions", rows)).status_code == 302
    assert [(q.key, q.maximum) for q in draft.questions.all()] == [("trust", 100)]
    assert "“confidence”, which the study does not ask" in text_of(client.get(f"/studies/{draft.slug}/"))
    rows[0] |= {"minimum": 5, "maximum": 5}
    page = text_of(client.post(f"/studies/{draft.slug}/questions/", formset("questions", rows)))
    assert "The maximum must be above the minimum." in page


def test_a_question_is_answered_with_no_or_yes_and_yes_is_a_decision(client, draft):
    address = f"/studies/{draft.slug}/questions/"
    rows = [{"key": "accept", "text": "Do you accept the prediction?", "answered": "yes_no", "minimum": ""}]
    assert client.post(address, formset("questions", rows)).status_code == 302
    asked = draft.questions.get()
    assert (asked.minimum, asked.maximum, asked.low_label, asked.high_label) == (1, 2, "no", "yes")
    assert '<option value="yes_no" selected>no or yes' in text_of(client.get(address))
    assert "“yes” trusts the prediction" in text_of(client.get(f"/studies/{draft.slug}/plan/"))
    chosen = plan_data(question="accept", trust_accept="2.0")
    assert client.post(f"/studies/{draft.slug}/plan/", chosen).status_code == 302
    draft.refresh_from_db()
    assert AnalysisPlan.from_dict(draft.analysis_plan).threshold("accept") == 2
    assert '<option value="2.0" selected>“yes” trusts' in text_of(client.get(f"/studies/{draft.slug}/plan/"))
    for stored in (2, 1.5):  # as an import may write it
        draft.analysis_plan["trust_thresholds"] = [{"question": "accept", "at_least": stored}]
        draft.save()
        assert '<option value="2.0" selected>“yes” trusts' in text_of(client.get(f"/studies/{draft.slug}/plan/"))
    assert [check.text for check in checklist(draft) if check.state == "missing"] == ["Select examples."]


def plan_data(**changes):
    data = AnalysisPlan().to_dict() | {"question": "confidence", "truth": "TP", "test": "wilcoxon", "margin": ""}
    return {key: value for key, value in (data | changes).items() if key not in ("families", "primary_endpoint")}


def test_the_analysis_plan_is_saved_and_checked_by_its_own_rules(client, draft):
    address = f"/studies/{draft.slug}/plan/"
    assert client.post(address, plan_data(question="feature", zero_rule="pratt", margin="0.05")).status_code == 302
    draft.refresh_from_db()
    plan = AnalysisPlan.from_dict(draft.analysis_plan)
    assert (plan.primary_endpoint.question, plan.zero_rule, plan.margin) == ("feature", "pratt", 0.05)
    assert plan.families == AnalysisPlan().families
    page = text_of(client.post(address, plan_data(test="obuchowski_rockette", alpha=0.9)))
    assert "alpha must be a number between 0 and 0.5" in page
    assert "primary endpoint has the truth" in page
    draft.refresh_from_db()
    assert AnalysisPlan.from_dict(draft.analysis_plan) == plan


def test_decisions_comparisons_and_subgroups_are_planned_on_the_page_and_frozen_with_the_rest(client, draft):
    address = f"/studies/{draft.slug}/plan/"
    assert "primary_pair" not in text_of(client.get(address))  # with two methods there is one comparison
    chosen = {"trust_confidence": "4", "control": "A", "by_pathology": "on", "by_years": "10"}
    assert client.post(address, plan_data(**chosen)).status_code == 302
    draft.refresh_from_db()
    plan = AnalysisPlan.from_dict(draft.analysis_plan)
    assert (plan.threshold("confidence"), plan.threshold("feature"), plan.control) == (4, None, "A")
    assert plan.subgroups == (Subgroup("pathology"), Subgroup("years", 10))
    assert protocol(draft)["analysis_plan"]["control"] == "A"
    page = text_of(client.get(address))
    assert 'name="trust_confidence" value="4.0"' in page
    assert '<option value="A" selected>' in page
    assert client.post(address, plan_data()).status_code == 302
    draft.refresh_from_db()
    assert draft.analysis_plan == AnalysisPlan().to_dict()


def test_one_comparison_of_three_methods_is_named_primary(client, draft):
    Method.objects.create(study=draft, key="C", label="Method C", position=3, kinds=[])
    address = f"/studies/{draft.slug}/plan/"
    assert client.post(address, plan_data(primary_pair="C/A", other_pairs=["B/A", "C/A"])).status_code == 302
    draft.refresh_from_db()
    plan = AnalysisPlan.from_dict(draft.analysis_plan)
    assert plan.contrasts == (PlannedPair("C", "A", primary=True), PlannedPair("B", "A"))
    page = text_of(client.get(address))
    assert '<option value="C/A" selected>' in page
    assert page.count("checked") == 1


@pytest.mark.parametrize(
    ("plan", "words"),
    [
        ({"control": "Z"}, "names the method “Z”, which the study does not have"),
        ({"contrasts": [{"new": "Q", "reference": "A"}]}, "names the method “Q”"),
        ({"trust_thresholds": [{"question": "gone", "at_least": 4}]}, "is for “gone”, which is not asked"),
        ({"trust_thresholds": [{"question": "confidence", "at_least": 1}]}, "must be above 1 and at most 5"),
    ],
)
def test_a_plan_that_names_what_the_study_lacks_stops_the_opening(draft, plan, words):
    draft.analysis_plan = AnalysisPlan.from_dict(plan).to_dict()
    draft.save()
    assert any(words in check.text for check in checklist(draft) if check.state == "missing")


def selection(batch, **changes):
    numbers = {"per_pathology": 4, "practice": 2, "threshold": 0.55, "seed": 3}
    return {"batch": batch.pk, "one_per_patient": "on"} | numbers | changes


def test_examples_are_drawn_with_the_studys_operating_point(client, draft, ann):
    address = f"/studies/{draft.slug}/examples/"
    batch = make_batch("pool", 24)
    page = client.post(address, selection(batch), follow=True)
    assert "Selected 8 examples and 2 practice examples." in text_of(page)
    assert text_of(page).count("true positive") == 5
    draft.refresh_from_db()
    assert draft.operating_point == 0.55
    assert draft.selections.get().created_by == ann
    assert [(row.pathology, row.tp, row.fp) for row in composition(draft)] == [
        ("Cardiomegaly", 2, 2), ("Effusion", 2, 2),
    ]  # fmt: skip
    client.post(address, selection(batch, pathologies=["Effusion"], seed=4))
    assert [row.pathology for row in composition(draft)] == ["Effusion"]


def test_a_shortage_is_shown_and_changes_nothing(client, draft):
    address = f"/studies/{draft.slug}/examples/"
    page = text_of(client.post(address, selection(make_batch("pool", 8), per_pathology=40)))
    assert "Cardiomegaly: 2 of 20 true positives" in page
    draft.refresh_from_db()
    assert draft.operating_point == 0.5 and not draft.examples.exists()
    assert "Give an even number" in text_of(client.post(address, {"per_pathology": 3}))


def test_truth_of_an_open_study_is_shown_only_with_a_recorded_reason(client, opened):
    address = f"/studies/{opened.slug}/examples/"
    assert "true positive" not in text_of(client.get(address))
    client.post(f"{address}truth/", {"why": ""})
    assert not Look.objects.exists()
    page = text_of(client.post(f"{address}truth/", {"why": "a reader reports a wrong label"}, follow=True))
    assert "true positive" in page and "true positive" in text_of(client.get(address))
    assert [(look.user.username, look.why) for look in opened.looks.all()] == [
        ("ann", "a reader reports a wrong label")
    ]
    assert "a reader reports a wrong label" in text_of(client.get(f"/studies/{opened.slug}/"))


def test_explanations_say_what_is_rendered_what_failed_and_how_to_go_on(client, draft):
    client.post(f"/studies/{draft.slug}/examples/", selection(make_batch("pool", 8), practice=0))
    first = draft.examples.get(number=1)
    first.explanations.add(
        Explanation.objects.create(
            prediction=first.prediction,
            kind="guided_backprop",
            key="k",
            status="failed",
            error="constant map",
            parameters={"final_relu": "captum"},
        ),
        Explanation.objects.create(
            prediction=first.prediction,
            kind="latentshift_map",
            key="k",
            status="done",
            parameters={"search": "default"},
            record={"reconstruction_differs": True},
        ),
    )
    page = client.get(f"/studies/{draft.slug}/explanations/")
    counts = {row["kind"].name: (row["done"], row["failed"], row["missing"]) for row in page.context["rows"]}
    assert counts["guided_backprop"] == (0, 1, 8)
    assert counts["latentshift_map"] == (1, 0, 7)
    assert page.context["differ"] == [1]
    assert f"python manage.py precompute --study {draft.slug}" in text_of(page)
    assert "constant map" in text_of(page)
    client.post(page.request["PATH_INFO"], {"steps": 100, "final_relu": "full", "search": "paper-2021"})
    draft.refresh_from_db()
    labels = [field.label for field in page.context["form"]]
    assert len(set(labels)) == len(labels) and "Guided backprop: SmoothGrad: noisy copies of each image" in labels
    assert "Latent Shift search" in labels, "one setting of both kinds, which names none"
    assert draft.render_parameters == {"steps": 100, "final_relu": "full", "search": "paper-2021"}
    rows = client.get(f"/studies/{draft.slug}/explanations/").context["rows"]
    assert {row["kind"].name: row["missing"] for row in rows}["latentshift_map"] == 8  # rendered with the old search


def test_an_open_studys_pages_refuse_edits_in_a_sentence(client, opened):
    two = [{"key": key, "label": key} for key in "XY"]
    posts = {
        "design": design(opened, seed=99),
        "methods": formset("methods", two),
        "questions": formset("questions", [{"key": "x", "text": "x?", "minimum": 1, "maximum": 5}]),
        "plan": plan_data(alpha=0.01),
        "explanations": {"steps": 10, "final_relu": "full", "search": "default"},
    }
    before = Study.objects.filter(pk=opened.pk).values().get()
    for page, data in posts.items():
        response = client.post(f"/studies/{opened.slug}/{page}/", data)
        assert response.status_code == 200, page
        assert "protocol is fixed." in text_of(response) and 'class="messages"' in text_of(response), page
    drawn = text_of(client.post(f"/studies/{opened.slug}/examples/", selection(make_batch("pool", 8))))
    assert opened.examples.count() == 4 and "its protocol is fixed" in drawn
    assert Study.objects.filter(pk=opened.pk).values().get() == before
    assert list(opened.methods.values_list("key", flat=True)) == ["A", "B"]


def test_open_close_and_new_version_by_button(client, draft):
    address = f"/studies/{draft.slug}"
    refused = client.post(f"{address}/open/", follow=True)
    assert "Select examples." in [str(message) for message in refused.context["messages"]]
    draft.refresh_from_db()
    assert draft.is_draft
    client.post(f"{address}/examples/", selection(make_batch("pool", 8), practice=0))
    for method in draft.methods.all():  # two arms without explanations that differ: nothing to render
        method.kinds = ["input_gradient"] if method.key == "B" else []
        method.save()
    for example in draft.examples.all():
        example.explanations.add(
            Explanation.objects.create(prediction=example.prediction, kind="input_gradient", key="k", status="done")
        )
    assert "Open the study" in text_of(client.get(f"{address}/open/"))
    client.post(f"{address}/open/")
    draft.refresh_from_db()
    assert draft.state == "open" and draft.opened_by.username == "ann"
    assert client.post(f"{address}/new-version/").headers["Location"] == "/studies/which-map-helps-v2/"
    reader = Reader.objects.create(study=draft, code="R1")
    reader.reads.create(number=1)
    reader.reads.create(number=2, opened_at=timezone.now(), finished_at=timezone.now())
    assert "1 of 2 reads are not finished." in text_of(client.get(f"{address}/close/"))
    client.post(f"{address}/close/")
    draft.refresh_from_db()
    assert draft.state == "closed"
    again = client.post(f"{address}/close/", follow=True)
    assert "only an open study can be closed" in text_of(again)
    assert "There is a next version already." in text_of(client.get(f"{address}/new-version/"))


def test_the_protocol_file_holds_the_draw(client, draft):
    client.post(f"/studies/{draft.slug}/examples/", selection(make_batch("pool", 24)))
    protocol = client.get(f"/studies/{draft.slug}/protocol.json").json()
    [draw] = protocol["selections"]
    assert draw["seed"] == 3 and len(draw["candidates"]) == 24
    assert "truth" not in protocol["examples"][0]


@pytest.mark.parametrize("tab", ["", "examples/", "explanations/"])
def test_pages_ask_no_query_per_example(client, draft, tab, django_assert_max_num_queries):
    client.post(f"/studies/{draft.slug}/examples/", selection(make_batch("pool", 24), per_pathology=8))
    with django_assert_max_num_queries(27):
        assert client.get(f"/studies/{draft.slug}/{tab}").status_code == 200
