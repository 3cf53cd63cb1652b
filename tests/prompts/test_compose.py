from hypothesis import given
from hypothesis import strategies as st

from moa_code.core.calls import prompt_sha256
from moa_code.core.model import Message, Role
from moa_code.prompts.compose import fenced, hashes, message


def test_no_secret_leaves():
    assert "sk-abcdefghij0123456789" not in message(Role.USER, "key: sk-abcdefghij0123456789").text


@given(st.text(st.characters(), max_size=200))
def test_every_message_can_be_encoded(text):
    message(Role.USER, text).text.encode("utf-8")


def test_bytes_that_were_no_text_do_not_stop_a_message():
    assert message(Role.USER, "a\udcffb").text == "a?b"


@given(st.text(alphabet="`\na", max_size=40))
def test_a_fence_is_longer_than_what_it_holds(text):
    block = fenced(text, "python")
    fence = block.split("python")[0]
    assert fence not in text
    assert block.endswith("\n" + fence)


def test_hashes_are_sorted_pairs():
    pairs = hashes("style_minimal", "style_direct", "style_direct")
    assert [name for name, _ in pairs] == ["style_direct", "style_minimal"]


def test_moving_text_between_messages_changes_the_hash():
    def sha(*texts):
        return prompt_sha256(tuple(Message(role=Role.USER, text=t) for t in texts))

    assert len({sha("ab", "c"), sha("a", "bc"), sha("abc"), sha("abc", "")}) == 4
