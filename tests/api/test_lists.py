# SPDX-License-Identifier: Apache-2.0
"""Lists: pages, cursors, filters, revisions."""
import threading
import urllib.parse

import pytest
from api_kinds import unique


def quoted(text):
    return urllib.parse.quote(text)


@pytest.fixture(scope="module")
def many(admin):
    return [admin.create("/api/v1/groups", name=unique("group")) for _ in range(25)]


def pages(client, path, limit):
    cursor, seen = None, []
    while True:
        page = client.get(f"{path}?limit={limit}" + (f"&cursor={cursor}" if cursor else "")).expect(200).json
        assert len(page["items"]) <= limit
        seen += page["items"]
        cursor = page["next_cursor"]
        if not cursor:
            return seen


@pytest.mark.parametrize("limit", [1, 3, 24, 25, 500])
def test_pages_hold_everything_once_in_order(admin, many, limit):
    seen = [g["id"] for g in pages(admin, "/api/v1/groups", limit)]
    assert seen == sorted(set(seen)) and {g["id"] for g in many} <= set(seen)


def test_pages_are_complete_while_others_write(admin, many):
    stop = threading.Event()

    def write():
        while not stop.is_set():
            made = admin.create("/api/v1/groups", name=unique("passing"))
            admin.delete(f"/api/v1/groups/{made['id']}").expect(204)
    writers = [threading.Thread(target=write) for _ in range(3)]
    for w in writers:
        w.start()
    try:
        for limit in (1, 2, 7):
            seen = [g["id"] for g in pages(admin, "/api/v1/groups", limit)]
            assert len(seen) == len(set(seen)) and {g["id"] for g in many} <= set(seen)
    finally:
        stop.set()
        for w in writers:
            w.join()


def test_pages_of_large_objects_end_early(admin):
    site = admin.create("/api/v1/sites", name=unique("site"))
    addresses = [f"2001:db8:1234:5678:9abc:def0:1234:{i:04x}" for i in range(0x1000, 0x1040)]
    ports = [{"protocol": "tcp", "first": 10000 + i, "last": 20000 + i} for i in range(64)]
    made = [admin.create("/api/v1/resources", name=unique("large"), site_id=site["id"], addresses=addresses, ports=ports)["id"]
            for _ in range(220)]
    page = admin.get("/api/v1/resources?limit=500").expect(200)
    assert len(page.json["items"]) < len(made) and page.json["next_cursor"] and len(page.body) < 1.2 * (1 << 20)
    assert [r["id"] for r in pages(admin, "/api/v1/resources", 500)] == sorted(made)


def test_newest_first(admin, many):
    for limit in (2, 500):
        events = pages(admin, "/api/v1/audit-events", limit)[:200]
        ids = [e["id"] for e in events]
        assert ids == sorted(ids, reverse=True) and len(ids) == len(set(ids))


def test_tampered_cursors_are_refused(admin, many):
    cursor = admin.get("/api/v1/groups?limit=2").json["next_cursor"]
    for at in range(0, len(cursor), 5):
        other = "A" if cursor[at] != "A" else "B"
        answer = admin.get(f"/api/v1/groups?limit=2&cursor={cursor[:at]}{other}{cursor[at + 1:]}")
        assert (answer.status, answer.code) == (400, "cursor_invalid")
    for bad in ("", "x", cursor[:-1], cursor + "A", cursor * 2, "grp_01JD2Q8W6Z6T3V9XK4M5N7P8QR", "%00", "%ff"):
        assert admin.get(f"/api/v1/groups?cursor={bad}").status == 400, bad


def test_cursor_belongs_to_its_list_and_filter(admin, many):
    cursor = admin.get("/api/v1/groups?limit=2").json["next_cursor"]
    for path in ("/api/v1/sites?", f"/api/v1/groups?filter=name%3D{quoted(many[0]['name']).replace('%20', '-')}&"):
        answer = admin.get(f"{path}cursor={cursor}")
        assert (answer.status, answer.code) == (400, "cursor_mismatch")
    assert admin.get(f"/api/v1/groups?limit=7&cursor={cursor}").status == 200  # the size of pages may change


def test_cursor_survives_a_restart(posternd, admin, many):
    cursor = admin.get("/api/v1/groups?limit=2").json["next_cursor"]
    expected = admin.get(f"/api/v1/groups?limit=2&cursor={cursor}").json["items"]
    posternd.restart()
    assert admin.get(f"/api/v1/groups?limit=2&cursor={cursor}").expect(200).json["items"] == expected


def test_filter_by_name(admin, many):
    wanted = many[3]
    for text in (f'name = "{wanted["name"]}"', f'name="{wanted["name"]}"'):
        assert admin.get(f"/api/v1/groups?filter={quoted(text)}").expect(200).json["items"] == [wanted]
    assert admin.get("/api/v1/groups?filter=name%3Dnobody").json["items"] == []
    injected = quoted("name = \"x' or '1'='1\"")
    assert admin.get(f"/api/v1/groups?filter={injected}").expect(200).json["items"] == []


@pytest.mark.parametrize("text", ["name", "name != x", "name ~ x", "colour = red", "name = a and name = b", 'name = "x', ""])
def test_other_filters_are_refused(admin, text):
    answer = admin.get(f"/api/v1/groups?filter={quoted(text)}")
    assert (answer.status, answer.code) == (400, "filter_invalid"), text
    assert answer.json["detail"]


@pytest.mark.parametrize("query", ["limit=0", "limit=501", "limit=x", "limit=-1", "limit=1&limit=2", "sort=name", "%zz=1",
                                   "limit=%00", "dry_run=true", "limit=99999999999999999999"])
def test_other_parameters_are_refused(admin, query):
    assert admin.get(f"/api/v1/groups?{query}").status == 400


def test_revision_of_lists_grows_with_writes(admin):
    def number():
        epoch, n = admin.get("/api/v1/sites?limit=1").json["revision"].split(".")
        return epoch, int(n)
    epoch, before = number()
    admin.create("/api/v1/sites", name=unique("site"))
    for _ in range(200):
        again, after = number()
        assert again == epoch and after >= before
        if after > before:
            break
    assert after > before
