import sys

amounts = [int(line) for line in sys.stdin if line.strip()]
print(len(amounts), sum(amounts))
