# SPDX-License-Identifier: Apache-2.0
"""tools/embed_sql.py: named statements become numbered ones, migrations keep their bytes."""
import hashlib
import importlib.util
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
spec = importlib.util.spec_from_file_location("embed_sql", ROOT / "tools" / "embed_sql.py")
embed = importlib.util.module_from_spec(spec)
spec.loader.exec_module(embed)


@pytest.mark.parametrize("sql, text, params", [
    ("SELECT 1", "SELECT 1", []),
    ("SELECT :a, :b, :a;", "SELECT $1, $2, $1", ["a", "b"]),
    ("SELECT :a::bigint, b::text", "SELECT $1::bigint, b::text", ["a"]),
    ("SELECT ':no', \":no\", ':it''s', :yes", "SELECT ':no', \":no\", ':it''s', $1", ["yes"]),
    ("SELECT $$ :no ; $$, $x$ :no $x$, :yes", "SELECT $$ :no ; $$, $x$ :no $x$, $1", ["yes"]),
    ("SELECT 1 -- :no; really\n, :a /* :no */", "SELECT 1 , $1", ["a"]),
    ("SELECT  1\n\n  FROM t ;\n-- done\n", "SELECT 1 FROM t", []),
])
def test_rewrite(sql, text, params):
    got, names = embed.rewrite(sql)
    assert (" ".join(got.split()), names) == (text, params)


@pytest.mark.parametrize("sql", ["SELECT 1; SELECT 2", "SELECT 1;;", "SELECT $1", "", " -- nothing\n", ";"])
def test_refused(sql):
    with pytest.raises(embed.Bad):
        embed.rewrite(sql)


def test_statements_of_files(tmp_path):
    one = tmp_path / "one.sql"
    one.write_text("-- a comment\n-- name: b_get -> thing\nSELECT a FROM b WHERE a = :a;\n-- name: a_set\nUPDATE b SET a = 1;\n")
    assert embed.statements([one]) == {
        "a_set": ("UPDATE b SET a = 1", [], None), "b_get": ("SELECT a FROM b WHERE a = $1", ["a"], "thing")}
    embed.emit_statements(tmp_path / "sql.h", tmp_path / "sql.c", [one])
    assert "SQL_B_GET" in (tmp_path / "sql.h").read_text()
    assert "extern const struct rec thing_rec;" in (tmp_path / "sql.c").read_text()


@pytest.mark.parametrize("text", [
    "-- name: Bad\nSELECT 1\n", "-- name: a -> B\nSELECT 1\n", "-- name: a\nSELECT 1\n-- name: a\nSELECT 2\n", "-- name: a\n;\n"])
def test_bad_files_stop_the_build(tmp_path, text):
    one = tmp_path / "one.sql"
    one.write_text(text)
    with pytest.raises(SystemExit):
        embed.statements([one])


def test_migrations(tmp_path):
    first, second = tmp_path / "0000_a.sql", tmp_path / "0001_b.sql"
    first.write_text("SELECT 'ä \"quoted\" \\ text';\n")
    second.write_text("SELECT 2;\n")
    embed.emit_migrations(tmp_path / "m.c", [second, first])
    made = (tmp_path / "m.c").read_text()
    assert made.index('"a"') < made.index('"b"')
    assert hashlib.sha256(first.read_bytes()).hexdigest() in made


def test_misnamed_migrations_stop_the_build(tmp_path):
    bad = tmp_path / "1_a.sql"
    bad.write_text("SELECT 1;\n")
    with pytest.raises(SystemExit):
        embed.emit_migrations(tmp_path / "m.c", [bad])
