import pytest

from explain.errors import LONGEST, clean, said


@pytest.mark.parametrize(
    "error, words",
    [
        (ValueError("the map is constant"), "the map is constant"),
        (KeyError("demo does not predict 'Mass'"), "demo does not predict 'Mass'"),
        (KeyError("lambdas"), "KeyError: lambdas"),
        (TypeError("not this one"), "TypeError: not this one"),
        (ValueError(), "ValueError"),
        (AssertionError(" "), "AssertionError"),
        (ValueError("half \ud83d and \0"), "half \ufffd and \ufffd"),
        (OSError("x" * 3000), f"OSError: {'x' * 3000}"[:LONGEST]),
    ],
)
def test_an_error_is_said_in_words_that_can_be_stored(error: Exception, words: str) -> None:
    assert said(error) == words


def test_whole_characters_are_kept() -> None:
    assert clean("Größe 😀\n\t") == "Größe 😀\n\t"
