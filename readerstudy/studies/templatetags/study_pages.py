"""The tabs of a study and links to pages of other apps, in templates."""

from django import template

from readerstudy.common.counting import figure_text
from readerstudy.studies import navigation

register = template.Library()
register.simple_tag(navigation.tabs, name="study_tabs")
register.filter("figure_text", figure_text)


@register.simple_tag
def page_address(page: str, *args: object) -> str:
    """The address of the page that an app has declared as `page`; "" where there is none."""
    return navigation.address(page, *args)
