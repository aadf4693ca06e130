import subprocess
import sys

import pytest

from explain.methods.kinds import KINDS, kind


def test_the_kinds_of_both_methods() -> None:
    assert list(KINDS) == [
        "input_gradient",
        "guided_backprop",
        "integrated_gradients",
        "latentshift_map",
        "latentshift_animation",
    ]
    assert all(k.name == name and k.title and k.what_is_this and k.algorithm_version >= 1 for name, k in KINDS.items())
    assert kind("latentshift_map").uses_autoencoder and not kind("guided_backprop").uses_autoencoder
    with pytest.raises(KeyError, match="no kind of explanation is called 'grad'"):
        kind("grad")


def test_the_web_tier_can_import_it_without_torch() -> None:
    code = "import sys, explain.methods.kinds, explain.render.checks; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
