import pytest

from moa_code.prompts.redact import MARK, redact

BODY = "Ab3" * 14


@pytest.mark.parametrize(
    ("text", "secret"),
    [
        (f"key sk-{BODY} end", f"sk-{BODY}"),
        (f"sk-ant-api03-{BODY}", f"sk-ant-api03-{BODY}"),
        (f"gsk_{BODY}", f"gsk_{BODY}"),
        (f"AIza{BODY}", f"AIza{BODY}"),
        (f"hf_{BODY}", f"hf_{BODY}"),
        (f"ghp_{BODY}", f"ghp_{BODY}"),
        (f"github_pat_{BODY}", f"github_pat_{BODY}"),
        (f"glpat-{BODY}", f"glpat-{BODY}"),
        ("xoxb-1234567890-abcdef", "xoxb-1234567890-abcdef"),
        ("id=AKIAIOSFODNN7EXAMPLE", "AKIAIOSFODNN7EXAMPLE"),
        (f"sk_live_{BODY}", f"sk_live_{BODY}"),
        ("eyJhbGciOiJIUzI1.eyJzdWIiOiIxMjM0.SflKxwRJSMeKKF2QT4", "SflKxwRJSMeKKF2QT4"),
        ("-----BEGIN RSA PRIVATE KEY-----\nMIIE\nxyz\n-----END RSA PRIVATE KEY-----", "MIIE\nxyz"),
        ("-----BEGIN OPENSSH PRIVATE KEY-----\nb3Blbn cut off", "b3Blbn cut off"),
        ('API_KEY = "correcthorse1battery"', "correcthorse1battery"),
        ('{"client_secret": "correcthorse1battery"}', "correcthorse1battery"),
        ("os.environ['DB_PASSWORD'] = 'correcthorse1battery'", "correcthorse1battery"),
        ("export AWS_SECRET_ACCESS_KEY=wJalrXUtnFEMI/K7MDENG/bPx", "wJalrXUtnFEMI/K7MDENG/bPx"),
        ("Authorization: Bearer abcdef0123456789abcdef", "abcdef0123456789abcdef"),
        ("postgres://bob:hunter2!@db/x", "hunter2!"),
    ],
)
def test_secrets_go(text, secret):
    out = redact(text)
    assert secret not in out
    assert MARK in out
    assert redact(out) == out


@pytest.mark.parametrize(
    "text",
    [
        "def task-list sk-learn risk-management-is-important",
        "password = getpass()",
        "api_key = settings.provider_key_v2_long",
        "client(api_key=settings_key_number_2)",
        'password = "changeme"',
        "secret: the quick brown fox has 4 legs",
        "https://example.org:8080/path@2",
        "token = tokens[index + 1]",
        "-----BEGIN PUBLIC KEY-----\nabc\n-----END PUBLIC KEY-----",
        "AKIA is a prefix",
    ],
)
def test_code_and_prose_stay(text):
    assert redact(text) == text


def test_what_stands_around_a_secret_stays():
    assert redact(f"a = 1\nkey = 'sk-{BODY}'  # why\nb = 2") == f"a = 1\nkey = '{MARK}'  # why\nb = 2"
    assert redact("postgres://bob:hunter2!@db/x") == f"postgres://bob:{MARK}@db/x"


def test_known_secrets_go_whatever_their_shape():
    assert redact("got: my plain phrase!", known=["my plain phrase"]) == f"got: {MARK}!"


def test_a_short_known_value_is_not_searched_for():
    """An empty or tiny key would eat ordinary text."""
    assert redact("unused is unused", known=["", "is"]) == "unused is unused"
