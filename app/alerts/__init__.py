"""Alerts: what an account should look at, with the facts behind it, told once.

Each minute the worker looks at what was counted since (`watch`), hour by hour, and at keys that age:
`locations`, `spikes`, `failures`, `after_hours` and `aging` say what they find as `Finding`s. A finding
becomes an alert unless one about the same is not over yet. It is told in the account's activity and to its
webhook (`webhooks`), both of which is written in the one transaction that opens it, and by one mail for all
that a look has opened (`mailing`).
"""

from __future__ import annotations

from app.alerts.life import Alerts

__all__ = ["Alerts"]
