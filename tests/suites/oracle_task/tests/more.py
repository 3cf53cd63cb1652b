from bank.ledger import Ledger

ledger = Ledger(7)
ledger.post(-7)
assert ledger.balance == 0
assert ledger.largest(2) == [7, -7]
