"""Drawing examples: half true positives, half false positives of each pathology, seeded, stored with the candidates.

A false positive is a negative label with a probability over the operating point (Cohen et al. 2021, section 4.6).
"""

import random
from collections import defaultdict
from collections.abc import Callable
from dataclasses import asdict, dataclass

from django.core.exceptions import ValidationError
from django.db import transaction

from readerstudy.accounts.models import User
from readerstudy.cases.models import Batch, Prediction, Truth
from readerstudy.common.limits import problems
from readerstudy.studies.drafting import draft_for_update
from readerstudy.studies.looking import record_draw
from readerstudy.studies.matching import matched_draw, matched_pairs, unmatched
from readerstudy.studies.models import Example, Selection, Study
from readerstudy.studies.precomputing import pin_rendered


@dataclass(frozen=True)
class Draw:
    """What to draw.

    per_pathology : scored examples per pathology, half of each kind; even.
    seed : of the draw. threshold : a prediction above it is positive; None = the study's operating point.
    practice : practice examples in all, half of each kind; their patients are in no scored example.
    one_per_patient : at most one scored example per patient.
    caliper : match true and false positives of a pathology on probability: each has one of the other kind at most this
        far away, where there is one; practice examples too. None: not matched.
    vary_halves : the halves of a pathology differ by up to this from half, so that nobody can count down.
    pathologies : which ones; empty = all with candidates. model : whose predictions; needed when a batch has several.
    """

    per_pathology: int = 40
    seed: int = 0
    threshold: float | None = None
    practice: int = 0
    one_per_patient: bool = True
    pathologies: tuple[str, ...] = ()
    model: str = ""
    caliper: float | None = None
    vary_halves: int = 0


@dataclass(frozen=True)
class Candidate:
    prediction: int
    pathology: str
    truth: bool
    patient: str
    practice: bool
    probability: float = 0.0


def select_examples(
    study: Study, batch: Batch, draw: Draw, *, user: User | None = None, replace: bool = False, why: str = ""
) -> Selection:
    """Draw and store; raises ValidationError, with every shortage and its counts, before anything is written.

    why: the reason, recorded, that is needed where an open study shows radiographs of the batch.

    The threshold drawn with becomes the study's operating point: the two must not differ. A draw that fails is recorded
    as well: its message counts true and false positives.
    """
    with transaction.atomic():
        threshold = _checked(draft_for_update(study), draw, replace)
        record_draw(batch, threshold, user, why)
    with transaction.atomic():
        return _draw_and_store(draft_for_update(study), batch, draw, threshold, user)


def _checked(study: Study, draw: Draw, replace: bool) -> float:
    """The threshold to draw with; ValidationError for what cannot be drawn."""
    if study.examples.exists() and not replace:
        raise ValidationError(f"“{study.title}” has examples already. Use --replace to draw again.")
    if outside := problems(asdict(draw)):
        raise ValidationError(list(outside.values()))
    if draw.per_pathology % 2 or draw.practice % 2:
        raise ValidationError(
            "Examples per pathology and practice examples must be even: half true, half false positives."
        )
    threshold = study.operating_point if draw.threshold is None else draw.threshold
    if not 0 <= threshold <= 1:
        raise ValidationError(f"The threshold is a probability from 0 to 1; not {threshold:g}.")
    return threshold


def _draw_and_store(study: Study, batch: Batch, draw: Draw, threshold: float, user: User | None) -> Selection:
    candidates = find_candidates(batch, draw, threshold)
    scored, practice = draw_examples(candidates, draw)
    study.operating_point = threshold
    study.save(update_fields=["operating_point"])
    study.examples.all().delete()
    study.selections.all().delete()
    selection = Selection.objects.create(
        study=study,
        batch=batch,
        seed=draw.seed,
        parameters={
            **asdict(draw),
            "threshold": threshold,
            "pathologies": list(draw.pathologies),
            **_unmatched(candidates, scored, draw),
        },
        candidates=[candidate.prediction for candidate in candidates],
        created_by=user,
    )
    for chosen, is_practice in ((scored, False), (practice, True)):
        Example.objects.bulk_create(
            Example(study=study, selection=selection, prediction_id=pk, number=number, practice=is_practice)
            for number, pk in enumerate(chosen, start=1)
        )
    pin_rendered(study)
    return selection


def find_candidates(batch: Batch, draw: Draw, threshold: float) -> list[Candidate]:
    """Positive predictions with a known truth, in a stable order. Raises when there is no or no single model."""
    predictions = Prediction.objects.filter(case__batch=batch).select_related("case").order_by("case_id", "pathology")
    models = set(predictions.values_list("model", flat=True).distinct().order_by())
    if draw.model and draw.model not in models:
        raise ValidationError(f"Batch “{batch}” has no predictions of “{draw.model}”. It has: {_names(models)}.")
    if not models:
        raise ValidationError(
            f"Batch “{batch}” has no predictions yet: run `predict --batch {batch} --model NAME` first."
        )
    if len(models) > 1 and not draw.model:
        raise ValidationError(f"Batch “{batch}” has predictions of several models: choose one of {_names(models)}.")
    if draw.model:
        predictions = predictions.filter(model=draw.model)
    there = set(predictions.values_list("pathology", flat=True).distinct().order_by())
    if unknown := set(draw.pathologies) - there:
        raise ValidationError(f"Batch “{batch}” has no predictions of {_names(unknown)}. It has: {_names(there)}.")
    if draw.pathologies:
        predictions = predictions.filter(pathology__in=draw.pathologies)
    truth = {(row.case_id, row.pathology): row.label for row in Truth.objects.filter(case__batch=batch)}
    return [
        Candidate(
            row.pk,
            row.pathology,
            truth[row.case_id, row.pathology],
            row.case.patient_key or f"case {row.case_id}",
            row.case.practice,
            row.probability,
        )
        for row in predictions.filter(probability__gt=threshold)
        if (row.case_id, row.pathology) in truth
    ]


def draw_examples(candidates: list[Candidate], draw: Draw) -> tuple[list[int], list[int]]:
    """Prediction ids of scored and of practice examples, in numbering order.

    Scored examples are numbered pathology by pathology, shuffled within, so that a number says nothing about truth.
    The scarcest stratum is drawn first, so that a patient with several candidates goes where they are needed.
    """
    rng = random.Random(f"selection:{draw.seed}")  # noqa: S311 - reproducible, not secret
    strata: dict[tuple[str, bool], list[Candidate]] = defaultdict(list)
    reserved: list[Candidate] = []
    for candidate in candidates:
        if candidate.practice:
            reserved.append(candidate)
        else:
            strata[candidate.pathology, candidate.truth].append(candidate)
    pathologies = sorted(draw.pathologies or {pathology for pathology, _ in strata})
    if not pathologies:
        raise ValidationError(
            "No case has both a truth and a prediction over the operating point: nothing to draw from."
        )
    sizes = _sizes(pathologies, strata, draw, rng)
    used: set[str] = set()
    chosen: dict[str, list[int]] = defaultdict(list)
    missing: list[str] = []

    def fresh(candidate: Candidate) -> bool:
        if draw.one_per_patient and candidate.patient in used:
            return False
        used.add(candidate.patient)
        return True

    for part in _in_order_of_scarcity(pathologies, strata, draw):
        for stratum, taken in _take(part, strata, sizes, draw, rng, fresh):
            pathology, truth = stratum
            if len(taken) < sizes[stratum]:
                kind = "true positives" if truth else "false positives"
                missing.append(f"{pathology}: {len(taken)} of {sizes[stratum]} {kind}")
            chosen[pathology] += [candidate.prediction for candidate in taken]
    if missing:
        raise ValidationError("Too few candidates. " + "; ".join(missing) + ". Ask for fewer, or load more cases.")
    scored: list[int] = []
    for pathology in pathologies:
        rng.shuffle(chosen[pathology])
        scored += chosen[pathology]
    return scored, _draw_practice(reserved, candidates, used, set(scored), draw, rng)


def _matched_first(candidates: list[Candidate], caliper: float, most: int) -> list[Candidate]:
    """The candidates of `most` matched pairs."""
    sides = [[one for one in candidates if one.truth is truth] for truth in (True, False)]
    return [one for pair in matched_pairs(sides[0], sides[1], caliper, most) for one in pair]


Stratum = tuple[str, bool]


def _sizes(
    pathologies: list[str], strata: dict[Stratum, list[Candidate]], draw: Draw, rng: random.Random
) -> dict[Stratum, int]:
    """How many true and false positives of each pathology: at least one of each, and no more than half of them where
    there are no more patients to draw from."""
    half = draw.per_pathology // 2
    most = min(draw.vary_halves, half - 1)

    def spare(stratum: Stratum) -> int:
        return max(0, min(most, len({candidate.patient for candidate in strata[stratum]}) - half))

    sizes = {}
    for pathology in pathologies:
        more = rng.randint(-spare((pathology, False)), spare((pathology, True))) if most > 0 else 0
        sizes[pathology, True], sizes[pathology, False] = half + more, half - more
    return sizes


def _in_order_of_scarcity(
    pathologies: list[str], strata: dict[Stratum, list[Candidate]], draw: Draw
) -> list[tuple[Stratum, ...]]:
    """What is drawn together: a pathology where it is matched, else one stratum; the scarcest first."""
    wanted: list[tuple[Stratum, ...]]
    if draw.caliper is None:
        wanted = [((pathology, truth),) for pathology in pathologies for truth in (True, False)]
    else:
        wanted = [((pathology, True), (pathology, False)) for pathology in pathologies]
    return sorted(wanted, key=lambda part: (min(len(strata[stratum]) for stratum in part), part))


def _take(
    part: tuple[Stratum, ...],
    strata: dict[Stratum, list[Candidate]],
    sizes: dict[Stratum, int],
    draw: Draw,
    rng: random.Random,
    fresh: Callable[[Candidate], bool],
) -> list[tuple[Stratum, list[Candidate]]]:
    if draw.caliper is not None:
        true, false = (strata[stratum] for stratum in part)
        both = sizes[part[0]], sizes[part[1]]
        return list(zip(part, matched_draw(true, false, draw.caliper, both, rng, fresh), strict=True))
    pool = list(strata[part[0]])
    rng.shuffle(pool)
    taken: list[Candidate] = []
    for candidate in pool:
        if len(taken) < sizes[part[0]] and fresh(candidate):
            taken.append(candidate)
    return [(part[0], taken)]


def _unmatched(candidates: list[Candidate], scored: list[int], draw: Draw) -> dict[str, dict[str, int]]:
    """Pathology -> scored examples without one of the other kind within the caliper; {} for a draw not matched."""
    if draw.caliper is None:
        return {}
    drawn = set(scored)
    sides: dict[str, tuple[list[float], list[float]]] = defaultdict(lambda: ([], []))
    for candidate in candidates:
        if candidate.prediction in drawn:
            sides[candidate.pathology][0 if candidate.truth else 1].append(candidate.probability)
    counts = {name: unmatched(*probabilities, draw.caliper) for name, probabilities in sorted(sides.items())}
    return {"unmatched": {name: count for name, count in counts.items() if count}}


def unmatched_sentence(selection: Selection) -> str:
    """What a matched draw could not match, with numbers; empty where all are matched or none were to be."""
    left = selection.parameters.get("unmatched")
    if not left:
        return ""
    named = ", ".join(f"{count} of {name}" for name, count in sorted(left.items()))
    return (
        f"Not matched on probability: {named} have no example of the other kind within "
        f"{selection.parameters['caliper']:g}. Load more cases, allow more, or do not show the probability."
    )


def _draw_practice(
    reserved: list[Candidate],
    candidates: list[Candidate],
    used_patients: set[str],
    scored: set[int],
    draw: Draw,
    rng: random.Random,
) -> list[int]:
    """Practice examples from cases kept for practice first; never a patient who is in a scored example.

    Matched over all pathologies where the scored examples are: practice must not teach that the probability tells.
    """
    count = draw.practice
    rest = [candidate for candidate in candidates if not candidate.practice]
    rng.shuffle(reserved)
    rng.shuffle(rest)
    taken: list[Candidate] = []
    patients: set[str] = set()
    if draw.caliper is not None and count:
        unused = [one for one in reserved if one.patient not in used_patients] or rest
        reserved = _matched_first(unused, draw.caliper, count // 2) + reserved
    for truth in (True, False):
        found = 0
        for candidate in reserved + rest:
            fresh = candidate.patient not in used_patients | patients and candidate.prediction not in scored
            if candidate.truth == truth and fresh and found < count // 2:
                taken.append(candidate)
                patients.add(candidate.patient)
                found += 1
        if found < count // 2:
            kind = "true" if truth else "false"
            raise ValidationError(
                f"Too few candidates for practice: {found} of {count // 2} {kind} positives of patients not scored. "
                "Ask for fewer practice examples, or mark cases with `practice` in the manifest."
            )
    rng.shuffle(taken)
    return [candidate.prediction for candidate in taken]


def _names(models: set[str]) -> str:
    return ", ".join(sorted(models)) or "none"
