"""Seconds and memory of streaming 200,000 responses, from a made study in a temporary SQLite file.

    python -m bench.export [--responses 200000]

Target: each table under 10 s, with memory that does not grow with the study: the same tables of a tenth of the
responses are streamed first, and the peak must stay near theirs.
"""

from __future__ import annotations

import argparse
import os
import tempfile
import time
from pathlib import Path

from bench._measure import peak_rss_mb, report

READERS, READS, QUESTIONS = 20, 2, 2


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--responses", type=int, default=200_000)
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        os.environ |= {"DATABASE_URL": f"sqlite:///{Path(scratch) / 'bench.sqlite3'}", "SECRET_KEY": "bench"}
        os.environ["DJANGO_SETTINGS_MODULE"] = "readerstudy.settings"
        import django

        django.setup()
        from django.core.management import call_command

        call_command("migrate", verbosity=0)
        for name, responses in (("small", args.responses // 10), ("large", args.responses)):
            study = make(name, responses)
            for table in ("long", "wide", "imrmc"):
                _stream(study, table)


def _stream(study, table: str) -> None:
    from readerstudy.exchange.export import Hashed, export

    wall, processor = time.perf_counter(), time.process_time()
    content = Hashed(export(study, table))
    for _ in content:
        pass
    report(
        f"{study.slug}, {table}",
        lines=content.lines,
        wall_s=time.perf_counter() - wall,
        processor_s=time.process_time() - processor,
        peak_mib=peak_rss_mb(),
    )


def make(slug: str, responses: int):
    """A study of 20 readers, 2 reads and 2 questions with about so many responses, each view with its visit."""
    from django.utils import timezone

    from readerstudy.cases.models import Case, Prediction, Truth
    from readerstudy.reading.models import Assignment, Read, Reader, Response, Sequence, Visit
    from readerstudy.studies.models import Example
    from tests.builders import make_batch, make_study

    study = make_study(slug, examples=0, batch=make_batch(f"{slug}-none", 0))
    batch = make_batch(f"{slug}-cases", 0)
    count = responses // (READERS * READS * QUESTIONS)
    cases = Case.objects.bulk_create([Case(batch=batch, patient_key=f"{slug}{n}") for n in range(count)])
    Truth.objects.bulk_create([Truth(case=case, pathology="Mass", label=n % 2) for n, case in enumerate(cases)])
    predictions = Prediction.objects.bulk_create(
        [Prediction(case=case, pathology="Mass", model="demo", probability=0.7) for case in cases]
    )
    examples = Example.objects.bulk_create(
        [Example(study=study, prediction=row, number=n) for n, row in enumerate(predictions, start=1)]
    )
    methods, questions, now = list(study.methods.all()), list(study.questions.all()), timezone.now()
    for index in range(READERS):
        reader = Reader.objects.create(study=study, code=f"R{index + 1}")
        Sequence.objects.bulk_create([Sequence(reader=reader, example=e, methods=["A", "B"]) for e in examples])
        for number in (1, 2):
            read = Read.objects.create(reader=reader, number=number, opened_at=now)
            views = Assignment.objects.bulk_create(
                [Assignment(read=read, example=e, method=methods[number - 1], position=e.number) for e in examples]
            )
            visits = Visit.objects.bulk_create([Visit(assignment=view, visible_ms=9000) for view in views])
            Response.objects.bulk_create(
                [
                    Response(assignment=v.assignment, question=q, visit=v, score=3, minimum=1, maximum=5)
                    for v in visits
                    for q in questions
                ]
            )
    return study


if __name__ == "__main__":
    main()
