"""How a read begins: consent, profile and instructions first, then practice, then one read after the other."""

from readerstudy.reading import progress, recording
from readerstudy.reading.models import Read, Reader
from readerstudy.reading.refusals import ReadRefused


def next_step(me: Reader) -> str:
    """Name of the page a reader must go through first; "reading_list" when all is done."""
    if me.consented_at is None:
        return "reading_consent"
    if not me.specialty:
        return "reading_profile"
    if me.instructions_read_at is None:
        return "reading_instructions"
    return "reading_list"


def start_next(me: Reader) -> Read:
    """Open the read that is next, or go on with the one that is open. Raises ReadRefused when none can be."""
    step = next_step(me)
    if step != "reading_list":
        raise ReadRefused("not_ready", f"Go to the study's pages first: {step.removeprefix('reading_')} comes next.")
    now = progress.current(progress.reads_of(me))
    if now is None:
        raise ReadRefused("nothing_left", "There is no read to start: all that you have are finished.")
    recording.start_read(me, now.read)
    return now.read
