"""The data dictionary's page is the one that the code makes."""

from pathlib import Path

from readerstudy.exchange.dictionary import markdown

PAGE = Path(__file__).resolve().parents[2] / "docs" / "data-dictionary.md"


def test_the_page_is_current():
    assert PAGE.read_text(encoding="utf-8") == markdown(), "Run: python -m readerstudy.exchange.dictionary"
