"""A ledger in cents."""


class Overdrawn(ValueError):
    def __init__(self, missing):
        super().__init__(f"{missing} cents are missing")
        self.missing = missing


class Ledger:
    def __init__(self, *entries):
        self.entries = list(entries)

    @property
    def balance(self):
        return sum(self.entries)

    def post(self, cents):
        if self.balance + cents <= 0:
            raise Overdrawn(-(self.balance + cents))
        self.entries.append(cents)
        return self

    def largest(self, count):
        return sorted(self.entries, reverse=True)[:count]


def merge(left, right):
    left.extend(right)
    left.sort()


def running(ledger):
    total = 0
    for cents in ledger.entries:
        total += cents
        yield total
