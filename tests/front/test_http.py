# SPDX-License-Identifier: Apache-2.0
"""Requests and answers through the front: headers, limits, what is passed on and what is not."""
import http.client
import json
import re
import socket
import ssl

from harness.h2raw import context

SECURITY = {"strict-transport-security": "max-age=31536000", "x-content-type-options": "nosniff",
            "cache-control": "no-store", "referrer-policy": "no-referrer"}


def h1(front):
    return http.client.HTTPSConnection("127.0.0.1", front.port, timeout=20, context=context(("http/1.1",)))


def ask(c, method, path, body=None, headers=None):
    c.request(method, path, body, headers or {})
    r = c.getresponse()
    return r, r.read()


def test_echo_over_both_versions(front):
    answer = front.h2().get("/api/v1/echo?a=%20b", extra=[("if-match", '"1"'), ("x-evil", "y"), ("cookie", "a=b")])
    text = answer.body.decode()
    assert answer.status == 200
    assert "path /api/v1/echo\nquery a=%20b\npeer 127.0.0.1\ntls TLSv1.3\n" in text
    assert 'header if-match "1"\n' in text and "header cookie a=b\n" in text
    assert "x-evil" not in text
    r, body = ask(h1(front), "POST", "/api/v1/echo", b"12345", {"Content-Type": "application/json", "X-Other": "1"})
    assert r.status == 200 and b"method POST\n" in body and b"body 5\n" in body
    assert b"header content-type application/json\n" in body and b"x-other" not in body


def test_security_headers_on_every_answer(front):
    c = h1(front)
    for path, status in (("/api/v1/small", 200), ("/nothing", 404), ("/livez", 200), ("/api/v1/nothing", 404)):
        r, _ = ask(c, "GET", path)
        assert r.status == status
        for name, value in SECURITY.items():
            assert r.headers[name] == value, (path, name)
        assert "default-src 'none'" in r.headers["content-security-policy"]
        assert r.headers["server"] == "postern" and r.headers["x-request-id"]


def test_request_id(front):
    c = front.h2()
    assert c.get("/api/v1/small", extra=[("x-request-id", "my.id-1_A")])["x-request-id"] == "my.id-1_A"
    for bad in ("a b", "x" * 65, "<script>", ""):
        answer = c.get("/api/v1/echo", extra=[("x-request-id", bad)])
        made = answer["x-request-id"]
        assert re.fullmatch(r"req_[0-9A-HJKMNP-TV-Z]{26}", made)
        assert f"request_id {made}\n" in answer.body.decode()


def test_head_and_empty_answers_keep_the_connection(front):
    c = h1(front)
    r, body = ask(c, "HEAD", "/api/v1/small")
    assert r.status == 200 and body == b"" and r.headers["content-length"] == "5"
    r, body = ask(c, "GET", "/api/v1/empty")
    assert r.status == 204 and body == b""
    assert ask(c, "GET", "/api/v1/small")[1] == b"hello"


def test_only_the_front_s_paths(front):
    for path in ("/", "/api", "/apix/v1", "/agents", "/.git/config", "/../api/v1/small", "//api/v1/small"):
        answer = front.h2().get(path)
        assert answer.status == 404, path
        assert json.loads(answer.body)["code"] == "not_found"
    assert front.stats()["requests"] == 1  # the stats themselves
    assert front.h2().get("/readyz").body == b"ready"


def test_body_too_large(front):
    limit = 1 << 20
    c = front.h2()
    answer = c.get("/api/v1/echo", method="POST", body=b"x" * limit)
    assert answer.status == 200 and f"body {limit}\n" in answer.body.decode()
    answer = c.get("/api/v1/echo", method="POST", body=b"x" * (limit + 1))
    assert answer.status == 413 and answer["content-type"] == "application/problem+json"
    problem = json.loads(answer.body)
    assert problem["code"] == "body_too_large" and problem["instance"] == answer["x-request-id"]
    r, body = ask(h1(front), "POST", "/api/v1/echo", b"x" * (limit + 1))
    assert r.status == 413 and json.loads(body)["status"] == 413
    c = h1(front)  # far too large: refused by the head alone
    c.putrequest("POST", "/api/v1/echo")
    c.putheader("Content-Length", str(2 * limit))
    c.endheaders()
    r = c.getresponse()
    assert r.status == 413 and r.headers["x-content-type-options"] == "nosniff"


def test_malformed_header_value_is_400(front):
    answer = front.h2().get("/api/v1/echo", extra=[("user-agent", "a\0b")])
    assert answer.status == 400 or answer.reset is not None
    assert front.answer_time() < 20


def test_http1_garbage(front):
    for junk in (b"\0\1\2\3\r\n\r\n", b"GET\r\n\r\n", b"GET /api/v1/small HTTP/9.9\r\n\r\n",
                 b"POST /api/v1/echo HTTP/1.1\r\nHost: x\r\nContent-Length: x\r\n\r\n",
                 b"POST /api/v1/echo HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: gzip\r\n\r\n"):
        s = context(("http/1.1",)).wrap_socket(socket.create_connection(("127.0.0.1", front.port), 20))
        s.sendall(junk)
        data = s.recv(4096)
        assert data == b"" or b" 400 " in data or b" 404 " in data, data
        s.close()
    assert front.answer_time() < 20


def test_tls_versions_and_alpn(front):
    def connect(low, high, alpn):
        c = context(alpn)
        c.minimum_version, c.maximum_version = low, high
        with c.wrap_socket(socket.create_connection(("127.0.0.1", front.port), 20)) as s:
            return s.version(), s.selected_alpn_protocol()
    v = ssl.TLSVersion
    assert connect(v.TLSv1_3, v.TLSv1_3, ("h2", "http/1.1")) == ("TLSv1.3", "h2")
    assert connect(v.TLSv1_2, v.TLSv1_2, ("http/1.1", "h2")) == ("TLSv1.2", "h2")
    assert connect(v.TLSv1_2, v.TLSv1_3, ("http/1.1",)) == ("TLSv1.3", "http/1.1")
    assert connect(v.TLSv1_2, v.TLSv1_3, ()) == ("TLSv1.3", None)
    for refused in ((v.TLSv1_1, v.TLSv1_1, ("h2",)), (v.TLSv1_3, v.TLSv1_3, ("spdy/3",))):
        try:
            connect(*refused)
        except (ssl.SSLError, OSError):
            continue
        raise AssertionError(f"accepted {refused}")
