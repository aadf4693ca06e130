"""Each item of a guideline is answered by a part of the report that exists, or says what is left to the authors."""

from readerstudy.analysis import guidelines

PARTS = {value for name, value in vars(guidelines).items() if name.isupper() and isinstance(value, str)}
PARTS -= {guidelines.YOURS}


def test_every_item_names_parts_of_the_report_or_says_why_not():
    for title, items in guidelines.GUIDELINES.items():
        for item in items:
            assert set(item.sections) <= PARTS, (title, item.number)
            assert item.sections or item.say, (title, item.number)


def test_every_part_named_here_answers_an_item():
    items = [item for items in guidelines.GUIDELINES.values() for item in items]
    assert {section for item in items for section in item.sections} == PARTS
