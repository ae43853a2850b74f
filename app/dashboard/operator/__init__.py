"""The pages of operators: all accounts, the audit log, and whether the service is well.

Nobody else finds them. What is changed here is changed by an operator, which the ledger looks at once more.
"""

from __future__ import annotations

from app.dashboard.operator import access, account_keys, accounts, audit, health

__all__ = ["access", "account_keys", "accounts", "audit", "health"]
