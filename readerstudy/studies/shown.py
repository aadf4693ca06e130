"""What a study tells its readers beside the images: the choices, one class each. Their fields are Study's."""

from django.db import models

from explain.render.colour_scales import BRIGHTENING, PUBLISHED


class Probability(models.TextChoices):
    """How the model's probability is told. The bands are `band`'s."""

    EXACT = "exact", "exactly, in per cent"
    BANDS = "bands", "as a quarter: 0–25, 25–50, 50–75 or 75–100 %"
    HIDDEN = "hidden", "not at all"


class PanelTitles(models.TextChoices):
    TECHNIQUES = "techniques", "the technique, such as Guided backprop"
    NEUTRAL = "neutral", "neutral: Map 1, Map 2, Animation"


class AnimationFrames(models.TextChoices):
    RENDERED = "rendered", "as many as were rendered"
    SAME = "same", "as many for every example, the unchanged image in the same place"


class HeatmapScale(models.TextChoices):
    """How strong a heat map's pixels are, as colours: the scales of explain.render.colour_scales."""

    PUBLISHED = PUBLISHED.name, PUBLISHED.title
    BRIGHTENING = BRIGHTENING.name, BRIGHTENING.title


class Fact(models.TextChoices):
    """Facts of a case that readers may be told."""

    SEX = "sex", "sex"
    AGE = "age", "age"
    VIEW = "view", "view (AP or PA)"
    ORIGIN = "origin", "the data set that the image is from"


FIRST_FACTS = "sex age"  # what readers were told before a study could choose


def quarter(probability: float) -> int:
    """The quarter of 0..1 in which a probability lies, 0 to 3; a border belongs to the quarter above it."""
    return min(int(4 * probability), 3)


def band(probability: float) -> str:
    """That quarter in per cent."""
    low = 25 * quarter(probability)
    return f"{low}–{low + 25} %"
