"""What happened to a study, for apps above this one to act on (studies must not import reading)."""

from django.dispatch import Signal

# sender=Study, study=Study: the protocol has just been frozen; runs inside the opening transaction.
study_opened = Signal()
# sender=Study, study=Study: whether to close it is being asked; receivers answer with a sentence on what is unfinished.
closing_asked = Signal()
# sender=Invitation, membership=Membership: a person has just joined; runs inside the accepting transaction.
invitation_accepted = Signal()
