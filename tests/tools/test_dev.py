# SPDX-License-Identifier: Apache-2.0
"""./dev itself: what a pattern chooses, the summing line, and that the lint finds what it is for."""
import importlib.util
import os
import subprocess
import sys

import pytest
from harness.run import ROOT


def load(path):
    spec = importlib.util.spec_from_file_location(path.stem, path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


dev_test = load(ROOT / "tools/dev/test.py")
lint = load(ROOT / "tools/lint/lint.py")


@pytest.mark.parametrize("name,pattern,chosen", [
    ("test_A1_random", "A1", True),
    ("test_A1", "A1", True),
    ("test_A10_other", "A1", False),
    ("test_QA1_direct", "A1", False),
    ("test_QA10_drop", "QA1", False),
    ("test_A1_random", "A1_r", True),
    ("test_ground_is_quick", "ground", True),
    ("test_ground_is_quick", "test_ground", True),
    ("test_ground_is_quick", "quick", False),
    ("unit.base_loop", "base", True),
    ("unit.base_loop", "unit.base", True),
    ("fuzz.record", "fuzz.", True),
    ("test_unit_exposure[posternd.service]", "unit_exposure", True),
    ("test_anything", None, True),
])
def test_pattern(name, pattern, chosen):
    assert dev_test.matches(name, [pattern] if pattern else []) is chosen


JUNIT = """<testsuite>
<testcase name="a"/><testcase name="b"><failure message="x"/></testcase><testcase name="c"><error message="x"/></testcase>
<testcase name="d"><skipped message="no root"/></testcase><testcase name="e" status="run"/><testcase name="f" status="fail"/>
</testsuite>"""


def test_sum_of_results(tmp_path):
    path = tmp_path / "out.xml"
    path.write_text(JUNIT)
    totals, skips = dev_test.Totals(), []
    totals.add(path, skips)
    assert totals.line() == "2 passed, 3 failed, 1 skipped"
    assert skips == ["d: no root"]


def test_nothing_chosen_is_a_failure():
    done = subprocess.run([sys.executable, ROOT / "tools/dev/test.py", "--preset", dev_preset(), "no_such_test_anywhere"],
                          capture_output=True, text=True)
    assert done.returncode != 0
    assert done.stdout.splitlines()[-1] == "0 passed, 0 failed, 0 skipped"


@pytest.mark.parametrize("args,code", [
    (["down", "--help"], 0), (["clean", "-h"], 0), (["fuzz", "--help"], 0), (["up", "--once", "more"], 2), (["up", "--onse"], 2),
    (["clean", "all"], 2), (["down", "now"], 2), (["fmt", "x"], 2), (["fuzz", "record", "long"], 2), (["test", "--preset"], 2),
    (["nothing"], 2),
])
def test_help_and_mistyped_commands_do_nothing(args, code):
    done = subprocess.run([ROOT / "dev", *args], capture_output=True, text=True, timeout=20)
    assert done.returncode == code, done.stderr
    assert "./dev help" in done.stdout + done.stderr


def dev_preset():
    return os.environ.get("POSTERN_PRESET", "dev")


LICENCE = "/* SPDX-License-Identifier: Apache-2.0 */\n"


@pytest.mark.parametrize("path,text,finding", [
    ("common/base/x.c", LICENCE + '#include <sodium.h>\n', "<sodium.h> belongs to"),
    ("common/crypto/x.c", LICENCE + '#include <sodium.h>\n', None),
    ("server/api/x.c", LICENCE.replace("Apache-2.0", "AGPL-3.0-or-later") + '#include <h2o.h>\n', "<h2o.h> belongs to"),
    ("common/base/x.c", LICENCE + '#include "net/addr.h"\n', "arrows go one way"),
    ("common/net/x.c", LICENCE + '#include "server/db/db.h"\n', "common must not know"),
    ("gateway/x.c", LICENCE + '#include "server/db/db.h"\n', "of another program"),
    ("server/front/x.c", LICENCE.replace("Apache-2.0", "AGPL-3.0-or-later") + '#include "server/db/db.h"\n', "must not know"),
    ("gateway/x.c", LICENCE + 'void f(char *d) { strcpy(d, "x"); }\n', "strcpy() is banned"),
    ("gateway/x.c", LICENCE + '/* strcpy(d, s) is not used: system() neither */\nint ecosystem(void);\n', None),
    ("gateway/x.c", LICENCE + "int f(void)\n{\n" + "    ;\n" * 90 + "}\n", "function of 92 lines"),
    ("gateway/x.c", "int x;\n", "first line must be SPDX"),
    ("server/x.c", LICENCE, "first line must be SPDX"),
    ("gateway/x.c", LICENCE + "/* " + "TO" + "DO: later */\n", "a note to oneself"),
    ("gateway/x.c", LICENCE + '#define X "/ho' + 'me/me/x"\n', "a path of somebody"),
    ("gateway/x.c", LICENCE + '#include <foo/bar.h>\n', "not in the table"),
])
def test_lint_finds(tmp_path, monkeypatch, path, text, finding):
    monkeypatch.setattr(lint, "ROOT", tmp_path)
    (tmp_path / path).parent.mkdir(parents=True)
    (tmp_path / path).write_text(text)
    found = lint.Lint()
    lint.check_file(found, lint.Path(path))
    if finding:
        assert any(finding in f for f in found.found), found.found
    else:
        assert not found.found


def test_lint_finds_decisions_with_the_same_number(tmp_path, monkeypatch):
    monkeypatch.setattr(lint, "ROOT", tmp_path)
    (tmp_path / "docs/adr").mkdir(parents=True)
    for name, heading in (("0001-a", "# 1. A"), ("0001-b", "# 1. B"), ("0002-c", "# 3. C")):
        (tmp_path / f"docs/adr/{name}.md").write_text(heading + "\n")
    found = lint.Lint()
    lint.check_decisions(found)
    assert found.found == ["docs/adr/0001-b.md:1: number 0001 is taken by 0001-a.md",
                           "docs/adr/0002-c.md:1: the heading must start with '# 2. '"]
