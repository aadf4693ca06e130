"""`python -m explain.training COMMAND`; without a command, what trains the demo pair (explain.demo.training)."""

import importlib
import sys
from collections.abc import Sequence

from explain.models.allocator import restart_keeping_memory

# name -> module:function, imported when it is asked for
COMMANDS = {
    "autoencoder": "explain.training.autoencoder_command:main",
    "demo": "explain.demo.training:main",
    "vagan": "explain.training.vagan_command:main",
}


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command that the first argument names, with the others."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    if given[:1] in ([], ["-h"], ["--help"]):
        sys.stdout.write(f"python -m explain.training {{{','.join(COMMANDS)}}} ...   (--help after it says more)\n")
        raise SystemExit(0 if given else 2)
    name = given.pop(0) if given[0] in COMMANDS else "demo"
    if name == "demo" and given and not given[0].startswith("-"):
        raise SystemExit(f"explain.training: there is no command {given[0]}; there are {', '.join(COMMANDS)}")
    module, _, function = COMMANDS[name].partition(":")
    getattr(importlib.import_module(module), function)(given)


if __name__ == "__main__":
    restart_keeping_memory()
    main()
