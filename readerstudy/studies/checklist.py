"""What a study still needs before it can open, thing by thing."""

from collections.abc import Iterable
from dataclasses import dataclass, replace

from explain.methods.kind import Kind
from readerstudy.accounts.models import User
from readerstudy.common import limits
from readerstudy.common.counting import counted
from readerstudy.explanations.chosen import several_made
from readerstudy.explanations.kinds import known_kinds
from readerstudy.explanations.models import Explanation
from readerstudy.statistics.plan import AnalysisError, AnalysisPlan
from readerstudy.studies.asking import is_asked
from readerstudy.studies.blinding import READS_THERE, cases_of, member_conflicts, reads_of
from readerstudy.studies.composition import truths_of
from readerstudy.studies.models import Example, Membership, Study
from readerstudy.studies.precomputing import Wanted, is_current
from readerstudy.studies.selection import unmatched_sentence
from readerstudy.studies.telling import telling


@dataclass(frozen=True)
class Check:
    """One line of the checklist. `state` is ok, warning (may open) or missing (may not); `page`: where to see to it."""

    state: str
    text: str
    page: str = "study"


def checklist(study: Study) -> list[Check]:
    """What is ready and what is missing before the study can open, in the order a researcher works."""
    return [
        *_check_texts(study),
        *_check_design(study),
        _check_plan(study),
        *_check_examples(study),
        *_check_people(study),
    ]


def checklist_for(study: Study, user: User) -> list[Check]:
    """The same without what counts truths, for a person who reads these radiographs in another study."""
    checks = checklist(study)
    if not reads_of(user, cases_of(study), but=study):
        return checks
    told = (replace(check, text=READS_THERE) if check.page == "study_examples" else check for check in checks)
    return list(dict.fromkeys(told))


def ready(study: Study) -> bool:
    return all(check.state != "missing" for check in checklist(study))


def _require(condition: object, page: str, ok: str, missing: str, state: str = "missing") -> Check:
    return Check("ok", ok, page) if condition else Check(state, missing, page)


def _check_texts(study: Study) -> list[Check]:
    return [
        _require(
            study.instructions.strip(),
            "study_design",
            "Instructions are written.",
            "Write the instructions for readers.",
        ),
        _require(study.consent.strip(), "study_design", "The consent text is written.", "Write the consent text."),
    ]


def _check_design(study: Study) -> list[Check]:
    methods, questions = list(study.methods.all()), list(study.questions.all())
    known = known_kinds()
    unknown = sorted({kind for method in methods for kind in method.kinds} - set(known))
    checks = [
        _require(
            2 <= len(methods) <= 4,
            "study_methods",
            f"{counted(len(methods), 'method')}.",
            f"Two to four methods are needed; there are {len(methods)}.",
        ),
        _require(questions, "study_questions", f"{counted(len(questions), 'question')}.", "Add at least one question."),
        _require(
            study.washout_days,
            "study_design",
            f"Washout of {counted(study.washout_days, 'day')}.",
            "There is no washout between reads.",
            "warning",
        ),
    ]
    checks += _check_limits(study)
    telling = [method.label for method in methods if _tells(method.label, known.values())]
    if telling:
        text = f"The label {', '.join(f'“{label}”' for label in telling)} may tell readers what is behind the method."
        checks.append(Check("warning", text, "study_methods"))
    silent = [method.label for method in methods if questions and not any(is_asked(q, method) for q in questions)]
    if silent:
        text = f"Nothing is asked with {', '.join(silent)}: every question asks about the explanation."
        checks.append(Check("missing", text, "study_questions"))
    if unknown:
        checks.append(Check("missing", f"No kind of explanation is called {', '.join(unknown)}.", "study_methods"))
    if len({tuple(method.kinds) for method in methods}) < len(methods):
        checks.append(Check("missing", "Two methods show the same panels: they cannot be compared.", "study_methods"))
    return checks


def _check_limits(study: Study) -> list[Check]:
    """A draft older than the limits may have numbers that an open study could not work with."""
    scales = [limits.problems({"minimum": q.minimum, "maximum": q.maximum}) for q in study.questions.all()]
    own = [("study_design", text) for text in study.outside_limits()]
    return [
        Check("missing", text, page)
        for page, text in [*own, *(("study_questions", text) for scale in scales for text in scale.values())]
    ]


def _tells(label: str, kinds: Iterable[Kind]) -> bool:
    """A neutral label has no word in common with the name of a kind of explanation."""
    titles = " ".join(kind.title for kind in kinds).lower().replace("gradients", "gradient").split()
    return any(word.removesuffix("s") in titles for word in label.lower().split())


def _check_plan(study: Study) -> Check:
    """The plan can be read, and its primary endpoint is a question of this study."""
    try:
        plan = AnalysisPlan.from_dict(study.analysis_plan)
    except AnalysisError as error:
        return Check("missing", f"The analysis plan cannot be used: {error}", "study_plan")
    key = plan.primary_endpoint.question
    question = study.questions.filter(key=key).first()
    if question and question.about_explanation and study.methods.exclude(kinds=[]).count() < 2:
        text = (
            f"The analysis plan's primary endpoint is the question “{key}”, which is asked with fewer than two methods."
        )
        return Check("missing", text, "study_plan")
    if strange := _strangers(study, plan):
        return Check("missing", " ".join(strange), "study_plan")
    return _require(
        question is not None,
        "study_plan",
        f"The analysis plan's primary endpoint is the question “{key}”.",
        f"The analysis plan's primary endpoint is the question “{key}”, which the study does not ask.",
    )


def _strangers(study: Study, plan: AnalysisPlan) -> list[str]:
    """What the plan names and the study does not have."""
    pairs = [key for pair in plan.contrasts for key in (pair.new, pair.reference)]
    named = {*pairs, plan.control} if plan.control else {*pairs}
    found = [
        f"The analysis plan names the method “{key}”, which the study does not have."
        for key in sorted(named - set(study.methods.values_list("key", flat=True)) if named else ())
    ]
    if not plan.trust_thresholds:
        return found
    scales = {key: (least, most) for key, least, most in study.questions.values_list("key", "minimum", "maximum")}
    for one in plan.trust_thresholds:
        least, most = scales.get(one.question, (0, 0))
        if one.question not in scales:
            found.append(f"The analysis plan's threshold of trust is for “{one.question}”, which is not asked.")
        elif not least < one.at_least <= most:
            found.append(
                f"The analysis plan's threshold of trust, {one.at_least:g}, must be above {least:g} and at most "
                f"{most:g} for “{one.question}”: else every answer, or none, is trust."
            )
    return found


def _check_examples(study: Study) -> list[Check]:
    examples = list(study.examples.select_related("prediction__case").prefetch_related("explanations__files"))
    scored = [example for example in examples if not example.practice]
    if not scored:
        return [Check("missing", "Select examples.", "study_examples")]
    truth = truths_of(study)
    labels = [truth.get((e.prediction.case_id, e.prediction.pathology)) for e in scored]
    patients = {e.prediction.case.patient_key for e in scored} - {""}
    shared = [e for e in examples if e.practice and e.prediction.case.patient_key in patients]
    models = {e.prediction.model for e in examples}
    # practice examples too: their feedback is the truth
    unlabelled = sum((e.prediction.case_id, e.prediction.pathology) not in truth for e in examples)
    checks = [
        _require(
            True in labels and False in labels,
            "study_examples",
            f"{counted(len(scored), 'example')}: {labels.count(True)} true and "
            f"{counted(labels.count(False), 'false positive')}.",
            "Examples need both true and false positives.",
        ),
        _require(
            len(examples) > len(scored),
            "study_examples",
            f"{counted(len(examples) - len(scored), 'practice example')}.",
            "There are no practice examples; readers will start unpractised.",
            "warning",
        ),
        _require(
            len(models) == 1,
            "study_examples",
            f"All predictions were made by the model {min(models)}.",
            f"Predictions were made by several models: {', '.join(sorted(models))}.",
        ),
    ]
    if unlabelled:
        checks.append(Check("missing", f"{counted(unlabelled, 'example')} without truth.", "study_examples"))
    if shared:
        numbers = ", ".join(str(example.number) for example in shared)
        text = f"Practice examples {numbers} share a patient with a scored example."
        checks.append(Check("missing", text, "study_examples"))
    checks += [Check("warning", one.sentence(), "study_examples") for one in telling(study, scored, truth)]
    selection = study.selections.last()
    if selection is not None and (left := unmatched_sentence(selection)):
        checks.append(Check("warning", left, "study_examples"))
    return [*checks, _check_explanations(study, examples)]


def _check_explanations(study: Study, examples: list[Example]) -> Check:
    """Every example needs every kind that a method shows, rendered with the parameters that opening will freeze, and
    each kind with one autoencoder or map generator."""
    kinds = {kind for method in study.methods.all() for kind in method.kinds}
    wanted = Wanted.of(study)
    page, missing, failed, outdated = "study_explanations", 0, 0, 0
    rendered: list[Explanation] = []
    for example in examples:
        shown = [row for row in example.explanations.all() if row.kind in kinds]
        rendered += (done_rows := [row for row in shown if row.status == Explanation.Status.DONE])
        done = {row.kind for row in done_rows}
        outdated += sum(row.kind in done and not is_current(row, wanted) for row in shown)
        lacking = kinds - done
        missing += len(lacking)
        failed += len(lacking & {row.kind for row in shown})
    if outdated:
        text = f"{counted(outdated, 'explanation')} rendered with other settings or by an earlier version of the kind"
        return Check("missing", f"{text}: run `precompute --study {study.slug}`.", page)
    if several := several_made(rendered):
        need, text = several
        advice = (
            f"choose one on the page Methods, or run `precompute --study {study.slug} --{need} NAME` for all examples"
        )
        return Check("missing", f"{text}: {advice}.", page)
    if not missing:
        text = "Every explanation is rendered." if kinds else "The methods show predictions only."
        return Check("ok", text, page)
    why = f" ({failed} failed; see their errors)" if failed else ""
    text = f"{counted(missing, 'explanation')} not rendered{why}: run `precompute --study {study.slug}`."
    return Check("missing", text, page)


def _check_people(study: Study) -> list[Check]:
    joined = study.memberships.filter(role=Membership.Role.READER).count()
    invited = study.invitations.filter(role=Membership.Role.READER, accepted_at=None, revoked_at=None).count()
    return [
        _require(
            joined or invited,
            "people",
            f"Readers: {joined} joined, {invited} invited.",
            "No reader is invited yet; readers can also join later.",
            "warning",
        ),
        *(Check("missing", sentence, "people") for sentence in member_conflicts(study)),
    ]
