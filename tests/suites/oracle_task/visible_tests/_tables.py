ENTRIES = [3, 1, 2]
