"""Mails to readers: what they say, who is due one, sending each once, and wanting none.

May not live here: the study's texts (studies/mails.py), pages, anything about a case or an answer.
"""
