"""The first page."""

from __future__ import annotations

from flask import Response

from app.dashboard.page import get, render


@get("/dashboard")
def overview() -> Response:
    """Where one begins."""
    return render("overview.html", title="Overview", section="overview")
