"""Who may ask, and how much."""

import asyncio
import json
from typing import Any

import pytest

from birdsat.explorer import guard
from birdsat.explorer.answers import OverloadError
from birdsat.explorer.guard import LOCAL, Guard

TOKEN = "a-token-of-some-length"

SCOPE: dict[str, Any] = {  # of the plainest request
    "type": "http",
    "method": "GET",
    "path": "/",
    "query_string": b"",
    "headers": [(b"host", b"localhost")],
}


async def _hello(scope: Any, receive: Any, send: Any) -> None:
    while (await receive()).get("more_body"):
        pass
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b"hello"})


def _guard(**settings: Any) -> Guard:
    return Guard(_hello, **{"hosts": LOCAL, "token": None, "upload_bytes": 1000, **settings})


def _ask(
    guard: Guard, method: str = "GET", path: str = "/v1/about", query: str = "", body: bytes = b"", **headers: str
) -> tuple[int, dict[str, str]]:
    sent: list[dict[str, Any]] = []
    given = {"host": "127.0.0.1:8310", **{name.replace("_", "-"): value for name, value in headers.items()}}
    scope = {
        "type": "http",
        "method": method,
        "path": path,
        "query_string": query.encode(),
        "headers": [(name.encode(), value.encode()) for name, value in given.items()],
        "client": ("127.0.0.1", 5),
    }

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": body, "more_body": False}

    async def send(message: Any) -> None:
        sent.append(message)

    asyncio.run(guard(scope, receive, send))
    return sent[0]["status"], {name.decode(): value.decode() for name, value in sent[0]["headers"]}


@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1.evil.example", "", "10.0.0.3:8310", "[::2]", "[bad"])
def test_a_name_that_was_made_to_point_here_is_refused(host: str) -> None:
    assert _ask(_guard(), host=host)[0] == 403


@pytest.mark.parametrize("host", ["localhost:8310", "127.0.0.1", "[::1]:9", "LOCALHOST"])
def test_this_machine_s_own_names_pass(host: str) -> None:
    assert _ask(_guard(), host=host)[0] == 200


def test_pages_of_others_change_nothing_and_our_own_does() -> None:
    for headers in (
        {"origin": "https://evil.example"},
        {"origin": "null"},
        {"origin": "http://127.0.0.1:9999"},
        {"sec_fetch_site": "cross-site"},
        {"sec_fetch_site": "same-site"},
    ):
        assert _ask(_guard(), "DELETE", **headers)[0] == 403, headers
    assert _ask(_guard(), "DELETE", origin="http://127.0.0.1:8310", sec_fetch_site="same-origin")[0] == 200
    assert _ask(_guard(), "DELETE")[0] == 200  # as of curl
    assert _ask(_guard(), "GET", origin="https://evil.example")[0] == 200  # which that page may not read


def test_whoever_lets_others_in_asks_them_for_the_token() -> None:
    guard = _guard(hosts=frozenset(), token=TOKEN)
    assert _ask(guard, host="192.168.1.7")[0] == 401
    assert _ask(guard, authorization="Bearer wrong-token-of-length")[0] == 401
    assert _ask(guard, path="/v1/about", query=f"token={TOKEN}")[0] == 401  # addresses of the API are kept in logs
    assert _ask(guard, authorization=f"Bearer {TOKEN}")[0] == 200
    assert _ask(guard, x_birdsat_token=TOKEN)[0] == 200
    status, headers = _ask(guard, path="/", query=f"view=place&token={TOKEN}")
    assert (status, headers["location"]) == (303, "/?view=place")
    assert "HttpOnly" in headers["set-cookie"] and "SameSite=Strict" in headers["set-cookie"]
    assert _ask(guard, cookie=headers["set-cookie"].split(";")[0])[0] == 200
    assert _ask(guard, cookie="birdsat_token=\xff")[0] == 401


def _ask_as_person(guard: Guard, path: str = "/", query: str = "", **headers: str) -> tuple[int, dict[str, str], str]:
    given = {"host": "birds.example", "accept": "text/html,application/xhtml+xml,*/*;q=0.8", **headers}
    scope = {**SCOPE, "path": path, "query_string": query.encode()}
    scope["headers"] = [(name.encode(), value.encode("latin-1")) for name, value in given.items()]
    sent: list[dict[str, Any]] = []

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: Any) -> None:
        sent.append(message)

    asyncio.run(guard(scope, receive, send))
    fields = {name.decode(): value.decode() for name, value in sent[0]["headers"]}
    return sent[0]["status"], fields, b"".join(one.get("body", b"") for one in sent[1:]).decode()


def test_a_person_without_the_token_gets_a_page_with_a_field_for_it() -> None:
    guard = _guard(hosts=frozenset(), token=TOKEN)
    status, headers, page = _ask_as_person(guard, query="view=place&place=-84.5%2C39.1&%3Cb%3E=%22%3E%3Cscript%3E")
    assert status == 401 and headers["content-type"] == "text/html; charset=utf-8"
    assert '<form method="get" action="/">' in page and 'name="token"' in page and "wrong" not in page.split("<h1>")[1]
    assert '<input type="hidden" name="place" value="-84.5,39.1">' in page  # the link that was opened is not lost
    assert "<script" not in page and "<b>" not in page and TOKEN not in page
    policy = headers["content-security-policy"]
    assert "form-action 'self'" in policy and "script-src" not in policy and "default-src 'none'" in policy
    status, _, page = _ask_as_person(guard, query="token=not-the-token-of-this")
    assert status == 401 and "not the token" in page and "not-the-token-of-this" not in page
    status, headers, _ = _ask_as_person(guard, query=f"view=place&token={TOKEN}")  # as the field sends it
    assert (status, headers["location"]) == (303, "/?view=place")


def test_programs_and_the_page_itself_get_json_also_where_the_token_is_missing() -> None:
    guard = _guard(hosts=frozenset(), token=TOKEN)
    for path, accept in (("/v1/about", "text/html"), ("/", "*/*"), ("/", "application/json")):
        status, headers, body = _ask_as_person(guard, path, accept=accept)
        assert status == 401 and headers["content-type"] == "application/json", (path, accept)
        assert "token" in json.loads(body)["error"]["message"]


def test_a_person_who_comes_by_another_name_is_told_so_on_a_page_that_says_it_as_text() -> None:
    status, headers, page = _ask_as_person(_guard(), host="<img src=x onerror=alert(1)>.example")
    assert status == 403 and headers["content-type"].startswith("text/html")
    assert "<img" not in page and "<form" not in page and "does not answer to the name" in page


def test_bodies_are_as_large_as_they_may_be() -> None:
    assert _ask(_guard(), "POST", "/v1/jobs", content_length=str(2 << 20))[0] == 413
    assert _ask(_guard(), "POST", "/v1/uploads", content_length=str(900))[0] == 200
    assert _ask(_guard(), "POST", "/v1/uploads", content_length=str(2 << 20))[0] == 413


def test_a_caller_in_a_hurry_is_told_to_wait() -> None:
    guard = _guard()
    found = [_ask(guard, "DELETE") for _ in range(60)]
    assert found[0][0] == 200 and found[-1][0] == 429
    assert int(found[-1][1]["retry-after"]) >= 1
    assert _ask(guard)[0] == 200  # reading goes on


def test_a_body_that_comes_too_slowly_is_told_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(guard, "_PATIENCE_S", 0.05)
    monkeypatch.setattr(guard, "_SLOWEST", 1e9)
    seen: list[BaseException] = []

    async def reads(scope: Any, receive: Any, send: Any) -> None:
        try:
            await _hello(scope, receive, send)
        except OverloadError as error:
            seen.append(error)

    async def slow() -> dict[str, Any]:
        await asyncio.sleep(5 if seen else 0.2)
        return {"type": "http.request", "body": b"x", "more_body": True}

    async def ask() -> None:
        await Guard(reads, hosts=LOCAL, token=None, upload_bytes=1000)(SCOPE, slow, None)  # type: ignore[arg-type]

    asyncio.run(ask())
    assert "too slowly" in str(seen[0])


def test_a_reader_who_stops_reading_holds_no_room(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(guard, "_PATIENCE_S", 0.05)

    async def stuck(message: Any) -> None:
        await asyncio.sleep(60)

    async def whole() -> dict[str, Any]:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def ask() -> None:
        await _guard()(SCOPE, whole, stuck)

    with pytest.raises(TimeoutError):
        asyncio.run(asyncio.wait_for(ask(), 10))


def test_every_answer_binds_the_page_to_this_server() -> None:
    for headers in (_ask(_guard())[1], _ask(_guard(), host="evil.example")[1]):
        policy = headers["content-security-policy"]
        assert "default-src 'none'" in policy and "script-src 'self';" in policy and "http" not in policy
        assert headers["x-content-type-options"] == "nosniff"
