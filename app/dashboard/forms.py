"""A form as it is shown: what stands in its fields, and what is wrong with that.

Fields have the names of the API's, so that what a schema refuses is told beside the field::

    form = Form.from_request()
    try:
        services().keyring.issue(...)
    except ApiError as error:
        return render("keys/new.html", ..., form=form.refused(error), status=error.status)
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from flask import request

from app.dashboard.protection import CSRF_FIELD
from app.errors import ApiError
from app.schemas.base import WHOLE_BODY

_LOOK = "Nothing was saved yet: look at what is marked."


@dataclass(frozen=True, slots=True)
class Form:
    """`values` by field, a list where a field has several; `errors` by field; `general` is about it all."""

    values: Mapping[str, Any] = field(default_factory=dict)
    errors: Mapping[str, Sequence[str]] = field(default_factory=dict)
    general: str | None = None

    @classmethod
    def from_request(cls) -> Form:
        """Return the form as it was sent."""
        sent = request.form.to_dict(flat=False)
        sent.pop(CSRF_FIELD, None)
        return cls({name: values if len(values) > 1 else values[0] for name, values in sent.items()})

    def value(self, name: str) -> str:
        """Return what stands in a field, the empty text for nothing."""
        return next(iter(self.all(name)), "")

    def lines(self, name: str) -> str:
        """Return the text of a field with the ends of lines that it was shown with: browsers send CR LF."""
        return self.value(name).replace("\r\n", "\n")

    def all(self, name: str) -> list[str]:
        """Return all that was chosen of a field's values."""
        value = self.values.get(name)
        if value is None:
            return []
        several = value if isinstance(value, Sequence) and not isinstance(value, str) else [value]
        return [str(one) for one in several]

    def errors_of(self, name: str) -> Sequence[str]:
        """Return what is wrong with a field."""
        return self.errors.get(name, ())

    def refused(self, error: ApiError) -> Form:
        """Return the form with what the service has against it.

        Raises the error itself where it is about no form: what is not there, and what can't be done now.
        """
        if error.code in ("ENTITY_NOT_FOUND", "DATABASE_UNAVAILABLE"):
            raise error
        if error.code != "VALIDATION_ERROR":
            return replace(self, general=" ".join(filter(None, (error.message, error.hint))))
        errors = dict(error.details or {})
        about_all = errors.pop(WHOLE_BODY, None)
        return replace(self, errors=errors, general=" ".join(about_all) if about_all else _LOOK)
