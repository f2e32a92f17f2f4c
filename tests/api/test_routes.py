# SPDX-License-Identifier: Apache-2.0
"""Every route that the server describes, without a list of our own: who may call it, and what it does with bad input."""
import jsonschema
import pytest
from api_kinds import PASSWORD, Kinds, new_person, operations

LEVELS = ["anyone", "member", "auditor", "admin"]
SOME_ID = "01JD2Q8W6Z6T3V9XK4M5N7P8QR"
PREFIXES = {"sites": "sit", "gateways": "gwy", "resources": "res", "people": "per", "groups": "grp", "memberships": "mem",
            "devices": "dev", "policies": "pol", "tokens": "tok", "decisions": "dec", "audit-events": "aud"}


def concrete(path):
    """The path with an id of the right form that no object has."""
    kind = path.split("/")[3] if path.startswith("/api/v1/") else ""
    return path.replace("{id}", f"{PREFIXES.get(kind, 'sit')}_{SOME_ID}").replace("{code}", "stale")


def body_of(method, operation):
    return {} if "requestBody" in operation else None


def protected(description):
    return [(m, p, o) for m, p, o in operations(description) if o["x-postern-allow"] != "anyone"]


def problem(description, answer):
    """Checks that it is a problem as described; the problem."""
    assert answer.headers["content-type"] == "application/problem+json", answer
    check(description, "problem", answer.json)
    assert answer.json["status"] == answer.status
    assert answer.json["instance"] == answer.headers["x-request-id"]
    return answer.json


def check(description, schema, value):
    jsonschema.validate(value, {"$ref": f"#/components/schemas/{schema}", "components": description["components"]},
                        cls=jsonschema.Draft202012Validator)


def test_description_is_openapi(description):
    assert description["openapi"] == "3.1.0"
    ids = [o["operationId"] for _, _, o in operations(description)]
    assert len(ids) == len(set(ids)) > 40
    for schema in description["components"]["schemas"].values():
        jsonschema.Draft202012Validator.check_schema(schema)
    for _, path, operation in operations(description):
        named = {p["name"] for p in operation["parameters"] if p["in"] == "path"}
        assert named == {part[1:-1] for part in path.split("/") if part.startswith("{")}
        assert operation["x-postern-allow"] in LEVELS


def test_no_token_is_401(posternd, description):
    stranger = posternd.rest()
    for method, path, operation in protected(description):
        answer = stranger.request(method, concrete(path), body_of(method, operation))
        assert answer.status == 401, (method, path, answer)
        assert problem(description, answer)["code"] == "unauthenticated"
        assert answer.headers["www-authenticate"].startswith("Bearer")


@pytest.mark.parametrize("token", ["x", "pst_pat_" + "A" * 51, "pst_ses_" + "a" * 51, "é", ""])
def test_wrong_token_is_401(posternd, description, token):
    stranger = posternd.rest()
    for scheme in ("Bearer ", "bearer ", "Basic "):
        answer = stranger.get("/api/v1/sites", headers={"authorization": (scheme + token).encode("utf-8")})
        assert answer.status == 401, (scheme, token)


def test_wrong_role_is_403(roles, description):
    for method, path, operation in protected(description):
        if path.endswith("/sign-out"):
            continue
        for role in ("member", "auditor"):
            answer = roles[role].request(method, concrete(path), body_of(method, operation), etag='"1"')
            allowed = LEVELS.index(role) >= LEVELS.index(operation["x-postern-allow"])
            assert (answer.status != 403) == allowed, (method, path, role, answer)
            if not allowed:
                assert problem(description, answer)["code"] == "forbidden"


def test_unknown_field_is_422_with_pointer(admin, kinds, description):
    for method, path, operation in operations(description):
        if "requestBody" not in operation:
            continue
        target, etag = concrete(path), None
        if method == "PATCH":
            if path.removesuffix("/{id}") not in Kinds.CHANGEABLE:
                continue
            made = kinds.make(path.removesuffix("/{id}"))
            target, etag = path.replace("{id}", made["id"]), f'"{made["revision"]}"'
        answer = admin.request(method, target, {"surprise": 1}, etag=etag)
        assert answer.status == 422, (method, path, answer)
        told = problem(description, answer)
        assert told["code"] == "invalid"
        assert "/surprise" in [e["pointer"] for e in told["errors"]], told


@pytest.mark.parametrize("text", ['{"name":', "", "[]", "{} {}", '{"name":"a","name":"b"}', "\xff", "nul", '{"a":01}'])
def test_malformed_is_400(admin, kinds, description, text):
    for method, path, operation in operations(description):
        if "requestBody" not in operation or method != "POST":
            continue
        body = text.encode("latin-1")
        answer = admin.request(method, concrete(path), body, headers={"content-type": "application/json"})
        assert answer.status in (400, 422), (method, path, text, answer)
        problem(description, answer)
    site = kinds.make("/api/v1/sites")
    answer = admin.request("PATCH", f"/api/v1/sites/{site['id']}", text.encode("latin-1"), etag=f'"{site["revision"]}"')
    assert answer.status in (400, 422)
    assert admin.get(f"/api/v1/sites/{site['id']}").json == site


def test_malformed_json_has_its_own_code(admin):
    answer = admin.post("/api/v1/sites", b'{"name":')
    assert (answer.status, answer.code) == (400, "malformed_json")


def test_fields_given_twice_are_pointed_at(admin):
    answer = admin.post("/api/v1/sites", b'{"name":"a","name":"b"}').expect(422)
    assert [e["pointer"] for e in answer.json["errors"]] == ["/name"]


def test_oversized_body_is_413(admin):
    answer = admin.post("/api/v1/sites", b'{"name":"' + b"x" * (1 << 20) + b'"}')
    assert answer.status == 413 and answer.headers["content-type"] == "application/problem+json"


def test_other_content_type_is_415(admin, description):
    for method, path, operation in operations(description):
        if "requestBody" not in operation:
            continue
        for kind in ("text/plain", "application/x-www-form-urlencoded", "application/jsonx", ""):
            answer = admin.request(method, concrete(path), b"{}", etag='"1"', headers={"content-type": kind})
            assert answer.status == 415, (method, path, kind, answer)
            assert problem(description, answer)["code"] == "unsupported_media_type"


def test_missing_if_match_is_428_and_stale_is_412(admin, kinds, description):
    for path in Kinds.PATHS:
        made = kinds.make(path)
        target = f"{path}/{made['id']}"
        for method in ("PATCH", "DELETE"):
            if method == "PATCH" and path not in Kinds.CHANGEABLE:
                continue
            body = {} if method == "PATCH" else None
            missing = admin.request(method, target, body)
            assert (missing.status, problem(description, missing)["code"]) == (428, "if_match_missing")
            stale = admin.request(method, target, body, etag='"1"')
            assert (stale.status, problem(description, stale)["code"]) == (412, "stale")
            assert stale.json["current"] == admin.get(target).json
            weak = admin.request(method, target, body, etag=f'W/"{made["revision"]}"')
            assert weak.status == 412
        assert admin.get(target).json["revision"] == made["revision"]


def test_unknown_id_is_404(admin, description):
    for method, path, operation in operations(description):
        if "{id}" not in path:
            continue
        body = {"password": "long enough to be taken"} if path.endswith("/password") else body_of(method, operation)
        for target in (concrete(path), path.replace("{id}", "nonsense"), path.replace("{id}", "%00")):
            answer = admin.request(method, target, body, etag='"1"')
            assert answer.status == 404, (method, target, answer)
            problem(description, answer)


def test_other_methods_are_405_with_allow(admin, description):
    for path, methods in description["paths"].items():
        if path == "/livez":  # the front answers it by itself, whatever the method
            continue
        for method in {"GET", "POST", "PUT", "PATCH", "DELETE"} - {m.upper() for m in methods}:
            answer = admin.request(method, concrete(path), None, etag='"1"')
            assert answer.status == 405, (method, path, answer)
            assert set(answer.headers["allow"].split(", ")) == {m.upper() for m in methods}


def test_head_is_get_without_the_body(admin, kinds):
    made = kinds.make("/api/v1/sites")
    answer = admin.request("HEAD", f"/api/v1/sites/{made['id']}").expect(200)
    assert answer.body == b"" and answer.etag == f'"{made["revision"]}"'


def test_unknown_path_is_404(admin, description):
    for path in ("/api/v1", "/api/v1/", "/api/v2/sites", "/api/v1/sites/", "/api/v1/sitesx", "/api/v1/sites/a/b", "/x"):
        assert admin.get(path).status == 404, path


def test_answers_are_as_described(admin, kinds, description):
    for path in Kinds.PATHS:
        body = kinds.body(path)
        operation = description["paths"][path]["post"]
        schema = operation["requestBody"]["content"]["application/json"]["schema"]["$ref"].split("/")[-1]
        check(description, schema, body)
        created = admin.post(path, body).expect(201)
        kind = operation["responses"]["201"]["content"]["application/json"]["schema"]["$ref"].split("/")[-1]
        check(description, kind, created.json)
        target = f"{path}/{created.json['id']}"
        assert created.headers["location"] == target
        assert created.etag == f'"{created.json["revision"]}"'
        read = admin.get(target).expect(200)
        check(description, kind, read.json)
        assert read.etag == created.etag
        check(description, f"{kind}_list", admin.get(path).expect(200).json)
        unchanged = admin.get(target, headers={"if-none-match": read.etag})
        assert (unchanged.status, unchanged.body, unchanged.etag) == (304, b"", read.etag)
    for path in ("/api/v1/decisions", "/api/v1/audit-events", "/api/v1/devices"):
        schema = description["paths"][path]["get"]["responses"]["200"]["content"]["application/json"]["schema"]
        check(description, schema["$ref"].split("/")[-1], admin.get(path).expect(200).json)


def test_answers_of_verbs_are_as_described(posternd, admin, kinds, description):
    person = new_person(admin)
    signed_in = posternd.rest().post("/api/v1/sign-in", {"email": person["email"], "password": PASSWORD}).expect(200)
    check(description, "signed_in", signed_in.json)
    check(description, "person", admin.as_(signed_in.json["token"]).get("/api/v1/me").expect(200).json)
    gateway = kinds.make("/api/v1/gateways")
    check(description, "enrolment", admin.post(f"/api/v1/gateways/{gateway['id']}/enrolment").expect(201).json)


def test_system_routes(posternd, description):
    stranger = posternd.rest()
    assert stranger.get("/livez").expect(200).body == b"ok\n"
    check(description, "readiness", stranger.get("/readyz").expect(200).json)
    verbose = stranger.get("/readyz?verbose").expect(200).json
    assert verbose["ready"] and {c["name"] for c in verbose["checks"]} >= {"database", "changes"}
    configuration = stranger.get("/.well-known/postern-configuration").expect(200).json
    check(description, "configuration", configuration)
    assert configuration["organisation"].startswith("org_")
    assert configuration["sign_in_methods"] == ["password"]
    assert configuration["openapi_url"].endswith("/api/v1/openapi.json")


def test_every_problem_type_resolves(posternd, admin):
    told = admin.get("/api/v1/sites/nonsense").json
    assert posternd.rest().get(told["type"]).expect(200).headers["content-type"].startswith("text/plain")


def test_description_of_the_binary_is_the_same(description):
    import json
    import subprocess

    from harness.run import binary
    printed = subprocess.run([binary("posternd"), "openapi"], check=True, capture_output=True, timeout=60).stdout
    assert json.loads(printed) == description
