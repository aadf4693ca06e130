"""Study design: Study, Method, Question, Membership, Invitation, Selection, Example; the composer pages.

Lives here: what is fixed before reading starts, and its freezing. May not live here: answers.
"""
