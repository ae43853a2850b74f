"""Domain names that are not ASCII, in the form in which they are looked up.

IDNA 2003 (RFC 3490), which is Python's codec, and IDNA 2008 (RFC 5891) do not always mean the same domain:
for the one faß.de is another way to write fass.de, for the other it is a domain of its own, and each may
belong to somebody else. Only names are taken in which neither of them replaces anything.
"""

from __future__ import annotations

from unicodedata import normalize


def ascii_domain(domain: str) -> str:
    """Return the name in ASCII, as `xn--mnchen-3ya.de` for münchen.de.

    Raises `ValueError` if it is no domain name, or one that can be understood in two ways: with ß, ς, joiners
    of zero width, capitals that are not ASCII, and whatever else is mapped to something.
    """
    in_ascii = domain.encode("idna")
    if not domain.isascii():
        # The codec maps by Unicode 3.2: letters that are newer have to be looked at besides.
        unchanged = normalize("NFKC", domain.casefold())
        if not domain == unchanged == in_ascii.decode("idna"):
            raise ValueError(f"{domain!r} can be understood in two ways")
    return in_ascii.decode()
