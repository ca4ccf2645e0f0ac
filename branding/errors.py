"""What can be wrong with what is given for a brand; each text is for whoever gave it."""


class BrandingError(Exception):
    """Root of the room's errors."""


class BadLogo(BrandingError):
    """The file is not accepted as a logo."""


class BadPlace(BrandingError):
    """A host, domain or address that cannot be, or is another brand's."""


class BadBrand(BrandingError):
    """A brand that cannot be made, changed or archived so."""


class BrandForged(BadBrand):
    """The row of a brand is not as the portal wrote it: no page, no link and no message is made of it."""

    def __init__(self, slug: str) -> None:
        super().__init__(
            f"The brand {slug} is not as the portal wrote it: somebody wrote the database, or a backup was put back. "
            "See manage.py grants list; put right what was changed, or seal it if it is yours."
        )
