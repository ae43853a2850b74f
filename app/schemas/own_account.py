"""An account as it sees and sets itself."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, NoReturn
from urllib.parse import urlsplit

from marshmallow import RAISE, Schema, ValidationError, fields, validates_schema

from app.bitrix.addresses import may_be_public
from app.models.account import STATUSES, TIERS
from app.preferences import DAYS, zone
from app.schemas.base import StrictSchema, camel
from app.schemas.fields import Instant, Items

LONGEST_URL = 2_048

_OF_THE_DAY = r"([01][0-9]|2[0-3]):[0-5][0-9]"
_OR_ITS_END = _OF_THE_DAY + "|24:00"


class Timezone(fields.String):
    """The IANA name of a time zone."""

    def _deserialize(
        self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any
    ) -> str:
        try:
            zone(value if isinstance(value, str) else "")
        except LookupError:
            raise ValidationError("Not the IANA name of a time zone, such as Europe/Berlin.") from None
        return str(value)


class ClockTime(fields.String):
    """Hour and minute, `09:00`, in the form of `pattern`."""

    def __init__(self, pattern: str, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.metadata = {"pattern": f"^({pattern})$", **self.metadata}
        self._form = re.compile(pattern)

    def _deserialize(
        self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any
    ) -> str:
        if not isinstance(value, str) or not self._form.fullmatch(value):
            raise ValidationError("Not a time such as 09:00.")
        return value


class HttpsUrl(fields.String):
    """An https URL of a host on the internet, as far as its name tells."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.metadata = {"format": "uri", "pattern": "^https://", "maxLength": LONGEST_URL, **self.metadata}

    def _deserialize(
        self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any
    ) -> str:
        if not isinstance(value, str) or not _is_public_https(value):
            # Not quoted: it may hold a secret.
            raise ValidationError("Not the https URL of a public host.")
        return value


class WholeNested(fields.Nested):
    """An object whose members belong together: all of them are needed, also in a change of a few fields."""

    def _deserialize(
        self, value: Any, attr: str | None, data: Mapping[str, Any] | None, partial: Any = None, **kwargs: Any
    ) -> Any:
        return super()._deserialize(value, attr, data, partial=False, **kwargs)


class BusinessHours(Schema):
    """When an account's keys are to be used, in its time zone. `to` before `from` is on the next day."""

    class Meta:
        unknown = RAISE

    days = Items(
        lambda day: DAYS[DAYS.index(day)], wanted="a day", minimum=1, maximum=7, required=True, enum=DAYS
    )
    opens = ClockTime(_OF_THE_DAY, data_key="from", attribute="from", required=True)
    closes = ClockTime(_OR_ITS_END, data_key="to", attribute="to", required=True)

    @validates_schema
    def some_time(self, data: Mapping[str, Any], **_: Any) -> None:
        """From 09:00 to 09:00 would be all day to one reader, and no time to another."""
        if data["from"] == data["to"]:
            raise ValidationError({"to": ["Must be another time than from."]})


class ChangeOwnAccount(StrictSchema):
    """The body of `PATCH /api/v1/account`; load it with `partial=True`."""

    timezone = Timezone(metadata={"description": "Of business hours: the IANA name, `Europe/Berlin`."})
    business_hours = WholeNested(
        BusinessHours,
        allow_none=True,
        metadata={"description": "Uses outside of them raise `AFTER_HOURS`; null: at any time."},
    )
    alert_webhook_url = HttpsUrl(
        allow_none=True, metadata={"description": "Where alerts are posted; null: nowhere."}
    )

    def handle_error(self, error: ValidationError, data: Any, *, many: bool, **kwargs: Any) -> NoReturn:
        """Say of fields that are there, but not to be changed here, that they are."""
        if isinstance(error.messages, dict):
            for name in _READ_ONLY & error.messages.keys():
                error.messages[name] = ["Read only."]
        super().handle_error(error, data, many=many, **kwargs)


class OwnAccount(StrictSchema):
    """An account, without its password."""

    id = fields.String(required=True, metadata={"format": "uuid"})
    email = fields.String(required=True)
    status = fields.String(required=True, metadata={"enum": list(STATUSES)})
    tier = fields.String(required=True, metadata={"enum": list(TIERS)})
    hourly_limit = fields.Integer(
        required=True,
        allow_none=True,
        metadata={"description": "Requests an hour of all its keys together; null: no limit."},
    )
    timezone = fields.String(required=True)
    business_hours = fields.Nested(BusinessHours, required=True, allow_none=True)
    alert_webhook_url = fields.String(
        required=True, allow_none=True, metadata={"description": "Without what is behind the host."}
    )
    created_at = Instant(required=True)


class ChangedOwnAccount(OwnAccount):
    """The account in the one answer that holds the secret of its webhook."""

    alert_webhook_secret = fields.String(
        metadata={"description": "There if the URL was set. It signs each call; shown once: save it now."}
    )


_READ_ONLY = {
    camel(name)
    for name in ChangedOwnAccount._declared_fields.keys() - ChangeOwnAccount._declared_fields.keys()
}


def _is_public_https(url: str) -> bool:
    try:
        parts = urlsplit(url)
        if parts.port == 0:
            return False
    except ValueError:
        return False
    visible = url.isascii() and url.isprintable() and " " not in url and len(url) <= LONGEST_URL
    plain = parts.scheme == "https" and "@" not in parts.netloc and not parts.fragment
    return visible and plain and may_be_public(parts.hostname or "")
