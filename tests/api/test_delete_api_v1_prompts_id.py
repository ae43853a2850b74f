"""DELETE /api/v1/prompts/{id}."""

from __future__ import annotations

from tests.api.shelf import PROMPTS, Shelf


def test_200_by_id_and_by_slug(shelf: Shelf) -> None:
    for name in ("id", "slug"):
        prompt = shelf.keep(PROMPTS)

        answer = shelf.delete(f"{PROMPTS}/{prompt[name]}")

        assert (answer.status, answer.data) == (200, {"id": prompt["id"], "deleted": True})
        assert shelf.call("GET", f"{PROMPTS}/{prompt['id']}").code == "ENTITY_NOT_FOUND"
        assert shelf.delete(f"{PROMPTS}/{prompt[name]}").code == "ENTITY_NOT_FOUND"
    assert shelf.found(PROMPTS) == []


def test_404_of_another_account_and_it_stays(shelf: Shelf) -> None:
    prompt = shelf.keep(PROMPTS)

    assert Shelf(shelf.world).delete(f"{PROMPTS}/{prompt['slug']}").code == "ENTITY_NOT_FOUND"

    assert shelf.found(PROMPTS) == [prompt["id"]]
