"""What the reading room refuses, by code: the one list. docs/reading-api.md has it as a table, held to it by a test."""

from readerstudy.common.refusals import Refusal

# Code -> when. A page or a program acts on the code; the sentence that comes with it is for the reader.
CODES = {
    "asked_elsewhere": "feedback: another open study asks this reader about the radiograph",
    "changes_not_allowed": "an answer that differs from the stored one, where `allow_changes` is false",
    "id_conflict": "an answer's id is stored already, with another score, question, visit or reader",
    "incomplete": "finishing: examples without all their answers, named by position",
    "locked": "starting: the read before this one is not finished",
    "nothing_left": "starting: every read is finished, or none is allocated",
    "not_answered": "feedback: a question of this practice example is open",
    "not_asked": "a question about the explanation, where the method shows none",
    "not_practice": "feedback: the example is a scored one",
    "not_ready": "starting: consent, profile or instructions come first, on the study's own pages",
    "out_of_range": "a score off the question's scale",
    "read_finished": "an answer in a read that is finished",
    "stale_read": "finishing: the read named is not the open one",
    "stale_visit": "a visit of another read than the open one, or with a wrong `visit_token`",
    "study_closed": "anything that would be stored, once the study is closed",
    "unknown_question": "a question that the study does not have",
    "unknown_visit": "a visit that is not stored, or is another reader's: send it first",
    "visit_conflict": "a visit's id is stored with another example, or an answer names another place than its visit",
    "washout": "starting: the washout has not passed",
    "wrong_reader": "`X-Reader` is not the reader who is logged in",
}


class ReadRefused(Refusal):
    """What the server will never take as it is. Raises KeyError for a code that is not in CODES."""

    def __init__(self, code: str, sentence: str) -> None:
        CODES[code]
        super().__init__(sentence, code)
