"""How a part is installed that the web tier does without."""


def how_to_install(extra: str) -> str:
    """For the end of a refusal. extra: a name of [project.optional-dependencies], which requirements/ has a file of."""
    return f"pip install -r requirements/{extra}.txt (where this is installed as a package: with its extra {extra})"
