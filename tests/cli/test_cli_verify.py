"""`moa-code verify` alone: anybody's patch, any folder with checks, and a stored verdict asked again elsewhere."""

import shutil
import subprocess

import pytest
from cli_calls import PATCH, command, contents
from test_cli_documents import valid

PROPERTY = (
    "from hypothesis import given, strategies as st\n\nfrom shop import total\n\n\n"
    "@given(st.integers(0, 9), st.integers(0, 9))\ndef test_total(a, b):\n    assert total(a, b) == a + b\n"
)


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        (["--repo", "."], "no --patch was given"),
        (["--run", "last", "--patch", "-"], "--run brings its own"),
        (["--run", "last", "--test", "tests"], "--run brings its own"),
        (["demo", "--run", "last"], "--run brings its own"),
        (["--repo", ".", "--patch", "-", "--candidate", "c1"], "--candidate goes with --run"),
        (["--run", "last"], "there is no journal"),
    ],
)
def test_what_cannot_be_asked(moa, arguments, why):
    done = moa("verify", *arguments, stdin=PATCH)
    assert done.code == 2
    assert why in done.err
    assert "try: " in done.err
    assert done.out == ""


@pytest.mark.parametrize(
    ("patch", "why", "next_"),
    [
        (PATCH.replace(b"a/shop.py", b"shop.py").replace(b"b/shop.py", b"shop.py"), "a/", "--src-prefix=a/"),
        (PATCH.replace(b"a - b", b"a * b"), "line 2 of the file is b'    return a - b", "git diff"),
        (PATCH.replace(b"shop.py", b"src/shop.py"), "src/shop.py is not in the tree", "git diff"),
        (b"hello\n", "no diff in it", "git diff"),
    ],
)
def test_a_patch_that_is_none_here(moa, shop, patch, why, next_):
    done = moa("verify", "--repo", shop, "--patch", "-", stdin=patch)
    assert done.code == 2
    assert why in done.err
    assert next_ in done.err


def test_a_run_that_is_not_there(moa, home):
    assert moa("runs", "list").code == 0
    done = moa("verify", "--run", "nothing")
    assert done.code == 2
    assert "no run 'nothing'" in done.err


@pytest.fixture
def property_shop(shop):
    (shop / "test_shop.py").write_text(PROPERTY)
    return shop


@pytest.mark.docker
def test_a_verdict_reproduces_from_a_copied_journal(property_shop, home, tmp_path):
    """On another machine there is the journal's file alone: no repository, no patch."""
    patch = PATCH.decode()
    done = command(home, "verify", "--repo", property_shop, "--patch", "-", "--json", "--quiet", stdin=patch)
    assert done.code == 0, done.err
    verdict = valid("verdict", done.out)
    assert [(p["planned"], p["foreign"]) for p in verdict["properties"]] == [(100, 0)]
    elsewhere, copy = tmp_path / "elsewhere", tmp_path / "j.sqlite"
    elsewhere.mkdir()
    shutil.copy(home / "state" / "moa-code" / "journal.sqlite", copy)
    shutil.rmtree(property_shop)
    again = command(
        elsewhere, "--journal", copy, "verify", "--run", verdict["run_id"], "--json", "--quiet", cwd=elsewhere
    )
    assert again.code == 0, again.err
    document = valid("reverification", again.out)
    assert (document["answer"], document["differences"]) == ("reproduced", [])
    assert document["now"]["seed"] == document["stored"]["seed"] == verdict["seed"]
    assert document["now"]["properties"] == verdict["properties"]
    shown = command(elsewhere, "--journal", copy, "runs", "show", "last", "--json")
    assert valid("log", shown.out)["result"] == verdict


@pytest.mark.docker
def test_a_failing_patch_shows_its_counterexample_and_fails_again(property_shop, home):
    wrong = PATCH.replace(b"+    return a + b", b"+    return a + b if a < 7 else 0").decode()
    before = contents(property_shop)
    done = command(home, "verify", "--repo", property_shop, "--patch", "-", stdin=wrong)
    assert done.code == 1
    assert done.out.startswith("failed")
    assert "    counterexample  test_total(a=7, b=0)\n" in done.out
    assert "--hypothesis-seed=" in done.out
    assert contents(property_shop) == before
    again = command(home, "verify", "--run", "last")
    assert (again.code, again.out.split()[0]) == (0, "reproduced")


@pytest.mark.docker
def test_a_patch_that_the_tree_has_already(shop, home):
    """What an agent has just changed and `git diff` prints."""
    git = ["git", "-C", str(shop), "-c", "user.email=a@b", "-c", "user.name=x"]
    for words in (["init", "-q"], ["add", "."], ["commit", "-qm", "start"]):
        subprocess.run([*git, *words], check=True)
    (shop / "shop.py").write_text("def total(a, b):\n    return a + b\n")
    diff = subprocess.run([*git, "diff"], check=True, capture_output=True, text=True).stdout
    done = command(home, "verify", "--repo", shop, "--patch", "-", "--paranoid", stdin=diff)
    assert done.code == 0, done.err
    assert "judged against the tree without it" in done.err
    assert "1 of 1 checks pass" in done.out


@pytest.mark.docker
def test_a_command_as_the_check(shop, home):
    check = 'python3 -c "import shop; assert shop.total(1, 2) == 3"'
    done = command(home, "verify", "--repo", shop, "--patch", "-", "--test", check, "--json", stdin=PATCH.decode())
    assert done.code == 0, done.err
    verdict = valid("verdict", done.out)
    assert (verdict["integrity"], verdict["seed"], verdict["properties"]) == ("exit_status", None, [])
    assert command(home, "verify", "--run", "last", "--quiet").code == 0
