"""Make the demo: accounts, the batch of fixtures/demo, a study to read in, and a finished one read by programs."""

from datetime import datetime, timedelta
from pathlib import Path

from django.db import transaction
from django.utils import timezone

from readerstudy.accounts.models import User
from readerstudy.analysis.running import store_analysis
from readerstudy.cases.loading.load import load_batch
from readerstudy.cases.loading.sources import open_source
from readerstudy.cases.models import Batch
from readerstudy.demo.fixtures import BATCH, FOLDER, restore_explanations
from readerstudy.demo.measured import restore_measurements
from readerstudy.demo.simulated import read_by_program
from readerstudy.explanations.models import Explanation
from readerstudy.reading.models import Read, Reader
from readerstudy.studies.drafting import new_study
from readerstudy.studies.lifecycle import close_study, open_study
from readerstudy.studies.models import Membership, Study
from readerstudy.studies.precomputing import pin
from readerstudy.studies.selection import Draw, select_examples

PASSWORD = "demo-only-password"  # noqa: S105 - printed by `make demo`; the accounts exist on demo servers only
ACCOUNTS = {"reader": "R1", "reader-2": "R2", "researcher": "", "admin": ""}
DEMO, FINISHED, LIVE = "demo", "demo-finished", "demo-live"
_SEED = 2021
_SIMULATED_READERS = 5
_WASHOUT = timedelta(days=14)


@transaction.atomic
def make_demo(folder: Path = FOLDER) -> list[Study]:
    """Everything of the demo; [] when it is there already. All or nothing."""
    if Study.objects.filter(slug=DEMO).exists():
        return []
    users = make_accounts()
    with open_source(folder / "manifest.csv") as source:
        batch = load_batch(source, BATCH, keep_source_ids=True, simulated=True, user=users["admin"]).batch
    explanations = restore_explanations(batch, folder)
    restore_measurements(explanations, folder)
    finished = _finished_study(users, batch, explanations)  # first: once the other is open, a draw needs a reason
    return [_study_to_read(users, batch, explanations), finished]


def make_accounts() -> dict[str, User]:
    users = {}
    for role in ACCOUNTS:
        user, created = User.objects.get_or_create(
            username=f"demo-{role}", defaults={"email": f"demo-{role}@localhost.localdomain"}
        )
        if created:
            user.is_staff = user.is_superuser = role == "admin"
            user.set_password(PASSWORD)
            user.save()
        users[role] = user
    return users


def compose(title: str, slug: str, user: User, batch: Batch, explanations: list[Explanation], why: str = "") -> Study:
    """A draft with the published study's design over all cases of the demo batch."""
    study = new_study(title, user)
    study.slug, study.seed = slug, _SEED
    study.render_parameters = {}  # as the fixtures were rendered
    study.save()
    select_examples(study, batch, Draw(per_pathology=4, practice=6, seed=_SEED, caliper=0.1), user=user, why=why)
    pin(list(study.examples.all()), explanations)
    return study


def _study_to_read(users: dict[str, User], batch: Batch, explanations: list[Explanation]) -> Study:
    """Reader 1 is fresh; reader 2 has practised and is half-way through the first read."""
    study = compose("Demo: do gradient maps or Latent Shift help more?", DEMO, users["researcher"], batch, explanations)
    study.public_title = "Demo: which explanations help more?"
    study.washout_days = 0  # so that a visitor can go on to the second read
    study.save()
    readers = {}
    for role, code in ACCOUNTS.items():
        if code:
            membership = Membership.objects.create(study=study, user=users[role], role=Membership.Role.READER)
            readers[role] = Reader.objects.create(study=study, membership=membership, code=code)
    study = open_study(study, users["researcher"])
    opened = timezone.now() - timedelta(hours=3)
    Study.objects.filter(pk=study.pk).update(opened_at=opened)  # before reader 2's answers, which follow
    second = Reader.objects.get(pk=readers["reader-2"].pk)
    _introduce(second, "radiology", 12, opened)
    started = opened + timedelta(hours=1)
    for read in second.reads.order_by("number")[:2]:
        limit = None if read.number == Read.PRACTICE else study.examples.filter(practice=False).count() // 2
        started = read_by_program(second, read, started, _SEED, limit) + timedelta(minutes=2)
    return study


def _finished_study(users: dict[str, User], batch: Batch, explanations: list[Explanation]) -> Study:
    """Five programs have read everything; closed. Simulated, and marked so wherever it is shown."""
    study = compose(
        "Demo: a finished study, read by simulated readers", FINISHED, users["researcher"], batch, explanations
    )
    study.simulated = True
    study.washout_days = _WASHOUT.days
    study.save()
    for number in range(1, _SIMULATED_READERS + 1):
        Reader.objects.create(study=study, code=f"R{number}")
    study = open_study(study, users["researcher"])
    opened = timezone.now() - timedelta(days=60)
    for number, reader in enumerate(study.readers.order_by("id"), start=1):
        finished: datetime = opened + timedelta(days=number)
        _introduce(reader, "simulated", 5 * number, finished)
        for read in reader.reads.order_by("number"):
            wait = _WASHOUT + timedelta(days=1) if read.number > 1 else timedelta(hours=1)
            finished = read_by_program(reader, read, finished + wait, _SEED)
    # The clock of a simulation: the study opened before its first read and is closed from today.
    Study.objects.filter(pk=study.pk).update(opened_at=opened)
    study = close_study(study, users["researcher"])
    store_analysis(study, users["researcher"])
    return study


def _introduce(reader: Reader, specialty: str, years: int, at: datetime) -> None:
    reader.consented_at = reader.instructions_read_at = at
    reader.specialty, reader.years_experience, reader.ai_experience = specialty, years, "tried"
    reader.save()


@transaction.atomic
def live_study(folder: Path = FOLDER) -> Study:
    """A draft over the demo cases loaded once more without their explanations, to render these live.

    The demo batch's own are shown by opened studies, so nothing may render them again.
    """
    study = Study.objects.filter(slug=LIVE).first()
    if study is None:
        users = make_accounts()
        with open_source(folder / "manifest.csv") as source:
            batch = load_batch(source, LIVE, keep_source_ids=True, simulated=True, user=users["admin"]).batch
        study = compose(
            "Demo: rendered live", LIVE, users["researcher"], batch, [], "The demo renders its explanations live."
        )
    return study
