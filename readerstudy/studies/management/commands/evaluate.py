"""evaluate: measure stored explanations."""

import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db.models import QuerySet

from explain.models.allocator import restart_keeping_memory
from readerstudy.cases.models import Batch
from readerstudy.common.arguments import add_workers, shard
from readerstudy.common.counting import counted
from readerstudy.common.progress import ProgressBar
from readerstudy.explanations.evaluating import SCOPES, Measured, chosen_metrics
from readerstudy.explanations.executors.choosing import executor
from readerstudy.explanations.inputs import ModelsUnavailable
from readerstudy.explanations.models import Explanation
from readerstudy.explanations.planning import Options
from readerstudy.studies.commands import study_named
from readerstudy.studies.evaluating import evaluate_part, of_batch, of_study, record_touch


class Command(BaseCommand):
    help = (
        "Measure whether stored explanations are right (docs/evaluate.md); a second run measures only what is missing. "
        "Example: python manage.py evaluate --study pilot --metrics stored"
    )

    def add_arguments(self, parser: CommandParser) -> None:
        which = parser.add_mutually_exclusive_group(required=True)
        which.add_argument("--study", help="slug of a study: what its examples show")
        which.add_argument("--batch", help="name of a batch: all explanations stored for its cases")
        words = "; ".join(f"{word}: {meaning}" for word, meaning in SCOPES.items())
        parser.add_argument("--metrics", default="model", help=f"names with commas between, or one word. {words}")
        parser.add_argument("--device", default="auto", help="auto, cpu, cuda or cuda:N")
        parser.add_argument("--shard", default="1/1", help="i/n: the i-th of n parts, for several machines")
        add_workers(parser)
        parser.add_argument("--force", action="store_true", help="measure again what is measured or has failed")
        parser.add_argument(
            "--model",
            default="",
            help="classifier to measure with, by name or by a path to import, instead of the one that each explanation "
            "names; what was made with other weights fails, and what names no model is left out",
        )
        parser.add_argument("--weights", type=Path, help="weight file of the classifier, instead of its own")
        parser.add_argument(
            "--autoencoder",
            default="",
            help="name, instead of the classifier's own partner, for explanations made with none",
        )
        parser.add_argument("--autoencoder-weights", type=Path, help="weight file of the autoencoder")
        parser.add_argument("--generator", default="", help="path of the map generator's folder, if it lies elsewhere")
        parser.add_argument(
            "--why", default="", help="why truth is used, recorded; needed while an open study shows these cases"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        if sys.argv[1:2] == ["evaluate"]:
            restart_keeping_memory()
        explanations, name = _explanations(options)
        part = shard(options["shard"])
        run = Options(
            device=options["device"],
            force=options["force"],
            classifier=options["model"],
            weights=options["weights"],
            autoencoder=options["autoencoder"],
            autoencoder_weights=options["autoencoder_weights"],
            generator=options["generator"],
        )
        with ProgressBar(self.stderr, "explanation") as bar:
            try:
                metrics = chosen_metrics([one for one in options["metrics"].split(",") if one])
                record_touch(explanations, metrics, None, options["why"])
                with executor(options["workers"], options["scheduler"]) as workers:
                    done = evaluate_part(
                        explanations,
                        metrics,
                        part,
                        replace(run, executor=workers),
                        lambda finished, total: bar.show("measuring", finished, total),
                        self.stderr.write,
                    )
            except ValidationError as error:
                raise CommandError(" ".join(error.messages)) from error
            except ModelsUnavailable as error:
                raise CommandError(f"{error} (--metrics stored needs no model.)") from error
        self._report(name, done)

    def _report(self, name: str, done: Measured) -> None:
        for explanation, metric, why in done.failed:
            case, pathology = explanation.prediction.case.public_id, explanation.prediction.pathology
            self.stderr.write(f"case {case}, {pathology}, {explanation.kind}, {metric}: {why}")
        nothing = "" if done.made or done.failed else " Nothing to do."
        self.stdout.write(
            f"Measured {counted(done.made, 'value')} of {name} on {done.device or 'no device'}; "
            f"{done.existing} existed, {len(done.failed)} failed, {done.apart} do not apply.{nothing}"
        )
        if done.failed:
            raise CommandError(f"{counted(len(done.failed), 'value')} failed; see above. --force tries them again.")


def _explanations(options: dict[str, Any]) -> tuple[QuerySet[Explanation], str]:
    """Those asked for, and what to call them; CommandError where there are none."""
    if options["study"]:
        study = study_named(options["study"])
        found, name = of_study(study), study.slug
    else:
        name = options["batch"]
        batch = Batch.objects.filter(name=name).first()
        if batch is None:
            raise CommandError(f"There is no batch “{name}”. Load one with load_cases.")
        found = of_batch(batch)
    if not found.exists():
        raise CommandError(f"{name} has no explanations yet: render them first (precompute).")
    return found, name
