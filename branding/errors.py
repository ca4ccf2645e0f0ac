"""What can be wrong with what is given for a brand; each text is for whoever gave it."""


class BrandingError(Exception):
    """Root of the room's errors."""


class BadLogo(BrandingError):
    """The file is not accepted as a logo."""


class BadPlace(BrandingError):
    """A host, domain or address that cannot be, or is another brand's."""


class BadBrand(BrandingError):
    """A brand that cannot be made, changed or archived so."""
