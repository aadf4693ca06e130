"""The one base of refusals: what will not be done as asked, why, and which HTTP status says so.

A rule raises a Refusal; views let it pass. It becomes an answer in two places and no others: `problem_json`
(api_errors.py) for the API, `RefusalMiddleware` (refusal_pages.py) for pages. What Django refuses itself, before a view
or without words, is error_answers.py's. Rules that Django's forms and admin must understand raise Django's
ValidationError instead; `explain` and `statistics` know nothing of HTTP and raise ValueErrors of their own. No Django
here: workers on other hosts refuse too.
"""


class Refusal(Exception):
    """What will not be done as it was asked. str(): a sentence for people, which says what to do.

    code: for programs. status: of HTTP. title: what a page says above the sentence. page: the template that says it.
    """

    code = "refused"
    status = 409
    title = "This was not done"
    page = "refused.html"

    def __init__(self, sentence: str, code: str = "", status: int = 0) -> None:
        super().__init__(sentence)
        self.code = code or self.code
        self.status = status or self.status

    @property
    def sentences(self) -> list[str]:
        """Each reason on its own, where there are several."""
        return [str(self)]


class NotAllowed(Refusal):
    """Not for this person, or not now. Never Django's PermissionDenied, whose words only a page knows."""

    code, status, title = "permission_denied", 403, "Not open to you"


class NotFound(Refusal):
    """Not there for whoever asks. The API says the sentence; a page says no more than of any wrong address."""

    code, status, title, page = "not_found", 404, "Not found", "404.html"
