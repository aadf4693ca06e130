"""Opaque names of stored files, as URLs show them."""

from django import template

from readerstudy.cases import media

register = template.Library()
register.filter("public_name", media.public_name)
