"""Bodies that are none: each is refused by the contract's 4xx, nothing changed, and never a 5xx."""

from __future__ import annotations

import gzip
import io
import json
from dataclasses import dataclass
from typing import Any

import pytest

from app.db import driver
from app.json_body import MAX_BYTES, MAX_DEPTH, MAX_VALUES
from app.registry import ROUTES
from tests.api.linked import ENTITY_SCOPES
from tests.api.world import MANAGEMENT_SCOPES, Answer, World

JSON = "application/json"
WRITES = [route.operation_id for route in ROUTES if route.example.body is not None]
OPTIONAL = {"rotateKey", "rotatePersonalKey"}
LONE_SURROGATE = "\\ud800"

Nested = Any


def largest(write: str) -> int:
    """How many bytes the body of an operation may have."""
    return 8 * MAX_BYTES if write in ("createArtifact", "updateArtifact") else MAX_BYTES


def nested(levels: int) -> Nested:
    """`levels` lists, one in the other."""
    value: Nested = []
    for _ in range(levels - 1):
        value = [value]
    return value


@dataclass(frozen=True)
class Sender:
    """Sends what shall be refused, about a key that nothing here can change."""

    world: World
    key_id: str
    keys: dict[str, str]

    def send(self, operation_id: str, **kwargs: Any) -> Answer:
        """Send a request, and see that not one row was written."""
        route = next(route for route in ROUTES if route.operation_id == operation_id)
        key = next(key for key_type, key in self.keys.items() if key_type in route.types)
        path = route.path.format(id=self.key_id, project="a", slug="b")
        database = driver(self.world.services.db)
        before = database.total_changes()
        answer = self.world.call(route.method, path, key, **kwargs)
        assert database.total_changes() == before, answer.body
        return answer


@pytest.fixture(scope="module")
def sender(still_world: World) -> Sender:
    admin = still_world.admin
    scopes = [*MANAGEMENT_SCOPES, "vibe:mgmt:feedback"]
    keys = {
        "management": still_world.issue("management", admin.account, scopes=scopes).raw_key,
        "api": still_world.portal_key(scopes=["vibe:infra", *ENTITY_SCOPES]).raw_key,
        "personal": still_world.personal_key(integrations=["ai_tools", "cli"]).raw_key,
    }
    return Sender(still_world, still_world.portal_key(admin, name="as it was").key.id, keys)


def refused(answer: Answer, *fields: str) -> None:
    assert (answer.status, answer.code) == (400, "VALIDATION_ERROR"), answer.body
    assert sorted(answer.error["details"]) == sorted(fields)
    for reasons in answer.error["details"].values():
        assert reasons
        assert all(isinstance(reason, str) and reason for reason in reasons)


@pytest.mark.parametrize("write", WRITES)
@pytest.mark.parametrize(
    "text",
    [
        b"{",
        b"{]",
        b'{"name": }',
        b"{'name': 'x'}",
        b'{"name": "x"} trailing',
        b'{"a": 1,}',
        b"\xff\xfe",
        b'{"name": "\xff"}',
        '{"name": "x"}'.encode("utf-16"),
        b"\xef\xbb\xbf{}",
        b"[]",
        b"null",
        b"true",
        b"5",
        b'"text"',
        b"NaN",
        b" ",
        b"[" * 100_000,
        b'{"a":' * 100_000,
        b'[{"a":' * 50_000,
        b'{"a": "\x00"}',
    ],
    ids=lambda text: repr(text[:20]),
)
def test_400_not_a_json_object(sender: Sender, write: str, text: bytes) -> None:
    refused(sender.send(write, data=text, content_type=JSON), "_body")


@pytest.mark.parametrize("write", WRITES)
@pytest.mark.parametrize(
    "value",
    [
        "NaN",
        "Infinity",
        "-Infinity",
        "1e400",
        "-1e400",
        "9" * 5_000,
        '"\\u0000"',
        f'"{LONE_SURROGATE}"',
        f'{{"deep": ["{LONE_SURROGATE}"]}}',
        '{"\\u0000": 1}',
        f'{{"{LONE_SURROGATE}": 1}}',
        json.dumps(nested(MAX_DEPTH)),
    ],
    ids=lambda value: value[:20],
)
def test_400_what_no_field_may_hold_is_blamed_on_its_field(sender: Sender, write: str, value: str) -> None:
    text = f'{{"metadata": {value}}}'

    refused(sender.send(write, data=text, content_type=JSON), "metadata")


@pytest.mark.parametrize("write", WRITES)
@pytest.mark.parametrize("name", ["\\u0000", LONE_SURROGATE, f"x{LONE_SURROGATE}"])
def test_400_a_name_that_is_no_text_is_not_repeated(sender: Sender, write: str, name: str) -> None:
    refused(sender.send(write, data=f'{{"{name}": 1}}', content_type=JSON), "_body")


@pytest.mark.parametrize("write", WRITES)
@pytest.mark.parametrize(
    ("text", "fields"),
    [
        ('{"name": "a", "name": "a"}', ["name"]),
        ('{"name": "a", "text": 1, "\\u006eame": "b", "text": 2}', ["name", "text"]),
        ('{"metadata": {"a": [{"b": 1, "b": 2}], "c": 1}}', ["b"]),
        ('{"": 1, "": 2}', [""]),
        (f'{{"{LONE_SURROGATE}": 1, "{LONE_SURROGATE}": 2}}', ["_body"]),
    ],
    ids=lambda value: value[:20] if isinstance(value, str) else "",
)
def test_400_a_name_that_comes_twice(sender: Sender, write: str, text: str, fields: list[str]) -> None:
    answer = sender.send(write, data=text, content_type=JSON)

    assert (answer.status, answer.code) == (400, "VALIDATION_ERROR")
    assert answer.error["details"] == {name: ["Must not come twice."] for name in fields}


@pytest.mark.parametrize("write", WRITES)
def test_413_announced(sender: Sender, write: str) -> None:
    answer = sender.send(write, data=b" " * (largest(write) + 1), content_type=JSON)

    assert (answer.status, answer.code) == (413, "PAYLOAD_TOO_LARGE")


@pytest.mark.parametrize("write", WRITES)
def test_400_the_largest_body_is_read_to_its_end(sender: Sender, write: str) -> None:
    body = b'{"unknown": 1'.ljust(largest(write) - 1) + b"}"

    answer = sender.send(write, data=body, content_type=JSON)

    assert {"unknown", "hook_event_name"} & set(answer.error["details"]) or answer.code == "MISSING_PORTAL_ID"


@pytest.mark.parametrize("write", WRITES)
@pytest.mark.parametrize(
    "value", [b"[],", b"{},", b'"",', b"0,", b'"\\"",', b'"\\\\",', b'{"a":"b"},'], ids=bytes.decode
)
def test_400_too_many_values(sender: Sender, write: str, value: bytes) -> None:
    body = b'{"metadata": [' + value * MAX_VALUES + b"0]}"

    refused(sender.send(write, data=body, content_type=JSON), "_body")


def test_400_of_many_values_in_a_text_only_the_text_counts(sender: Sender) -> None:
    text = json.dumps({"metadata": '[],{},"",\\"' * (MAX_VALUES // 4)})

    answer = sender.send("createArtifact", data=text, content_type=JSON)

    assert answer.error["details"]["metadata"] == ["Not an object."]


@pytest.mark.parametrize("write", WRITES)
def test_413_chunked(sender: Sender, write: str) -> None:
    """A chunked body announces no length; gunicorn marks its end for us."""
    answer = sender.send(
        write,
        input_stream=io.BytesIO(b" " * (largest(write) + 1)),
        content_type=JSON,
        environ_overrides={"wsgi.input_terminated": True, "HTTP_TRANSFER_ENCODING": "chunked"},
    )

    assert (answer.status, answer.code) == (413, "PAYLOAD_TOO_LARGE")


class BrokenStream(io.RawIOBase):
    """What a server hands over of a body whose chunks are malformed: it fails where they are read."""

    def readable(self) -> bool:
        return True

    def readinto(self, _buffer: object) -> int:
        raise ValueError("zz is no chunk size")


@pytest.mark.parametrize("write", WRITES)
def test_400_a_body_that_cannot_be_read(sender: Sender, write: str) -> None:
    answer = sender.send(
        write,
        content_type=JSON,
        environ_overrides={
            "wsgi.input": BrokenStream(),
            "wsgi.input_terminated": True,
            "HTTP_TRANSFER_ENCODING": "chunked",
        },
    )

    assert (answer.status, answer.code) == (400, "VALIDATION_ERROR")


def test_200_chunked_body_is_read(world: World) -> None:
    issued = world.portal_key()

    answer = world.call(
        "PATCH",
        f"/v1/keys/{issued.key.id}",
        input_stream=io.BytesIO(b'{"name": "in pieces"}'),
        content_type=JSON,
        environ_overrides={"wsgi.input_terminated": True, "HTTP_TRANSFER_ENCODING": "chunked"},
    )

    assert answer.data["name"] == "in pieces"


@pytest.mark.parametrize("write", WRITES)
@pytest.mark.parametrize(
    "content_type", [None, "", "text/plain", "application/x-www-form-urlencoded", "text/json", "json", "\x00"]
)
def test_415_not_json(sender: Sender, write: str, content_type: str | None) -> None:
    answer = sender.send(write, data=b'{"name": "x"}', content_type=content_type)

    assert (answer.status, answer.code) == (415, "UNSUPPORTED_MEDIA_TYPE")


@pytest.mark.parametrize("write", WRITES)
def test_415_compressed(sender: Sender, write: str) -> None:
    body, headers = gzip.compress(b'{"name": "x"}'), {"Content-Encoding": "gzip"}

    answer = sender.send(write, data=body, content_type=JSON, headers=headers)

    assert (answer.status, answer.code) == (415, "UNSUPPORTED_MEDIA_TYPE")
    assert "compressed" in answer.error["message"]


def test_an_encoding_that_is_none_is_none(sender: Sender) -> None:
    answer = sender.send(
        "updateKey", data=b'{"name": 5}', content_type=JSON, headers={"Content-Encoding": "Identity"}
    )
    refused(answer, "name")


@pytest.mark.parametrize("write", [write for write in WRITES if write not in OPTIONAL])
def test_400_no_body_where_one_is_needed(sender: Sender, write: str) -> None:
    refused(sender.send(write), "_body")


@pytest.mark.parametrize(
    "content_type", ["application/json; charset=utf-8", "APPLICATION/JSON", "application/x+json"]
)
def test_200_json_by_other_names(world: World, content_type: str) -> None:
    key_id = world.portal_key().key.id

    answer = world.call(
        "PATCH", f"/v1/keys/{key_id}", data='{"name": "é"}'.encode(), content_type=content_type
    )

    assert answer.data["name"] == "é"


@pytest.mark.parametrize("write", WRITES)
def test_400_unknown_fields_are_named_but_not_by_the_thousand(sender: Sender, write: str) -> None:
    pasted = sender.world.admin.management_key
    body = {
        "portalId": sender.world.portal.id,
        pasted: 1,
        **{f"field{number}": 1 for number in range(10_000)},
    }
    if write != "createKey":
        del body["portalId"]

    answer = sender.send(write, json=body)

    assert (answer.status, answer.code) == (400, "VALIDATION_ERROR")
    assert len(answer.body) < 2_000
    assert pasted.encode() not in answer.body


TEXT = [None, 5, 5.5, True, [], {}, ["x"], ""]
NUMBER = ["5", "", True, False, 5.0, 5.7, 0, -1, 10**9 + 1, 2**63, 10**30, 10**90, -(2**63) - 1, [], [5], {}]
LIST = [None, "crm", 5, True, {}, {"0": "crm"}, [None], [5], [True], [["crm"]], [{}], [""], ["crm", 5]]

BAD_FIELDS: dict[str, list[Any]] = {
    "name": [
        *TEXT,
        "\u200b",
        "\ufeff\u2060 \u3000",
        " ",
        "\t",
        " ",
        "n" * 256,
        "n" * 10_000,
        "a\nb",
        "a\x1bb",
        "a\x7fb",
        "a\x85b",
    ],
    "scopes": [*LIST, [], ["unknown"], ["CRM"], ["vibe:mgmt:keys"], ["ai_tools"], ["crm"] * 1001, [" crm"]],
    "ipWhitelist": [
        ["10.0.0.1/0.0.0.0"],
        *[value for value in LIST if value != [""]],
        *[[text] for text in ("", "10.0.0", "10.0.0.1/33", "10.0.0.1/-1", "::1/129", "fe80::1%eth0", " ::1")],
        *[
            [text]
            for text in (
                "localhost",
                "١٢٧.0.0.1",
                "10.0.0.1/٨",
                "0x7f.1",
                "1",
                "10.0.0.1,10.0.0.2",
                "x" * 999,
            )
        ],
        [f"10.0.{number // 256}.{number % 256}" for number in range(1001)],
    ],
    "rateLimit": NUMBER,
    "hourlyLimit": NUMBER,
    "expiresAt": [
        *[value for value in TEXT if value is not None],
        *["soon", "2099-01-01", "2099-01-01T00:00:00", "2099-13-01T00:00:00Z", "2099-01-01T25:00:00Z"],
        *["2001-01-01T00:00:00Z", "9999-12-31T23:59:59-23:59", "0001-01-01T00:00:00+23:59", "4102444800"],
        *[
            "２０９９-01-01T00:00:00Z",
            "2099-01-01T00:00:00Z\n",
            "x" * 10_000,
            4102444800,
            4102444800.5,
            10**400 // 1,
        ],
    ],
    "metadata": [
        None,
        5,
        True,
        "text",
        [],
        [{}],
        {"a": "x" * 4096},
        {str(number): number for number in range(999)},
    ],
    "status": [None, 5, True, [], {}, "", "active", "EXPIRED", "ROTATED", "ACTIVE "],
}
CASES = [(field, value) for field, values in BAD_FIELDS.items() for value in values]


@pytest.mark.parametrize(("field", "value"), CASES, ids=lambda value: repr(value)[:30])
def test_400_bad_field_of_a_new_key(sender: Sender, field: str, value: Any) -> None:
    body = {"portalId": sender.world.portal.id, "name": "till", "scopes": ["crm"], field: value}

    refused(sender.send("createKey", json=body), field)


@pytest.mark.parametrize(("field", "value"), CASES, ids=lambda value: repr(value)[:30])
def test_400_bad_field_of_a_change(sender: Sender, field: str, value: Any) -> None:
    answer = sender.send("updateKey", json={field: value})

    refused(answer, field)
    shown = sender.world.call("GET", f"/v1/keys/{sender.key_id}").data
    assert (shown["name"], shown["status"]) == ("as it was", "ACTIVE")


@pytest.mark.parametrize(
    ("field", "value"),
    [
        *[("graceHours", value) for value in (None, "1", "", True, [], {}, -1, -0.001, 24.5, 10**30, 1e300)],
        *[("expiresAt", value) for value in BAD_FIELDS["expiresAt"]],
    ],
    ids=lambda value: repr(value)[:30],
)
def test_400_bad_field_of_a_rotation(sender: Sender, field: str, value: Any) -> None:
    refused(sender.send("rotateKey", json={field: value}), field)


@pytest.mark.parametrize("value", [5, True, [], {}, 5.5])
def test_400_portal_id_of_another_type(sender: Sender, value: Any) -> None:
    answer = sender.send("createKey", json={"portalId": value, "name": "x", "scopes": ["crm"]})

    refused(answer, "portalId")


@pytest.mark.parametrize("portal_id", ["\\u0000", LONE_SURROGATE])
def test_400_portal_id_that_is_no_text(sender: Sender, portal_id: str) -> None:
    text = f'{{"portalId": "{portal_id}"}}'

    refused(sender.send("createKey", data=text, content_type=JSON), "portalId")
