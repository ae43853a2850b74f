"""What makes a function a page: its path, who may see it, and the template around what it shows.

::

    @get("/dashboard/keys")
    def keys() -> Response:
        return render("keys/list.html", title="API keys", section="keys", keys=...)

    @post("/dashboard/keys/<id>/rotate")
    def rotate(id: str) -> Response:
        ...
        notice("The key was rotated.")
        return to(f"/dashboard/keys/{id}")

Paths are written as the service sees them; `url` adds what a proxy in front of it takes away. Nobody sees a
page without having signed in, unless it is `public`. One for an `operator` does not exist for others.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import wraps
from typing import Any, ParamSpec
from urllib.parse import SplitResult, urlencode, urlsplit

from flask import Blueprint, Response, flash, make_response, render_template, request, session
from werkzeug.exceptions import NotFound

from app.assets import asset_path
from app.dashboard import cookie, protection, visitor
from app.dashboard.navigation import navigation
from app.dashboard.words import FILTERS
from app.ledger import SignedOut
from app.services import services

Path = ParamSpec("Path")
View = Callable[Path, Response]

# They are in the cookie, and a browser takes no cookie of more than 4 KiB.
_LONGEST_NOTICE, _MOST_NOTICES = 200, 2

blueprint = Blueprint("dashboard", __name__)
blueprint.record_once(cookie.set_up)
blueprint.before_request(protection.check_request)
blueprint.after_request(protection.protect)


def get(path: str, *, operator: bool = False, public: bool = False) -> Callable[[View[Path]], View[Path]]:
    """Show a page to who asks for the path."""
    return _route(path, "GET", operator, public)


def post(path: str, *, operator: bool = False, public: bool = False) -> Callable[[View[Path]], View[Path]]:
    """Do something for who posts a form to the path."""
    return _route(path, "POST", operator, public)


def render(template: str, *, title: str, section: str, status: int = 200, **facts: Any) -> Response:
    """Return a page, or the part of one that `template` is. `section` is the entry of the navigation that is
    marked as the one where the visitor is.
    """
    found = visitor.find()
    page = render_template(
        f"dashboard/{template}",
        title=title,
        section=section,
        visitor=found,
        navigation=() if found is None else navigation(found.account),
        fragment=is_fragment(),
        support_url=services().config.support_url,
        **facts,
    )
    return make_response(page, status)


def notice(text: str) -> None:
    """Say something on the next page that this browser is shown, once; what is very long is cut."""
    flash(text if len(text) <= _LONGEST_NOTICE else f"{text[: _LONGEST_NOTICE - 1]}…")
    session["_flashes"] = session["_flashes"][-_MOST_NOTICES:]


def to(path: str, **query: str) -> Response:
    """Send the browser to another page of ours; htmx replaces the whole page by it."""
    target = url(path, **query)
    if is_htmx():
        return Response(status=204, headers={"HX-Redirect": target})
    return Response(status=303, headers={"Location": target})


def is_htmx() -> bool:
    """Tell whether htmx has sent the request, and does something with the answer."""
    return request.headers.get("HX-Request") == "true"


def is_fragment() -> bool:
    """Tell whether htmx puts the answer into the page that is shown: it is to be a part of one."""
    return is_htmx() and request.headers.get("HX-Request-Type") == "partial"


def url(path: str, **query: str) -> str:
    """Return the address of one of our paths, as a browser has to ask for it."""
    return _root() + path + (f"?{urlencode(query)}" if query else "")


def here() -> str:
    """Return the page that the browser shows, as a path of ours; the overview if it does not tell."""
    shown = request.headers.get("HX-Current-URL") or request.headers.get("Referer", "")
    if request.method in ("GET", "HEAD") and not is_htmx():
        shown = url(request.full_path.rstrip("?"))
    parts = _split(shown)
    return own_path(parts.path.removeprefix(_root()) + (f"?{parts.query}" if parts.query else ""))


def own_path(path: str) -> str:
    """Return a path if it is one of the dashboard, else that of the overview: who names it may be anybody."""
    parts = _split(path)
    is_plain = path.isascii() and path.isprintable() and "\\" not in path
    if is_plain and not parts.scheme and not parts.netloc and cookie.is_of_dashboard(parts.path):
        return path
    return "/dashboard"


def _split(address: str) -> SplitResult:
    try:
        return urlsplit(address)
    except ValueError:  # it comes from anybody, and need not be an address
        return urlsplit("")


def _root() -> str:
    # A proxy may serve the service below a path of its own; PUBLIC_URL then ends with it.
    return urlsplit(services().config.public_url).path


def _route(path: str, method: str, operator: bool, public: bool) -> Callable[[View[Path]], View[Path]]:
    def decorate(view: View[Path]) -> View[Path]:
        @wraps(view)
        def guarded(*args: Path.args, **kwargs: Path.kwargs) -> Response:
            if not public:
                _admit(operator)
            return view(*args, **kwargs)

        name = f"{view.__module__.rpartition('.')[2]}_{view.__name__}"
        blueprint.add_url_rule(path, name, guarded, methods=[method], strict_slashes=False)
        return view

    return decorate


def _admit(operator: bool) -> None:
    found = visitor.find()
    if found is None:
        raise SignedOut
    if operator and not (found.account.is_operator and found.account.status != "SUSPENDED"):
        raise NotFound


_GLOBALS: Mapping[str, Any] = {
    "csrf_token": protection.csrf_token,
    "own_asset": lambda name: url(asset_path(name)),
    "url": url,
}
blueprint.record_once(lambda state: state.app.jinja_env.globals.update(_GLOBALS))
blueprint.record_once(lambda state: state.app.jinja_env.filters.update(FILTERS))
