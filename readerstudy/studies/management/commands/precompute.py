"""precompute: render the explanations a study shows."""

import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError, CommandParser

from explain.models.allocator import restart_keeping_memory
from readerstudy.common.arguments import add_workers, at_least_one, batch_size, shard
from readerstudy.common.counting import counted
from readerstudy.common.progress import ProgressBar
from readerstudy.explanations.executors.choosing import executor
from readerstudy.explanations.model_loading import ModelsUnavailable
from readerstudy.explanations.planning import Options
from readerstudy.studies.commands import study_named
from readerstudy.studies.precomputing import Part, examples_of, precompute


class Command(BaseCommand):
    help = (
        "Render what the study's methods show; a second run makes only what is missing. "
        "Example: python manage.py precompute --study pilot --device auto"
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--study", required=True, help="slug of a draft study")
        parser.add_argument("--device", default="auto", help="auto, cpu, cuda or cuda:N")
        parser.add_argument("--batch-size", default="auto", help="auto (found by trying) or a number")
        parser.add_argument("--kinds", nargs="+", default=[], help="only these kinds, by name")
        parser.add_argument("--limit", type=at_least_one, help="only the first N examples")
        parser.add_argument("--shard", default="1/1", help="i/n: the i-th of n parts, for several machines")
        add_workers(parser)
        parser.add_argument("--force", action="store_true", help="render again what exists or failed")
        parser.add_argument(
            "--model", default="", help="what made the predictions, where they name no known model: a name, or a path"
        )
        parser.add_argument("--weights", type=Path, help="weight file of the classifier, instead of its own")
        parser.add_argument("--autoencoder", default="", help="name, instead of the classifier's own partner")
        parser.add_argument("--autoencoder-weights", type=Path, help="weight file of the autoencoder")
        parser.add_argument("--generator", default="", help="map generator: a name, or the path of its folder")

    def handle(self, *args: Any, **options: Any) -> None:
        if sys.argv[1:2] == ["precompute"]:  # a process of its own, not a call from another command or a test
            restart_keeping_memory()
        study = study_named(options["study"])
        part = Part(tuple(options["kinds"]), options["limit"], shard(options["shard"]))
        run = Options(
            device=options["device"],
            batch_size=batch_size(options["batch_size"]),
            force=options["force"],
            classifier=options["model"],
            weights=options["weights"],
            autoencoder=options["autoencoder"],
            autoencoder_weights=options["autoencoder_weights"],
            generator=options["generator"],
        )
        total, finished = len(examples_of(study, part)), 0
        self.stderr.write("Loading the models.")
        with ProgressBar(self.stderr) as bar:

            def show(more: int) -> None:
                nonlocal finished
                finished += more
                bar.show("rendering", finished, total)

            try:
                with executor(options["workers"], options["scheduler"]) as workers:
                    done = precompute(study, part, replace(run, executor=workers), progress=show)
            except ValidationError as error:
                raise CommandError(" ".join(error.messages)) from error
            except ModelsUnavailable as error:
                raise CommandError(str(error)) from error
        for prediction, kind, why in done.failed:
            self.stderr.write(f"case {prediction.case.public_id}, {prediction.pathology}, {kind}: {why}")
        nothing = "" if done.made or done.failed else " Nothing to do."
        self.stdout.write(
            f"Rendered {counted(done.made, 'explanation')} of {study.slug} on {done.device or 'no device'}; "
            f"{done.existing} existed, {len(done.failed)} failed.{nothing}"
        )
        if done.failed:
            raise CommandError(
                f"{counted(len(done.failed), 'explanation')} failed; see above. --force tries them again."
            )
