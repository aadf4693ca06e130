"""predict: fill a batch's probabilities with a registered classifier."""

from functools import partial
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from readerstudy.cases.loading.names import names_apart
from readerstudy.cases.models import Batch
from readerstudy.common.arguments import add_workers, batch_size, shard
from readerstudy.common.counting import counted
from readerstudy.common.progress import ProgressBar
from readerstudy.explanations.executors.choosing import executor
from readerstudy.explanations.model_loading import ModelsUnavailable
from readerstudy.explanations.predicting import predict


class Command(BaseCommand):
    help = (
        "Predict every pathology of every case of a batch. "
        "Example: python manage.py predict --batch nih-1 --model xrv-densenet121-all"
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--batch", required=True, help="name of a loaded batch")
        parser.add_argument("--model", required=True, help="demo, xrv-densenet121-all ..., or package.module.Class")
        parser.add_argument("--weights", type=Path, help="a weight file to use instead of the model's own")
        parser.add_argument("--device", default="auto", help="auto, cpu, cuda or cuda:N")
        parser.add_argument("--batch-size", default="auto", help="auto (found by trying) or a number of images")
        parser.add_argument("--shard", default="1/1", help="i/n: the i-th of n parts, for several machines")
        add_workers(parser)
        parser.add_argument("--add-model", action="store_true", help="keep predictions of other models beside these")

    def handle(self, *args: Any, **options: Any) -> None:
        size, part = batch_size(options["batch_size"]), shard(options["shard"])
        batch = Batch.objects.filter(name=options["batch"]).first()
        if batch is None:
            raise CommandError(f"There is no batch “{options['batch']}”. Load it with load_cases.")
        self.stderr.write(f"Loading {options['model']}.")
        with ProgressBar(self.stderr) as bar:
            try:
                with executor(options["workers"], options["scheduler"]) as workers:
                    done = predict(
                        batch,
                        options["model"],
                        device=options["device"],
                        batch_size=size,
                        shard=part,
                        weights=options["weights"],
                        add_model=options["add_model"],
                        by_operator=True,
                        progress=partial(bar.show, "predicting"),
                        executor=workers,
                    )
            except ModelsUnavailable as error:
                raise CommandError(str(error)) from error
        for case, why in done.failed:
            self.stderr.write(f"{case}: {why}")
        self.stdout.write(
            f"Predicted {counted(done.filled, 'case')} of {batch} with {done.model} on {done.device}; "
            f"{done.skipped} had predictions already, {len(done.failed)} failed."
        )
        for sentence in names_apart(batch, done.model):
            self.stderr.write(f"Warning: {sentence}")
        if done.failed:
            raise CommandError(f"{counted(len(done.failed), 'case')} could not be predicted; see above.")
