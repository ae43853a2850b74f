"""Bitrix24, the upstream of portal keys."""
