"""The one way in for readers. First line of every reading-room view: `me = reader(request, slug)`.

Every further object is looked up from that reader (`Assignment.objects.filter(read__reader=me)`), so that nothing of
another reader or study can be reached.
"""

from readerstudy.accounts.access import AnyRequest, signed_in
from readerstudy.common.refusals import NotAllowed, NotFound
from readerstudy.reading.models import Reader
from readerstudy.studies.models import Membership, Study


def reader(request: AnyRequest, slug: str) -> Reader:
    """The reader asking, with `.study` loaded, in an open or closed study; 404 for anybody else.

    A reader who has withdrawn is refused with a sentence (403). Consent and instructions are the reading room's to ask.
    """
    user = signed_in(request)
    found = (
        Reader.objects.select_related("study", "membership")
        .filter(membership__user=user, membership__role=Membership.Role.READER, study__slug=slug)
        .exclude(study__state=Study.State.DRAFT)
        .first()
    )
    if found is None:
        raise NotFound("There is no such study to read, or it has not opened yet.")
    if found.withdrawn_at is not None:
        raise NotAllowed("You have withdrawn from this study. Ask the person who runs it if this is a mistake.")
    return found
