"""Load a checked batch: files first, under opaque names, then all rows in one short transaction. All or nothing.

The files come first because writing ten thousand of them takes minutes, and a transaction that long would make readers
wait; until the rows exist nobody can reach them, and whatever goes wrong, they are removed again.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import cast

from django.core.exceptions import ValidationError
from django.core.validators import validate_slug
from django.db import IntegrityError, transaction
from django.db.models import Model
from simple_history.utils import bulk_create_with_history

from explain.images.checks import ImageError
from explain.images.radiograph import center_crop
from readerstudy.accounts.models import User
from readerstudy.cases.loading.checking import Checked, Progress, Report, check_source, warn_of_what_is_here
from readerstudy.cases.loading.extensions import Extension, Texts, extension, kind_of
from readerstudy.cases.loading.keeping import Kept, Picture, kept_for_a_load
from readerstudy.cases.loading.linking import LinkingTable
from readerstudy.cases.loading.problems import BatchRefused, Problem, refuse
from readerstudy.cases.loading.records import CaseRecord, FindingRecord, Source, rows_of
from readerstudy.cases.loading.written import WrittenFiles
from readerstudy.cases.models import Batch, Case, Prediction, Truth
from readerstudy.common.counting import counted
from readerstudy.common.identity import patient_key, secretly_shuffled

ROWS_AT_ONCE = 500


@dataclass(frozen=True)
class Loaded:
    """created: False when the batch was there already with the same content, and nothing was changed."""

    batch: Batch
    created: bool
    report: Report


@dataclass
class _Rows:
    """Unsaved rows of a batch. `extra`: those of extensions, by model, a model after those it refers to."""

    cases: list[Case] = field(default_factory=list)
    truths: list[Truth] = field(default_factory=list)
    predictions: list[Prediction] = field(default_factory=list)
    extra: dict[type[Model], list[Model]] = field(default_factory=lambda: defaultdict(list))

    def add(self, other: _Rows) -> None:
        self.cases += other.cases
        self.truths += other.truths
        self.predictions += other.predictions
        for model, found in other.extra.items():
            self.extra[model] += found


def load_batch(
    source: Source,
    name: str,
    *,
    keep_source_ids: bool = False,
    simulated: bool = False,
    linking_table: Path | None = None,
    user: User | None = None,
    texts: Texts = MappingProxyType({}),
    progress: Progress = lambda doing, done, total: None,
) -> Loaded:
    """Check all of a source, then load all of it. Loading the same content under the same name again changes nothing.

    keep_source_ids: public data only; cases keep their image paths as source ids. Otherwise `linking_table` is the CSV
    file to write (row, image, case), which must not exist. texts: of kinds rendered elsewhere. Raises BatchRefused;
    then nothing is left behind.
    """
    check_name(name)
    known = Batch.objects.filter(name=name).exists()
    problems = [] if known else _problems(lambda: check_links(linking_table, keep_source_ids=keep_source_ids))
    # where nothing can be loaded, nothing need be kept
    keeping: AbstractContextManager[Kept] = nullcontext(Kept(None)) if known or problems else kept_for_a_load()
    with keeping as kept:
        try:
            checked = check_source(
                source, keep_source_ids=keep_source_ids, simulated=simulated, kept=kept, progress=progress
            )
        except BatchRefused as error:
            raise BatchRefused([*problems, *error.problems]) from None
        if problems:  # only now: a missing option must not hide what is wrong with the batch itself
            raise BatchRefused(problems)
        return load_checked(
            source,
            checked,
            kept,
            name,
            keep_source_ids=keep_source_ids,
            simulated=simulated,
            linking_table=linking_table,
            user=user,
            texts=texts,
            progress=progress,
        )


def load_checked(
    source: Source,
    checked: Checked,
    kept: Kept,
    name: str,
    *,
    keep_source_ids: bool = False,
    simulated: bool = False,
    linking_table: Path | None = None,
    user: User | None = None,
    texts: Texts = MappingProxyType({}),
    progress: Progress = lambda doing, done, total: None,
    writing: Callable[[], AbstractContextManager[None]] = transaction.atomic,
) -> Loaded:
    """Load what `check_source` has found, and has kept of the images. No image is decoded. writing: the transaction
    that the rows are saved in."""
    batch = same_batch(name, checked)
    if batch:
        return Loaded(batch, False, checked.report)
    table = check_links(linking_table, keep_source_ids=keep_source_ids)
    warn_of_what_is_here(checked, name)
    batch = Batch(
        name=name,
        source=(source.public_name if keep_source_ids else source.name)[:200],
        content_sha256=checked.content_sha256,
        keeps_source_ids=keep_source_ids,
        simulated=simulated,
        report=checked.report.summary(),
        loaded_by=user,
    )
    with WrittenFiles(batch, table) as written:
        rows = _write_files(source, checked, kept, batch, written, progress)
        try:
            with writing():
                _save_rows(batch, rows)
                _tell_extensions(batch, checked, texts)
                if table:
                    table.write(zip(checked.cases, rows.cases, strict=True))
        except IntegrityError:
            raise refuse(f"a batch “{name}” was loaded at the same moment", "Choose another name") from None
    return Loaded(batch, True, checked.report)


def _problems(check: Callable[[], object]) -> list[Problem]:
    try:
        check()
    except BatchRefused as error:
        return error.problems
    return []


def check_name(name: str) -> None:
    """Raises BatchRefused unless `name` can be a batch's name."""
    try:
        validate_slug(name)
    except ValidationError:
        name = ""
    if not 0 < len(name) <= 80:
        raise refuse("the batch's name needs 1 to 80 letters, digits, - or _", "Choose another name")


def check_links(linking_table: Path | None, *, keep_source_ids: bool) -> LinkingTable | None:
    """The linking table a new batch will write. Raises BatchRefused when none is given for data that are not public,
    or its file cannot be made."""
    if linking_table is None:
        if keep_source_ids:
            return None
        raise refuse(
            "nothing would say which case is which image",
            "Give --linking-table FILE, or --keep-source-ids for public data",
        )
    table = LinkingTable(linking_table)
    table.check()
    return table


def same_batch(name: str, checked: Checked) -> Batch | None:
    """The batch of that name if it has the same content; None if the name is free. BatchRefused if it is taken."""
    batch = Batch.objects.filter(name=name).first()
    if batch and batch.content_sha256 != checked.content_sha256:
        raise _taken(batch, checked)
    return batch


def _taken(batch: Batch, checked: Checked) -> BatchRefused:
    """What differs from the batch that has the name."""
    there = f"a batch “{batch.name}”"
    if checked.otherwise[batch.keeps_source_ids, batch.simulated] == batch.content_sha256:
        public = "as public data" if batch.keeps_source_ids else "as data that are not public"
        made = "synthetic" if batch.simulated else "not synthetic"
        text = f"{there} with the same content is already there, loaded {public} and {made}"
        return refuse(text, "Nothing is left to load; to load it otherwise too, choose another name")
    known = set(batch.cases.exclude(pixel_sha256="").values_list("pixel_sha256", flat=True))
    same = len(known & set(checked.pixels))
    if same == len(known) == len(checked.pixels):
        text = f"{there} with the same {counted(same, 'image')} and other facts, labels or predictions is already there"
    else:
        some = f", {same} of its {counted(len(known), 'image')} among these" if same else ""
        text = f"{there} with other content is already there{some}"
    return refuse(text, "Choose another name")


def _write_files(
    source: Source, checked: Checked, kept: Kept, batch: Batch, written: WrittenFiles, progress: Progress
) -> _Rows:
    """Case by case in a secret order (whoever sees when files were made must not learn the manifest's order, which may
    be sorted by truth); the rows are in the manifest's order, on which seeded draws depend."""
    parts: dict[int, _Rows] = {}
    for done, index in enumerate(secretly_shuffled(range(len(checked.cases))), 1):
        record = checked.cases[index]
        try:
            parts[index] = _write_case(source, record, kept, batch, written)
        except ImageError as error:
            raise refuse(f"row {record.row}: {error.problem}", error.remedy) from None
        progress("loading", done, len(checked.cases))
    rows = _Rows()
    for index in sorted(parts):
        rows.add(parts[index])
    return rows


def _write_case(source: Source, record: CaseRecord, kept: Kept, batch: Batch, written: WrittenFiles) -> _Rows:
    """One case's files; its unsaved rows. Raises ImageError."""
    picture = kept.kept_picture(record.kept)
    case = _case(record, picture, batch)
    whole, shown = kept.files(picture)
    written.save(case.pixels, whole, ".png", case.public_id)
    if shown is None:
        case.display = case.pixels.name
    else:
        written.save(case.display, shown, ".png", case.public_id)
    rows = _Rows(cases=[case])
    for finding in record.findings:
        _finding(source, finding, case, picture, kept, rows, written)
    kept.taken(picture)
    return rows


def _case(record: CaseRecord, picture: Picture, batch: Batch) -> Case:
    """The unsaved row, but for its files."""
    window = picture.window or (None, None)
    case = Case(
        batch=batch,
        patient_key=patient_key(record.patient),
        source_id=record.image[:200] if batch.keeps_source_ids else "",
        dataset=record.dataset,
        view=record.view,
        sex=record.sex,
        age=record.age,
        practice=bool(record.practice),
        bits=picture.bits,
        window_low=window[0],
        window_high=window[1],
        pixel_sha256=picture.digest,
    )
    case.height, case.width = picture.shape
    case.crop_x, case.crop_y, case.crop_size = center_crop(*picture.shape)
    _note_reading(case, picture)
    if picture.shown:
        case.display_width, case.display_height = picture.shown.width, picture.shown.height
        case.display_sha256 = picture.shown.sha256
    return case


def _note_reading(case: Case, picture: Picture) -> None:
    """What was done to the file's pixels, so that it is known of a case as long as the case is."""
    done = picture.as_read
    if done is None:
        return
    case.file_height, case.file_width = done.shape
    case.range_rule, (case.range_low, case.range_high) = done.rule, done.used
    case.range_replaced, case.shown_by = done.replaced, done.shown_by


def _finding(
    source: Source,
    finding: FindingRecord,
    case: Case,
    picture: Picture,
    kept: Kept,
    rows: _Rows,
    written: WrittenFiles,
) -> None:
    if finding.label is not None:
        truth = Truth(case=case, pathology=finding.pathology, label=finding.label, provenance=case.batch.source)
        if finding.mask:
            mask = kept.mask_file(finding.kept_mask)
            written.save(truth.mask, mask, ".png", f"{case.public_id} {finding.pathology}")
        if finding.confounder:
            salt = f"{case.public_id} {finding.pathology} confounder"
            written.save(truth.confounder, kept.mask_file(finding.kept_confounder), ".png", salt)
        rows.truths.append(truth)
    if finding.prediction is None:
        return
    prediction = Prediction(case=case, pathology=finding.pathology, model=finding.model, probability=finding.prediction)
    rows.predictions.append(prediction)
    for column, path in finding.files.items():
        with source.open(path) as file:
            content = file.read()
        decoded = kept.kept_array(finding.kept_files[column], content)
        reader = cast(Extension, extension(column))
        for row in reader.store(kind_of(column), content, decoded, prediction, picture.radiograph(), written.save):
            rows.extra[type(row)].append(row)


def _save_rows(batch: Batch, rows: _Rows) -> None:
    batch.save()
    Case.objects.bulk_create(rows.cases, batch_size=ROWS_AT_ONCE)
    # bulk_create sends no signals: the history of truth needs this helper; no user outside a request is no person
    bulk_create_with_history(rows.truths, Truth, batch_size=ROWS_AT_ONCE, default_user=batch.loaded_by)
    Prediction.objects.bulk_create(rows.predictions, batch_size=ROWS_AT_ONCE)
    for model, found in rows.extra.items():
        model._default_manager.bulk_create(found, batch_size=ROWS_AT_ONCE)


def _tell_extensions(batch: Batch, checked: Checked, texts: Texts) -> None:
    columns = dict.fromkeys(column for finding in rows_of(checked.cases) for column in finding.files)
    for reader in {id(found): found for column in columns if (found := extension(column))}.values():
        reader.loaded(batch, [kind_of(column) for column in columns if extension(column) is reader], texts)
