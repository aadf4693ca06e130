"""The MRMC package stands alone."""

import subprocess
import sys


def test_it_is_importable_without_django():
    code = (
        "import sys; from readerstudy.statistics.mrmc import obuchowski_rockette; "
        "sys.exit(any(name.split('.')[0] == 'django' for name in sys.modules))"
    )
    assert subprocess.run([sys.executable, "-c", code], env={}, check=False).returncode == 0
