from moa_code.propose.mutate.ingredients import harvest

CODE = '''"""Not this."""
LIMIT = 10


class Box:
    def put(self, item, *, force=False):
        if item.size > self.room:
            raise OverflowError("no room")
        self.items.append(item)


def make(a, b=2, *rest):
    return Box()
'''


def test_attributes_methods_constants_signatures_are_gathered():
    found = harvest({"a.py": CODE, "broken.py": "def f(:"}, {"test_a.py": "assert f() == 'wanted'\n"})
    assert set(found.attributes) == {"size", "room", "items"}
    assert found.methods == ("append",)
    assert "10" in found.numbers
    assert set(found.strings) == {"no room", "wanted"}
    assert found.exceptions == ("OverflowError",)
    assert found.signatures["put"] == (1, 1)
    assert found.signatures["make"] == (1, None)
    assert found.parameters["put"] == ("item",)
