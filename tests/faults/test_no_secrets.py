"""Q12: secrets are planted wherever there is a place for them, everything is made to fail, and none is found.

One service with its Valkey and its worker, a portal's webhook and an SMTP server. What is searched: its
database with the write-ahead log, Redis and its append-only file, the log, mails, the answers over HTTP but
for the raw key in the one that shows it, what commands print, the command lines of its processes.
"""

from __future__ import annotations

import base64
import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import apsw
import pytest
import redis

from app.bitrix.sandbox import Sandbox
from app.errors import ERRORS
from tests.api.upstream import webhook
from tests.faults.figures import Figures
from tests.faults.planted import Haul
from tests.faults.scene import ADA, BOB, Scene
from tests.mail.server import MailServer
from tests.serve.processes import eventually

FILL_THE_TICKET = """
    INSERT INTO ticket_comment (id, ticket_id, author, account_id, text, status, created_at)
    SELECT 'filler', ticket_id, author, account_id, printf('%.*c', 1000000, 'x'), status, created_at
    FROM ticket_comment LIMIT 1
"""
MALFORMED = (
    b"GET /v1/me HTTP/1.1\r\nHost: a\r\nX-Api-Key : %s\r\n\r\n",
    b"GET /v1/me HTTP/1.1\r\nHost: a\r\n%s\r\n\r\n",
    b"GET /v1/me HTTP/1.1\r\nHost: a\r\nX-Api-Key: a\r\n %s\r\n\r\n",
    b"GET /v1/me HTTP/%s\r\nHost: a\r\n\r\n",
    b"GET %s\r\n\r\n",
    b"%s / HTTP/1.1\r\nHost: a\r\n\r\n",
    b"GET /v1/me HTTP/1.1\r\nHost: a\r\nExpect: %s\r\n\r\n",
    b"GET /v1/me HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: %s\r\n\r\n",
    b"GET /v1/me HTTP/1.1\r\nHost: a\r\nContent-Length: %s\r\n\r\n",
    b"POST /v1/feedback HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n%s\r\n",
    b"GET /v1/me HTTP/1.1\r\nHost: a\r\nX-Long: %s" + b"x" * 9_000 + b"\r\n\r\n",
    b"GET /v1/me?" + b"x" * 9_000 + b"%s HTTP/1.1\r\nHost: a\r\n\r\n",
    b"%s\r\n\r\n",
)
HEADERS = ("User-Agent", "Referer", "Cookie", "X-Forwarded-For", "X-Request-Id", "Idempotency-Key", "Accept")
HEADERS += (
    "Content-Type",
    "Content-Encoding",
    "Host",
    "If-Match",
    "SCRIPT_NAME",
    "X-Forwarded-Proto",
    "Range",
)


@pytest.fixture
def scene(tmp_path: Path) -> Iterator[Scene]:
    haul = Haul()
    mail = MailServer(login=("keys", haul.secret("the SMTP password")))
    with webhook() as hook:
        scene = Scene(tmp_path, haul, hook, mail)
        yield scene
        scene.end()
    mail.stop()


def test_no_planted_secret_is_found_anywhere(scene: Scene, sandbox: Sandbox, figures: Figures) -> None:
    haul, service = scene.haul, scene.service
    expired = soon_to_expire(scene)
    make_keys(scene)
    be_refused_by_the_gateway(scene)
    be_refused_by_the_application(scene)
    be_refused_by_bitrix24(scene, sandbox)
    paste_keys_into_requests(scene)
    paste_keys_into_fields(scene)
    keep_documents(scene)
    tell_of_an_account(scene)
    mistype_at_the_command_line(scene)
    work_the_desk(scene)
    break_the_database(scene)
    break_the_processes(scene)
    look_around(scene)
    eventually(lambda: scene.wire.ask("GET", "/v1/me", expired).code == "KEY_EXPIRED", "the key expires")

    haul.leave("the command lines", "\n".join(p.command for p in service.descendants().values()).encode())
    haul.leave("Redis", everything_in_redis(service.folder))
    scene.end()
    haul.leave_folder(service.folder)
    haul.leave("the log", service.log.read_bytes())
    haul.leave("the mails", b"\n".join(mail.raw for mail in scene.mail.received))

    names = [where for where, _ in haul.left]
    assert {"vibekeys.db", "the log", "the mails", "Redis"} <= set(names)
    assert any(name.startswith("appendonlydir/") for name in names)
    assert set(ERRORS) <= haul.codes
    found = haul.found()
    planted = len(haul.secrets) + len(haul.keys)
    of = f"in {len(names)} files, answers and outputs, {haul.size / 2**20:.1f} MiB"
    figures.add("Q12", "planted secrets found", len(found), planted, of)
    assert found == {}


def soon_to_expire(scene: Scene) -> str:
    """The raw key of a key that has a few seconds to live."""
    at = datetime.now(UTC) + timedelta(seconds=2)
    options = ("--integration", "cli", "--expires-at", at.isoformat())
    return scene.operator.issue("soon expired", "personal", ADA, *options)[1]


def make_keys(scene: Scene) -> None:
    """Raw keys in answers, and in those that are kept for an Idempotency-Key."""
    ask, haul = scene.wire.ask, scene.haul
    body = {"portalId": scene.portal, "name": "by REST", "scopes": ["crm"]}
    once = {"Idempotency-Key": "once"}
    made = [ask("POST", "/v1/keys", scene.management, body, once).data for _ in range(2)]
    assert made[0] == made[1]
    haul.issued("made by REST", made[0]["rawKey"])
    assert ask("POST", "/v1/keys", scene.management, {**body, "name": "x"}, once).status == 422
    rotate = f"/v1/keys/{made[0]['id']}/rotate"
    successor = ask("POST", rotate, scene.management, {"graceHours": 1}, {"Idempotency-Key": "two"}).data
    haul.issued("rotated by REST", successor["rawKey"])
    assert ask("POST", rotate, scene.management, {}).status == 409
    assert ask("POST", f"/v1/keys/{successor['id']}/rotate", scene.management, {}).status == 409
    personal = {"name": "for the command line", "integrations": ["cli"]}
    haul.issued("a personal key", ask("POST", "/api/v1/api-keys", scene.personal, personal).data["rawKey"])
    # A second call with the same Idempotency-Key, while the portal's webhook answers the first one.
    again = {"Idempotency-Key": "again"}
    scene.hook.while_called = lambda: ask("POST", "/v1/keys", scene.management, body, again)
    haul.issued("made meanwhile", ask("POST", "/v1/keys", scene.management, body, again).data["rawKey"])
    scene.hook.while_called = lambda: None
    scene.hook.status = 500
    assert ask("POST", "/v1/keys", scene.management, body).status == 502
    scene.hook.status = 200


def be_refused_by_the_gateway(scene: Scene) -> None:
    ask, operator, haul = scene.wire.ask, scene.operator, scene.haul
    key_id, raw_key = operator.issue("to be refused", "personal", BOB, "--integration", "cli")
    options = (("--ip", "203.0.113.7"), ("--ip", "none", "--rate-limit", "1"), ("--status", "REVOKED"))
    for words in options:
        operator.json("keys", "update", key_id, *words)
        for _ in range(3):
            ask("GET", "/v1/me", raw_key)
    rotated_id, rotated = operator.issue("to be rotated", "personal", BOB, "--integration", "cli")
    successor = operator.json("keys", "rotate", rotated_id, "--grace-hours", "0")
    haul.issued("rotated by the operator", successor["rawKey"])
    ask("GET", "/v1/me", rotated)
    ask("GET", "/v1/me")
    ask("GET", "/v1/me", scene.api, headers={"Authorization": f"Bearer {scene.personal}"})
    wrong = haul.pasted("a header, and not known")
    for damaged in (wrong, wrong[:-1], wrong[:-9], f"'{wrong}'", wrong.upper(), f"Bearer {wrong}"):
        ask("GET", "/v1/me", damaged)
        ask("GET", "/v1/me", damaged, headers={"X-Forwarded-For": "198.51.100.9"})
    for email, change, back in ((ADA, "SUSPENDED", "ACTIVE"), (ADA, "RESTRICTED", "ACTIVE")):
        operator.json("accounts", "update", email, "--status", change)
        ask("POST", "/v1/infra/servers", scene.api, {"name": "server"})
        operator.json("accounts", "update", email, "--status", back)
    operator.json("portals", "update", scene.portal, "--status", "INACTIVE")
    ask("GET", "/v1/me", scene.api)
    operator.json("portals", "update", scene.portal, "--status", "ACTIVE")
    operator.json("portals", "remove-member", scene.portal, "--email", BOB)
    ask("GET", "/v1/me", scene.authorization)
    operator.json("portals", "add-member", scene.portal, "--email", BOB, "--role", "ADMIN")


def be_refused_by_the_application(scene: Scene) -> None:
    ask, operator = scene.wire.ask, scene.operator
    asked = {
        "MANAGEMENT_KEY_NO_ENTITY_ACCESS": ("GET", "/v1/infra/servers", scene.management),
        "MANAGEMENT_KEY_REQUIRED": ("GET", "/v1/keys", scene.api),
        "KEY_TYPE_NOT_ALLOWED": ("GET", "/v1/feedback", scene.personal),
        "MANAGEMENT_SCOPE_REQUIRED": ("GET", "/v1/keys", scene.little),
        "SCOPE_DENIED": ("GET", "/v1/infra/servers", scene.no_infra),
        "OAUTH_REQUIRED": ("POST", "/mcp/v1/common", scene.api),
        "INTEGRATION_REQUIRED": ("GET", "/api/v1/api-keys", scene.ai_tools),
        "MISSING_PORTAL_ID": ("GET", "/v1/keys", scene.management),
        "NOT_FOUND": ("GET", "/v1/nothing", scene.api),
        "ENTITY_NOT_FOUND": ("GET", f"/v1/keys/{scene.personal_id}", scene.management),
        "METHOD_NOT_ALLOWED": ("PUT", "/v1/me", scene.api),
        "VALIDATION_ERROR": ("GET", "/v1/feedback?page=none", scene.api),
    }
    for code, (method, path, key) in asked.items():
        assert ask(method, path, key).code == code
    server = ask("POST", "/v1/infra/servers", scene.api, {"name": "server"}).data["id"]
    assert ask("GET", f"/v1/infra/servers/{server}", scene.other_api).code == "WRONG_KEY"
    assert ask("DELETE", f"/v1/keys/{scene.api_id}", scene.management).code == "KEY_HAS_ACTIVE_SERVERS"
    operator.json("portals", "update", scene.portal, "--unlinked")
    body = {"portalId": scene.portal, "name": "n", "scopes": ["crm"]}
    assert ask("POST", "/v1/keys", scene.management, body).code == "PORTAL_NOT_LINKED"
    operator.json("portals", "update", scene.portal, "--linked")
    revoked, _ = operator.issue("revoked", "api", ADA, "--portal", scene.portal, "--scope", "crm")
    ask("PATCH", f"/v1/keys/{revoked}", scene.management, {"status": "REVOKED"})
    assert ask("POST", f"/v1/keys/{revoked}/rotate", scene.management).code == "KEY_NOT_ACTIVE"
    large = b'{"description": "%s"}' % (scene.haul.pasted("a body that is too large").encode() * 20_000)
    assert ask("POST", "/v1/feedback", scene.api, large).code == "PAYLOAD_TOO_LARGE"


def be_refused_by_bitrix24(scene: Scene, sandbox: Sandbox) -> None:
    """By a portal that quotes its own webhook, and the caller's key, in whatever it says."""
    ask, operator, haul = scene.wire.ask, scene.operator, scene.haul
    secret = haul.secrets["the webhook of the stand-in"] = sandbox.webhook_url.rpartition("/")[2]
    portal = operator.json(
        *("portals", "create", "--domain", "stand-in.bitrix24.com", "--webhook-url", "-"),
        stdin=f"{sandbox.webhook_url}\n",
    )["id"]
    operator.json("portals", "add-member", portal, "--email", ADA, "--role", "ADMIN")
    _, key = operator.issue("deals", "api", ADA, "--portal", portal, "--scope", "crm")
    told = f"{secret} does not like {haul.pasted('a refusal of Bitrix24')}"
    refusals = {"BITRIX_ACCESS_DENIED": (403, "ACCESS_DENIED"), "BITRIX_ERROR": (400, "ERROR_CORE")}
    for code, (status, error) in refusals.items():
        sandbox.faults.add("refuse", status=status, error=error, description=told)
        assert ask("GET", "/v1/deals", key).code == code
    for kind in ("cut", "not_json", "redirect", "huge"):
        sandbox.faults.add(kind, times=2)
        assert ask("POST", "/v1/deals", key, {"title": "a"}).code == "BITRIX_UNAVAILABLE"
        sandbox.faults.clear()
    calls = [{"entity": "deals", "action": "list", "params": {"filter": {haul.pasted("a filter"): 1}}}]
    assert ask("POST", "/v1/batch", key, {"calls": calls}).status == 200
    assert ask("POST", "/v1/batch", key, {"calls": calls * 51}).code == "BATCH_LIMIT_EXCEEDED"


def paste_keys_into_requests(scene: Scene) -> None:
    """Into every part of a request that is not meant for them; of keys that work, and of such that do not."""
    ask, pasted = scene.wire.ask, scene.haul.pasted
    for name in HEADERS:
        for key in (pasted(f"the header {name}"), scene.personal):
            ask("GET", "/v1/feedback", scene.api, headers={name: key})
            ask("POST", "/v1/feedback", scene.api, {"title": 1}, headers={name: key})
    basic = base64.b64encode(f"{pasted('Basic')}:".encode()).decode()
    ask("GET", "/v1/me", headers={"Authorization": f"Basic {basic}"})
    for key in (pasted("a URL"), scene.personal):
        once, encoded = "".join(f"%{ord(character):02x}" for character in key), key.replace("_", "%5F")
        for form in (key, encoded, once, once.replace("%", "%25")):
            for target in (
                f"/v1/keys/{form}",
                f"/v1/me?key={form}",
                f"/docs/{form}",
                f"/{form}",
                f"/healthz?{form}=1",
            ):
                ask("GET", target, scene.management)
                ask("GET", target)
    for number, form in enumerate(MALFORMED):
        scene.wire.send(form % pasted(f"malformed request {number}").encode())
    bodies = (b"%s", b'"%s"', b'["%s"]', b'{"title": "%s', b'{"%s": 1}', b'{"title": %s}', b"\xff%s")
    for number, body in enumerate(bodies):
        key = pasted(f"malformed body {number}").encode()
        ask("POST", "/v1/feedback", scene.api, body % key)
        ask("POST", "/v1/feedback", scene.api, body % key, headers={"Content-Type": "text/plain"})


def paste_keys_into_fields(scene: Scene) -> None:
    ask, pasted = scene.wire.ask, scene.haul.pasted
    good = {"portalId": scene.portal, "name": "n", "scopes": ["crm"]}
    odd = {
        "portalId": lambda key: key,
        "name": lambda key: f"copy of {key}",
        "scopes": lambda key: [key],
        "ipWhitelist": lambda key: [key],
        "rateLimit": lambda key: key,
        "expiresAt": lambda key: key,
        "metadata": lambda key: {"note": {"deep": f"a line\n{key}"}},
        "status": lambda key: key,
    }
    for name, value in odd.items():
        body = {**good, name: value(pasted(f"the field {name} of a key"))}
        assert ask("POST", "/v1/keys", scene.management, body).status in (400, 403)
        assert ask("PATCH", f"/v1/keys/{scene.api_id}", scene.management, body).status == 400
    ask("POST", f"/v1/keys/{scene.api_id}/rotate", scene.management, {"graceHours": pasted("graceHours")})
    ask("POST", "/v1/infra/servers", scene.api, {"name": pasted("the name of a server")})
    ask("GET", f"/v1/keys?portalId={scene.portal}&name={pasted('a filter')[:70]}", scene.management)
    ask("POST", "/v1/feedback", scene.api, {pasted("the name of a field"): 1})
    of_deal = pasted("the name of a field of a deal")
    for path, body in (
        ("/v1/deals", {of_deal: 1}),
        ("/v1/deals/search", {"filter": {of_deal: 1}}),
        ("/v1/deals/search", {"filter": {"title": {of_deal: 1}}, "select": [of_deal]}),
        ("/v1/batch", {"calls": [{"entity": of_deal, "action": "get"}]}),
        ("/v1/batch", {"calls": [{"entity": "deals", "action": "create", "params": {of_deal: 1}}]}),
    ):
        ask("POST", path, scene.no_infra, body)


def mistype_at_the_command_line(scene: Scene) -> None:
    type_, pasted, secret = scene.operator.type, scene.haul.pasted, scene.haul.secret
    for noun in ("accounts", "keys"):
        assert type_(noun, "show", pasted(f"an argument of {noun}")).exit_code == 1
    type_("keys", "update", scene.personal_id, "--name", pasted("the option --name"))
    type_("portals", "update", scene.portal, "--webhook-url", f"http://a b/{secret('a malformed webhook')}")
    type_("portals", "update", "--domain", pasted("a domain"), "--unlinked")
    type_("accounts", "update", ADA, "--password-stdin", stdin=secret("a long password") * 40 + "\n")
    type_("audit", "list", "--target", pasted("a filter of the audit log"))


def keep_documents(scene: Scene) -> None:
    """Documents with keys in their fields, which are refused, and such that somebody else has changed."""
    ask, pasted = scene.wire.ask, scene.haul.pasted
    prompts, artifacts, memories = "/api/v1/prompts", "/api/v1/artifacts", "/api/v1/memories"
    artifact = {"projectName": "acme/website", "slug": "week-48", "title": "Week 48", "content": "Done."}
    texts = {
        prompts: {"title": "Review", "content": "Read it.", "description": "a", "labels": "a"},
        artifacts: {**artifact, "description": "a", "metadata": "a"},
        memories: {"text": "In cents.", "projectName": "acme", "metadata": "a"},
    }
    for path, fields in texts.items():
        good = {name: value for name, value in fields.items() if value != "a"}
        assert ask("POST", path, scene.personal, good).status == 201
        for name in fields:
            key = pasted(f"{name} of {path}")
            value = {"labels": [key], "metadata": {"note": [key]}}.get(name, f"with {key}")
            assert ask("POST", path, scene.personal, {**good, name: value}).code == "VALIDATION_ERROR"
        ask("POST", path, scene.personal, {**good, pasted(f"the name of a field of {path}"): 1})
    assert ask("POST", artifacts, scene.personal, artifact).code == "SLUG_TAKEN"
    changed = {"content": "More."}, {"If-Match": f'"{pasted("a tag")}"'}
    assert ask("PUT", f"{prompts}/review", scene.personal, *changed).code == "PRECONDITION_FAILED"


def tell_of_an_account(scene: Scene) -> None:
    """Where alerts go, which may be secret, and what a hook of an IDE was given, in which a key may be."""
    ask, haul = scene.wire.ask, scene.haul
    for url in ("https://alerts.example.com/%s", "https://a b/%s"):
        ask("PATCH", "/api/v1/account", scene.personal, {"alertWebhookUrl": url % haul.secret(url)})
    prompt = {"prompt": f"curl -H 'X-Api-Key: {haul.pasted('a prompt')}'", haul.pasted("a name"): [1]}
    called = {"hook_event_name": "UserPromptSubmit", "session_id": haul.pasted("a session"), **prompt}
    assert ask("POST", "/api/v1/claude-code/hooks", scene.ai_tools, called).status == 201


def work_the_desk(scene: Scene) -> None:
    """Tickets with keys in all their texts; their mails, of which the first is refused with the password."""
    ask, pasted, mail = scene.wire.ask, scene.haul.pasted, scene.mail
    password = scene.haul.secret("the SMTP password")
    mail.at_recipient = lambda address: f"451 4.7.0 keys:{password} has to wait"
    escaped = pasted("a text with its prefix escaped").replace("_", r"\_")
    sent = {
        "category": "BUG",
        "title": f"Not with {pasted('a title')}",
        "description": f"I call it with\n{pasted('a description')}\nand get 401, and {escaped} too",
        "context": {"url": f"/?key={pasted('a context')}"},
    }
    named = {**sent, "context": {pasted("a name in a context"): 1}}
    assert ask("POST", "/v1/feedback", scene.api, named).code == "VALIDATION_ERROR"
    path = f"/v1/feedback/{ask('POST', '/v1/feedback', scene.api, sent).data['id']}"
    comments = f"{path}/comments"
    answer = {"text": f"You sent {pasted('an answer')}?", "status": "AWAITING_USER"}
    assert ask("POST", comments, scene.management, answer).status == 201
    assert ask("POST", comments, scene.api, {"text": f"No: {pasted('a reply')}"}).status == 201
    resolved = {"status": "RESOLVED", "resolution": f"{pasted('a resolution')} was mistyped."}
    assert ask("PATCH", path, scene.management, resolved).status == 200
    eventually(lambda: mails_tried(scene) == 2, "the SMTP server has refused both mails")
    scene.operator.json("mail", "list")
    scene.operator.type("doctor", "--json")
    mail.at_recipient = lambda address: "250 ok"
    for waiting in scene.operator.json("mail", "list"):
        scene.operator.json("mail", "retry", waiting["id"])
    eventually(lambda: len(mail.received) == 2, "the mails arrive")
    with altered(scene.database, FILL_THE_TICKET, "DELETE FROM ticket_comment WHERE id = 'filler'"):
        full = ask("POST", comments, scene.api, {"text": f"And {pasted('a reply without room')}"})
        assert full.code == "TICKET_FULL"
    ask("PATCH", path, scene.management, {"status": "ARCHIVED"})
    assert ask("POST", comments, scene.api, {"text": "Again."}).code == "TICKET_ARCHIVED"


def mails_tried(scene: Scene) -> int:
    return sum(mail["attempts"] > 0 for mail in scene.operator.json("mail", "list"))


def break_the_database(scene: Scene) -> None:
    """Faults of the program and of the database, in the middle of what holds secrets."""
    ask, pasted = scene.wire.ask, scene.haul.pasted
    ticket = {"category": "BUG", "title": "t", "description": pasted("a ticket that could not be kept")}
    key = {"portalId": scene.portal, "name": "never kept", "scopes": ["crm"]}
    for table, column in (("ticket", "description"), ("key", "digest"), ("idempotency", "answer")):
        event = "UPDATE" if table == "idempotency" else "INSERT"
        trigger = (
            f"CREATE TRIGGER broken BEFORE {event} ON {table} BEGIN SELECT RAISE(ABORT, NEW.{column}); END"
        )
        with altered(scene.database, trigger, "DROP TRIGGER broken"):
            ask("POST", "/v1/feedback", scene.api, ticket)
            ask("POST", "/v1/keys", scene.management, key, {"Idempotency-Key": f"broken {table}"})
    for table in ("ticket", "idempotency", "key"):
        with altered(
            scene.database, f"ALTER TABLE {table} RENAME TO away", f"ALTER TABLE away RENAME TO {table}"
        ):
            ask("POST", "/v1/feedback", scene.api, ticket)
            ask("POST", "/v1/keys", scene.management, key, {"Idempotency-Key": f"away {table}"})
            ask("GET", "/v1/me", pasted(f"a header while {table} is away"))
            scene.operator.type("keys", "show", scene.api_id)


@contextmanager
def altered(database: Path, there: str, back: str) -> Iterator[None]:
    connection = apsw.Connection(str(database))
    connection.set_busy_timeout(10_000)
    connection.execute(there)
    yield
    connection.execute(back)
    connection.close()


def break_the_processes(scene: Scene) -> None:
    """Valkey, the worker and a web worker are killed, and requests come in meanwhile."""
    service, ask = scene.service, scene.wire.ask
    for name in ("valkey-server", "app.cli worker"):
        os.kill(service.child(name), signal.SIGKILL)
        for key in (scene.management, scene.api, scene.haul.pasted(f"a header while {name} is away")):
            ask("GET", "/v1/me", key)
    eventually(lambda: service.state()["redis"] == "redis", "Redis decides again")
    web = service.child("app.serve.web")
    (worker,) = (process.pid for process in service.descendants().values() if process.parent == web)
    os.kill(worker, signal.SIGKILL)
    eventually(lambda: ask("GET", "/v1/me", scene.api).status == 200, "another web worker answers")


def look_around(scene: Scene) -> None:
    """Everything that shows something, to who may see it."""
    ask, operator = scene.wire.ask, scene.operator
    token = {"Authorization": f"Bearer {scene.haul.secret('METRICS_TOKEN')}"}
    assert ask("GET", "/metrics", headers=token).status == 200
    for path in ("/healthz", "/readyz", "/docs", "/docs/openapi.json", "/metrics"):
        ask("GET", path)
    for key in (scene.management, scene.api, scene.authorization, scene.personal):
        for path in (
            "/v1/me",
            "/v1/guide",
            "/v1/openapi.json",
            "/v1/portals",
            "/v1/feedback",
            "/v1/infra/servers",
            "/api/v1/account",
            "/api/v1/activity",
        ):
            ask("GET", path, key)
    ask("GET", f"/v1/keys?portalId={scene.portal}", scene.management)
    for noun in ("accounts", "portals", "keys", "servers", "mail", "audit"):
        operator.json(noun, "list")
        operator.table(noun, "list")
    operator.table("audit", "export")
    assert operator.json("audit", "verify")["ok"]


def everything_in_redis(folder: Path) -> bytes:
    client = redis.Redis(unix_socket_path=str(folder / "redis.sock"))
    names = list(client.scan_iter(count=1_000))
    values = client.mget(names) if names else []
    client.close()
    return b"\n".join([*names, *(value for value in values if value is not None)])
